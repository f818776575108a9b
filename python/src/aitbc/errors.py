"""Every error that this package raises. Callers tell them apart by class, and by ``error_code``."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import httpx

if TYPE_CHECKING:
    from .models import Job

ErrorCode: TypeAlias = Literal[
    "ACCOUNT_NOT_FOUND",
    "API_KEY_LIMIT_REACHED",
    "API_KEY_NOT_FOUND",
    "AUTH_EXPIRED_KEY",
    "AUTH_INSUFFICIENT_SCOPE",
    "AUTH_INVALID_KEY",
    "AUTH_MISSING_KEY",
    "BATCH_INVALID_STATUS",
    "BATCH_NOT_FOUND",
    "BLOCK_NOT_FOUND",
    "FILE_NOT_FOUND",
    "HEADERS_TOO_LARGE",
    "HOST_NOT_ALLOWED",
    "IDEMPOTENCY_KEY_REUSED",
    "INVITATION_ENDED",
    "INVITATION_NOT_FOUND",
    "JOB_ALREADY_CANCELLED",
    "JOB_ALREADY_CLAIMED",
    "JOB_ALREADY_COMPLETED",
    "JOB_EXPIRED",
    "JOB_INVALID_STATUS",
    "JOB_NOT_FOUND",
    "JOB_NOT_LEASED",
    "METHOD_NOT_ALLOWED",
    "MINER_ALREADY_REGISTERED",
    "MINER_CAPACITY_FULL",
    "MINER_NOT_FOUND",
    "MINER_SUPERSEDED",
    "MINER_SUSPENDED",
    "MODEL_NOT_ALLOWED",
    "NOTICE_LIMIT_REACHED",
    "NOTICE_NOT_FOUND",
    "ORIGIN_NOT_ALLOWED",
    "PAYLOAD_TOO_LARGE",
    "PAYMENT_DAILY_BUDGET_EXCEEDED",
    "PAYMENT_INSUFFICIENT_BALANCE",
    "PAYMENT_MONTHLY_BUDGET_EXCEEDED",
    "PAYMENT_TOTAL_BUDGET_EXCEEDED",
    "PAYOUT_INVALID_SIGNATURE",
    "PAYOUT_INVALID_STATUS",
    "PAYOUT_NOT_FOUND",
    "PAYOUT_TOO_LARGE",
    "RATE_LIMIT_EXCEEDED",
    "RATE_QUOTA_EXCEEDED",
    "RECEIPT_INVALID_SIGNATURE",
    "RECEIPT_NOT_FOUND",
    "REQUEST_TIMEOUT",
    "ROUTE_NOT_FOUND",
    "STORAGE_QUOTA_EXCEEDED",
    "SYSTEM_INTERNAL_ERROR",
    "SYSTEM_MAINTENANCE",
    "SYSTEM_OVERLOADED",
    "SYSTEM_UPSTREAM_ERROR",
    "TRANSACTION_NOT_FOUND",
    "UNSUPPORTED_MEDIA_TYPE",
    "VALIDATION_INVALID_FORMAT",
    "VALIDATION_INVALID_MODEL",
    "VALIDATION_INVALID_TYPE",
    "VALIDATION_MISSING_FIELD",
    "VALIDATION_OUT_OF_RANGE",
    "VALIDATION_PROMPT_TOO_LONG",
    "VALIDATION_UNKNOWN_FIELD",
    "VERIFICATION_NOT_APPEALABLE",
    "VERIFICATION_NOT_FOUND",
    "VERIFICATION_NOT_LEASED",
    "WEBHOOK_ADDRESS_REFUSED",
    "WEBHOOK_LIMIT_EXCEEDED",
    "WEBHOOK_NOT_FOUND",
]
"""Every code that this version of the package knows. Coordinators may have newer ones."""


class AitbcError(Exception):
    """What every error of this package extends."""


class UsageError(Exception):
    """The command ``aitbc-py`` was called wrongly."""


class CoordinatorError(AitbcError, httpx.HTTPStatusError):
    """The coordinator, or a proxy before it, answered with something other than success.

    It is an ``httpx.HTTPStatusError`` too, so code that was written for httpx catches it, and finds
    ``response`` and ``request`` on it.
    """

    status: int
    """The HTTP status."""
    error_code: ErrorCode | str | None
    """The contract's code, for programs; None where the answer carried none, as a proxy's does not."""
    detail: str
    """What went wrong with this request, for people."""
    request_id: str | None
    """The operator finds the request in the log by it."""
    field: str | None
    """The field of the request that was wrong, dotted: ``params.max_tokens``."""
    retry_after: float | None
    """Seconds that the coordinator asked to wait before the next try."""

    def __init__(self, response: httpx.Response, problem: Mapping[str, Any], *, retry_after: float | None) -> None:
        code = problem.get("error_code")
        self.status = response.status_code
        self.error_code = code if isinstance(code, str) else None
        self.detail = str(problem.get("detail") or f"HTTP {response.status_code}")
        self.request_id = _text(problem.get("request_id"))
        self.field = _text(problem.get("field"))
        stated = problem.get("retry_after")
        self.retry_after = float(stated) if isinstance(stated, int | float) else retry_after
        message = f"{self.detail} ({self.error_code})" if self.error_code else self.detail
        httpx.HTTPStatusError.__init__(self, message, request=response.request, response=response)

    def matches(self, *patterns: str) -> bool:
        """Whether the error has one of the codes, or is of one of the families: ``"JOB_NOT_FOUND", "AUTH_*"``."""
        code = self.error_code or ""
        return any(code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern for pattern in patterns)


class BadRequestError(CoordinatorError):
    """400 and other 4xx: the request has to change. ``field`` names the place."""


class AuthenticationError(CoordinatorError):
    """401: no key, or one that is unknown or has expired."""


class InsufficientBalanceError(CoordinatorError):
    """402: the account does not have what the job may cost."""


class PermissionDeniedError(CoordinatorError):
    """403: the key is for something else."""


class NotFoundError(CoordinatorError):
    """404: there is no such thing, or it is another client's."""


