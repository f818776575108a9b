"""Jobs as their clients and their miners see them."""

from __future__ import annotations

import base64
import json
import struct
from datetime import datetime
from typing import Any, Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

from ..errors import JobFailedError
from .base import Model
from .chat import ChatMessage, ResponseFormat, Tool, ToolCall
from .passports import EffectiveParameters

JobStatus: TypeAlias = Literal["pending", "running", "completed", "failed", "cancelled"]
ENDED: tuple[str, ...] = ("completed", "failed", "cancelled")


MinerChoice = TypedDict("MinerChoice", {"only": list[str], "first": list[str], "not": list[str]}, total=False)
"""Which miners or owners a client wants, at most eight in each list: only these, these first while one of them is
free, or not these."""


class JobConstraints(TypedDict):
    """What a miner must have to be given the job."""

    min_vram_gb: NotRequired[int]
    """GPU memory in GB."""
    region: NotRequired[str]
    min_context: NotRequired[int]
    """Tokens of prompt and answer together."""
    miners: NotRequired[MinerChoice]
    """By their ids."""
    owners: NotRequired[MinerChoice]
    """By the addresses of their accounts."""
    model_digest: NotRequired[str]
    """The weights that the passport of the model must name."""
    quantization: NotRequired[str]
    """The quantization that the passport of the model must name."""
    max_price: NotRequired[float]
    """Credits that this job may cost at most."""


class VerificationConsent(TypedDict):
    """Who may read a job's prompt and answer, to check which model answered."""

    consent: bool
    """Whether verifiers of other owners than the operator may."""


class JobRequest(TypedDict):
    """What is asked for: a prompt, messages, or texts to embed."""

    model: NotRequired[str]
    models: NotRequired[list[str]]
    """Models to use, best first, after ``model`` if that is given, each when the one before can't be run soon."""
    prompt: NotRequired[str]
    messages: NotRequired[list[ChatMessage]]
    tools: NotRequired[list[Tool]]
    tool_choice: NotRequired[str | dict[str, Any]]
    response_format: NotRequired[ResponseFormat]
    input: NotRequired[list[str] | list[list[int]] | list[str | list[int]]]
    params: NotRequired[dict[str, Any]]
    """Sampling parameters: ``max_tokens``, ``temperature``, ``top_p``, ``stop``, ``seed`` and the engine's own."""
    priority: NotRequired[int]
    ttl_seconds: NotRequired[int]
    max_attempts: NotRequired[int]
    replication: NotRequired[int]
    constraints: NotRequired[JobConstraints]
    verification: NotRequired[VerificationConsent]
    metadata: NotRequired[dict[str, Any]]
    webhook_url: NotRequired[str]
    webhook_events: NotRequired[list[str]]
    stream: NotRequired[bool]


class TokenUsage(Model):
    """Tokens as an engine counted them. A count that is not known is None."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt, those that the engine had read before."""
    reasoning_tokens: int | None = None
    """Of the completion, those of the reasoning before the answer."""


class JobError(Model):
    """Why a job failed."""

    error_code: str
    detail: str
    error_class: str | None = None
    engine_code: str | None = None
    retry_after: int | None = None
    """Of MINERS_BUSY: seconds after which there may be room."""


class QueueInfo(Model):
    """Where a pending job stands: estimated from counters, so near the truth rather than exact."""

    position: int
    """1 is next."""
    eligible_miners: int
    estimated_start_seconds: float | None
    reason: str | None
    """Why it can not start now, where no live miner can run it."""


class JobRun(Model):
    """One of the runs of a job that several owners' miners run."""

    job_id: str
    status: JobStatus | str
    miner_id: str | None
    receipt_id: str | None
    salt: str
    agrees: bool | None
    error: JobError | None


