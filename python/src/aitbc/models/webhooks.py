"""Where events are posted, and what was posted there."""

from __future__ import annotations

from typing import Any, Literal

from .base import Model


class Webhook(Model):
    """Where the events of an account are posted."""

    id: str
    url: str
    """For a webhook with ``for_jobs``, the origin that the URLs of these jobs have."""
    events: list[str]
    description: str | None
    include_result: bool
    all_miners: bool
    for_jobs: bool
    """Whether it stands for jobs with a ``webhook_url`` of their own at this origin."""
    state: Literal["active", "paused", "disabled"] | str
    disabled_reason: Literal["gone", "failing"] | str | None
    failing_since: str | None
    last_success_at: str | None
    next_attempt_at: str | None
    created_at: str
    updated_at: str


class CreatedWebhook(Webhook):
    """A webhook that was just registered."""

    secret: str
    """It is shown only once."""


class WebhookSecret(Model):
    """What deliveries are signed with."""

    secret: str
    previous_valid_until: str | None
    """Until then, deliveries are signed with the secret before as well."""


class WebhookAttempt(Model):
    """One try of a delivery."""

    at: str
    url: str
    duration_ms: int
    status_code: int | None
    """None where no answer came."""
    error: str | None
    response: str | None
    """The first kilobyte of the answer."""


class WebhookDelivery(Model):
    """What a webhook is told, and how that went."""

    id: str
    """The header ``webhook-id``."""
    type: str
    subject: str
    occurred_at: str
    state: Literal["pending", "delivered", "failed"] | str
    next_attempt_at: str | None
    body: str | None
    attempts: list[WebhookAttempt]


class Redelivering(Model):
    """How many deliveries will be sent again."""

    redelivering: int
    complete: bool
    next_since: str | None
    """From where to ask again, where there are more than one request handles."""


class WebhookMessage(Model):
    """The body of a delivery."""

    type: str
    timestamp: str
    data: dict[str, Any]
