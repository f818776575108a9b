"""Files and batches, in the shapes of OpenAI's API. Times are Unix seconds."""

from __future__ import annotations

from typing import Any, Literal

from .base import JsonObject, Model

BATCH_ENDED: tuple[str, ...] = ("failed", "completed", "expired", "cancelled")


class FileObject(Model):
    """A file, without its content."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    status: str


class BatchCounts(Model):
    """Requests of a batch."""

    total: int
    completed: int
    failed: int


class Batch(Model):
    """A file of requests that are answered."""

    id: str
    object: Literal["batch"]
    endpoint: str
    errors: JsonObject | None
    """Why it failed: what is wrong with its file."""
    input_file_id: str
    completion_window: str
    status: (
        Literal[
            "validating",
            "failed",
            "in_progress",
            "finalizing",
            "completed",
            "expired",
            "cancelling",
            "cancelled",
        ]
        | str
    )
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: BatchCounts
    metadata: dict[str, str] | None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in BATCH_ENDED


class BatchAnswer(Model):
    """A line of a batch's output or error file."""

    id: str | None = None
    custom_id: str
    response: JsonObject | None = None
    """``status_code``, ``request_id`` and the ``body``, as the endpoint answers."""
    error: JsonObject | None = None

    @property
    def body(self) -> Any:
        """What the endpoint answered; None where there is no answer."""
        return None if self.response is None else self.response.get("body")

    @property
    def text(self) -> str | None:
        """The text of the first choice, of chats and completions."""
        body: JsonObject = self.body or {}
        choices: list[JsonObject] = body.get("choices") or []
        if not choices:
            return None
        message: JsonObject = choices[0].get("message") or {}
        text = message.get("content", choices[0].get("text"))
        return text if isinstance(text, str) else None


class OfferedModel(Model):
    """A model that miners offer."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