class _JobBase(Model):
    job_id: str
    status: JobStatus | str
    model: str
    priority: int
    constraints: dict[str, Any]
    attempts: int
    """Claims so far."""
    max_attempts: int
    created_at: datetime
    expires_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    miner_id: str | None
    error: JobError | None
    receipt_id: str | None
    erased_at: datetime | None
    """When its texts were erased for their age; None while they are there."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED


class JobSummary(_JobBase):
    """A job in a list: without its texts."""


class Job(_JobBase):
    """A job as its owner sees it."""

    prompt: str | None
    """The text that ``prompt_hash`` is for; None once erased."""
    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    response_format: Any = None
    input: list[Any] | None = None
    params: dict[str, Any]
    metadata: dict[str, Any] | None
    models: list[str] | None = None
    """The models that the job may use, best first, if it names several."""
    webhook_url: str | None = None
    stream: bool
    result: str | None
    """The text that ``artifact_hash`` is for."""
    result_type: Literal["text", "message", "embeddings"] | str | None = None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] | str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    logprobs: list[dict[str, Any]] | None = None
    effective_parameters: EffectiveParameters | None = None
    """The parameters that the miner sent to its engine, as far as it told them."""
    usage: TokenUsage | None
    salt: str
    """Opens ``prompt_hash`` and ``artifact_hash`` of the receipt: SHA-256 of salt and text."""
    queue: QueueInfo | None
    runs: list[JobRun] | None = None

    def require_completed(self) -> str:
        """The result of the job.

        Raises:
            JobFailedError: where it ended otherwise, or has not ended
        """
        if self.status != "completed" or self.result is None:
            raise JobFailedError(self)
        return self.result

    @property
    def text(self) -> str | None:
        """What the model wrote: the result, or the ``content`` of one with tool calls."""
        if self.result is None or self.result_type != "message":
            return self.result
        content = json.loads(self.result)["content"]
        return content if isinstance(content, str) else None

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Functions that the model wants called."""
        if self.result is None or self.result_type != "message":
            return []
        calls: list[ToolCall] = json.loads(self.result)["tool_calls"]
        return calls

    @property
    def embeddings(self) -> list[list[float]]:
        """The vectors of a job with ``input``, one for each text, in order."""
        if self.result is None or self.result_type != "embeddings":
            return []
        encoded: list[str] = json.loads(self.result)["embeddings"]
        vectors = [base64.b64decode(text) for text in encoded]
        return [list(struct.unpack(f"<{len(data) // 4}f", data)) for data in vectors]


class MinerJob(Model):
    """A job as a miner gets it."""

    job_id: str
    status: JobStatus | str
    model: str
    prompt: str
    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Any = None
    response_format: Any = None
    input: list[Any] | None = None
    params: dict[str, Any]
    priority: int
    constraints: dict[str, Any]
    stream: bool
    """Somebody reads the text as it is generated."""
    attempt: int
    """1 on the first claim."""
    created_at: datetime
    lease_expires_at: datetime
    deadline: datetime
    """No heartbeat extends the lease past that."""
    salt: str
    traceparent: str | None = None
    """The place of this attempt in the client's trace (W3C Trace Context), for a request to an engine."""


class JobOutcome(Model):
    """What became of a job that its miner gave up."""

    job_id: str
    status: JobStatus | str
    attempts: int
    max_attempts: int


class PostedChunks(Model):
    """How far the text of a job has come."""

    job_id: str
    next: int
    """Index of the chunk that comes next."""
    lease_expires_at: datetime
    deadline: datetime


class ModelPrice(Model):
    """How a model is priced."""

    unit: str
    """``gpu_second`` or ``token``."""
    credits: float
    """For one GPU second, or for 1,000 tokens."""


class JobCost(Model):
    """What a job may cost, in credits."""

    most: float
    usual: float


class ModelChoice(Model):
    """One of the models that a job names."""

    model: str
    price: ModelPrice
    eligible_miners: int


class JobPreview(Model):
    """What the coordinator knows before a job is submitted. It promises nothing."""

    dry_run: bool
    model: str
    price: ModelPrice
    cost: JobCost
    available: float | None
    """Credits that the balance and the budget of the key leave for it. None without limit."""
    queue: QueueInfo
    models: list[ModelChoice] | None = None
    """For a job that names several models: each of them, best first."""
