"""What happens to a job, as its client is told. Told apart by ``event``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from .base import Model
from .jobs import JobError, TokenUsage
from .receipts import Receipt


class _Event(Model):
    id: str
    """Give it as ``after`` to go on behind this event."""


class StatusData(Model):
    job_id: str
    status: str
    attempt: int
    max_attempts: int
    miner_id: str | None


class StatusEvent(_Event):
    """The status changed. After ``cancelled`` the stream ends."""

    event: Literal["status"]
    data: StatusData


class ChunkData(Model):
    attempt: int
    index: int
    text: str


class ChunkEvent(_Event):
    """The next piece of the text."""

    event: Literal["chunk"]
    data: ChunkData


class ReasoningEvent(_Event):
    """The next piece of what the model thinks before its answer."""

    event: Literal["reasoning"]
    data: ChunkData


class RestartData(Model):
    attempt: int


class RestartEvent(_Event):
    """Another attempt took over: the text so far is void, and starts anew."""

    event: Literal["restart"]
    data: RestartData


class ResultData(Model):
    result: str | None
    result_type: str | None = None
    finish_reason: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    logprobs: list[dict[str, Any]] | None = None
    usage: TokenUsage | None


class ResultEvent(_Event):
    """The whole text, which is what the receipt is for."""

    event: Literal["result"]
    data: ResultData


class ReceiptEvent(_Event):
    """The receipt; then the stream ends."""

    event: Literal["receipt"]
    data: Receipt


class ErrorEvent(_Event):
    """Why the job failed; then the stream ends."""

    event: Literal["error"]
    data: JobError


JobEvent: TypeAlias = Annotated[
    StatusEvent | ChunkEvent | ReasoningEvent | RestartEvent | ResultEvent | ReceiptEvent | ErrorEvent,
    Field(discriminator="event"),
]
