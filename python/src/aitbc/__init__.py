"""Client, offline verifier and miner for coordinators of AITBC, the network for AI inference."""

from . import models, verify
from ._async.client import AsyncCoordinatorClient
from ._async.ledger import AsyncLedger
from ._async.requests import AsyncPaged
from ._http import Page
from ._miner import Busy, ClaimedJob, Miner, MinerError, Output, Reasoning, Refused, Unsupported, miner
from ._sync.client import CoordinatorClient
from ._sync.ledger import Ledger
from ._sync.requests import Paged
from ._version import __version__
from ._webhooks import WebhookVerificationError, verify_webhook
from .errors import (
    AitbcError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ConnectionError,
    CoordinatorError,
    ErrorCode,
    InsufficientBalanceError,
    JobFailedError,
    JobTimeoutError,
    LedgerError,
    NotFoundError,
    PartialBatchError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TimeoutError,
)

__all__ = [
    "AitbcError",
    "AsyncCoordinatorClient",
    "AsyncLedger",
    "AsyncPaged",
    "AuthenticationError",
    "BadRequestError",
    "Busy",
    "ClaimedJob",
    "ConflictError",
    "ConnectionError",
    "CoordinatorClient",
    "CoordinatorError",
    "ErrorCode",
    "InsufficientBalanceError",
    "JobFailedError",
    "JobTimeoutError",
    "Ledger",
    "LedgerError",
    "Miner",
    "MinerError",
    "NotFoundError",
    "Output",
    "Page",
    "Paged",
    "PartialBatchError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "RateLimitError",
    "Reasoning",
    "Refused",
    "ServerError",
    "TimeoutError",
    "Unsupported",
    "WebhookVerificationError",
    "__version__",
    "miner",
    "models",
    "verify",
    "verify_webhook",
]