class ConflictError(CoordinatorError):
    """409 and 410: what is there does not allow it, such as a job that has ended."""


class PayloadTooLargeError(CoordinatorError):
    """413: the request is larger than the coordinator takes."""


class RateLimitError(CoordinatorError):
    """429: too much at once. ``retry_after`` says when to go on."""


class ServerError(CoordinatorError):
    """5xx: the coordinator failed, or is away."""


_CLASSES: Mapping[int, type[CoordinatorError]] = {
    401: AuthenticationError,
    402: InsufficientBalanceError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: ConflictError,
    413: PayloadTooLargeError,
    429: RateLimitError,
}


def coordinator_error(
    response: httpx.Response, problem: Mapping[str, Any], *, retry_after: float | None = None
) -> CoordinatorError:
    """The error of the class that goes with the status."""
    status = response.status_code
    family = ServerError if status >= 500 else BadRequestError if 400 <= status < 500 else CoordinatorError
    return _CLASSES.get(status, family)(response, problem, retry_after=retry_after)


class ConnectionError(AitbcError, builtins.ConnectionError):
    """No answer: the name did not resolve, the connection was refused or broke. ``__cause__`` is httpx's error."""

    def __init__(self, url: str, cause: BaseException | str) -> None:
        self.url = url
        reason = cause if isinstance(cause, str) else str(cause) or type(cause).__name__
        super().__init__(f"No answer from {url}: {reason}")


class TimeoutError(AitbcError, builtins.TimeoutError):
    """An answer, or the end of a job, did not come in time."""

    def __init__(self, message: str, timeout: float) -> None:
        self.timeout = timeout
        """Seconds waited."""
        super().__init__(message)


class JobTimeoutError(TimeoutError):
    """A job had not ended when the time that was given to wait was over. The job itself goes on."""

    def __init__(self, job_id: str, job: Mapping[str, Any] | None, timeout: float) -> None:
        self.job_id = job_id
        self.job = job
        """The job as it was last seen, as the coordinator told it; None where it did not answer at all."""
        seen = "the coordinator did not answer" if job is None else f"last seen {job.get('status')}"
        super().__init__(f"{job_id} had not ended after {timeout:g} s: {seen}", timeout)


JobFault: TypeAlias = Literal["request", "miners", "nobody"]
"""What has to change for a job to succeed: the request itself, the miners, or only the time it is tried at."""

_NOBODYS = ("JOB_EXPIRED", "JOB_UNREADABLE", "JOB_UNSUPPORTED", "MINERS_BUSY")


class JobFailedError(AitbcError):
    """A job ended without a result: it failed, or was cancelled."""

    def __init__(self, job: Job) -> None:
        error = job.error
        self.job = job
        self.error_code: str | None = error.error_code if error else None
        """Why it failed; None where it was cancelled."""
        self.error_class: str | None = error.error_class if error else None
        """The class of the failure, where its miner reported one."""
        self.engine_code: str | None = error.engine_code if error else None
        """The engine's own code, such as ``context_length_exceeded``."""
        self.fault: JobFault = fault_of(self.error_code, self.error_class)
        super().__init__(
            f"{job.job_id}: {error.detail} ({error.error_code})" if error else f"{job.job_id} was {job.status}"
        )


def fault_of(error_code: str | None, error_class: str | None) -> JobFault:
    """Whose fault the failure of a job is."""
    if error_code == "JOB_REFUSED" or error_class == "refused":
        return "request"
    return "nobody" if error_code is None or error_code in _NOBODYS else "miners"


class PartialBatchError(AitbcError):
    """Part of a batch was accepted before a later part failed with ``__cause__``."""

    def __init__(self, accepted: Sequence[Job], idempotency_key: str, cause: BaseException) -> None:
        self.accepted = list(accepted)
        """The jobs that exist now: the first of the batch, in its order."""
        self.idempotency_key = idempotency_key
        """The same batch submitted again with this key adds what is missing and repeats nothing."""
        super().__init__(f"The batch stopped after {len(accepted)} jobs: {cause}")


LedgerErrorCode: TypeAlias = Literal[
    "CHECKPOINT_INVALID", "TILE_INVALID", "ENTRIES_INVALID", "MISSING", "ROLLED_BACK", "FORKED"
]


class LedgerError(AitbcError):
    """A ledger does not hold what it promises. What could not be fetched at all is another error.

    - ``CHECKPOINT_INVALID``: it is not signed as the policy demands, or can't be read
    - ``TILE_INVALID``: hashes are not those of the tree that was signed
    - ``ENTRIES_INVALID``: entries are not those of the tree that was signed
    - ``MISSING``: it does not serve what it must have
    - ``ROLLED_BACK``: it has fewer entries than it had
    - ``FORKED``: it does not begin with the tree that it had
    """

    def __init__(self, code: LedgerErrorCode, message: str) -> None:
        self.code: LedgerErrorCode = code
        super().__init__(message)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
