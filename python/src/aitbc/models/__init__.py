"""What coordinators answer, as pydantic models.

Times are RFC 3339 in UTC unless said otherwise, amounts are credits with at most 6 decimals. Members that a newer
coordinator adds are kept: they are found as attributes, and ``model_dump()`` has them.
"""

from .base import Model
from .chat import ChatMessage, ContentPart, Function, FunctionCall, ResponseFormat, Tool, ToolCall
from .events import (
    ChunkEvent,
    ErrorEvent,
    JobEvent,
    ReasoningEvent,
    ReceiptEvent,
    RestartEvent,
    ResultEvent,
    StatusEvent,
)
from .explorer import (
    ActivityPoint,
    AddressDetail,
    Block,
    BlockDetail,
    ExplorerStats,
    SearchResult,
    Transaction,
    TransactionDetail,
)
from .jobs import (
    Job,
    JobConstraints,
    JobError,
    JobOutcome,
    JobRequest,
    JobRun,
    JobSummary,
    MinerJob,
    PostedChunks,
    QueueInfo,
    TokenUsage,
)
from .miners import HeartbeatAnswer, Miner, MinerDetail, MinerModel, Reputation, Workload
from .network import Account, Health, NetworkStats
from .openai import Batch, BatchAnswer, FileObject, OfferedModel
from .receipts import Grant, Inclusion, PublicKey, PublishedGrant, PublishedReceipt, Receipt, Signature

__all__ = [
    "Account",
    "ActivityPoint",
    "AddressDetail",
    "Batch",
    "BatchAnswer",
    "Block",
    "BlockDetail",
    "ChatMessage",
    "ChunkEvent",
    "ContentPart",
    "ErrorEvent",
    "ExplorerStats",
    "FileObject",
    "Function",
    "FunctionCall",
    "Grant",
    "Health",
    "HeartbeatAnswer",
    "Inclusion",
    "Job",
    "JobConstraints",
    "JobError",
    "JobEvent",
    "JobOutcome",
    "JobRequest",
    "JobRun",
    "JobSummary",
    "Miner",
    "MinerDetail",
    "MinerJob",
    "MinerModel",
    "Model",
    "NetworkStats",
    "OfferedModel",
    "PostedChunks",
    "PublicKey",
    "PublishedGrant",
    "PublishedReceipt",
    "QueueInfo",
    "ReasoningEvent",
    "Receipt",
    "ReceiptEvent",
    "Reputation",
    "ResponseFormat",
    "RestartEvent",
    "ResultEvent",
    "SearchResult",
    "Signature",
    "StatusEvent",
    "TokenUsage",
    "Tool",
    "ToolCall",
    "Transaction",
    "TransactionDetail",
    "Workload",
]
