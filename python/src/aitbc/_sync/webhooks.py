"""Where events are posted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._http import Call, create, given, post, segment
from ..models import CreatedWebhook, Redelivering, Webhook, WebhookDelivery, WebhookSecret
from .requests import Paged, Resource

_PATH = "/v1/webhooks"


def _path(webhook_id: str, *more: str) -> str:
    return "/".join([_PATH, segment(webhook_id), *more])


class Webhooks(Resource):
    """Where your events are posted. ``aitbc.verify_webhook`` checks what arrives there."""

    def create(
        self,
        url: str,
        *,
        events: Sequence[str],
        description: str | None = None,
        include_result: bool | None = None,
        all_miners: bool | None = None,
        idempotency_key: str | None = None,
    ) -> CreatedWebhook:
        """Registers a webhook. Its ``secret`` is only in this answer. Retries get the same webhook.

        Args:
            events: such as ``job.completed`` and ``job.failed``
            include_result: whether deliveries of ``job.completed`` carry the result
            all_miners: whether it gets the miner events of all owners; for administrators
            idempotency_key: the same key with the same webhook is the same webhook. Made up where it is not given.
        """
        body = given(
            url=url,
            events=list(events),
            description=description,
            include_result=include_result,
            all_miners=all_miners,
        )
        call = create(_PATH, body, idempotency_key=idempotency_key)
        return self._requests.model(CreatedWebhook, call)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Paged[Webhook]:
        """Your webhooks, newest first. ``limit`` is of one page."""
        return self._requests.paged(Webhook, _PATH, given(limit=limit, cursor=cursor))

    def get(self, webhook_id: str) -> Webhook:
        """A webhook, and whether its deliveries succeed."""
        return self._requests.model(Webhook, Call(_path(webhook_id)))

    def update(self, webhook_id: str, **change: Any) -> Webhook:
        """Changes a webhook.

        Args:
            change: ``url``, ``events``, ``description``, ``include_result``, and ``paused``: True keeps events until
                it is False again
        """
        call = Call(_path(webhook_id), "PATCH", body=change, repeatable=True)
        return self._requests.model(Webhook, call)

    def delete(self, webhook_id: str) -> None:
        """Deletes a webhook. Nothing more is delivered to it."""
        self._requests.send(Call(_path(webhook_id), "DELETE"))

    def rotate_secret(self, webhook_id: str, *, idempotency_key: str | None = None) -> WebhookSecret:
        """Gives the webhook a new secret. For a day, deliveries are signed with the one before as well."""
        call = create(_path(webhook_id, "rotate-secret"), {}, idempotency_key=idempotency_key)
        return self._requests.model(WebhookSecret, call)

    def test(self, webhook_id: str) -> WebhookDelivery:
        """Sends an event ``webhook.test``."""
        return self._requests.model(WebhookDelivery, Call(_path(webhook_id, "test"), "POST", body={}))

    def deliveries(
        self, webhook_id: str, *, state: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Paged[WebhookDelivery]:
        """What was delivered or is to be, with the log of tries, newest first. ``limit`` is of one page."""
        query = given(state=state, limit=limit, cursor=cursor)
        return self._requests.paged(WebhookDelivery, _path(webhook_id, "deliveries"), query)

    def redeliver(self, webhook_id: str, delivery_id: str) -> WebhookDelivery:
        """Sends a delivery again, under the same id."""
        path = _path(webhook_id, "deliveries", segment(delivery_id), "redeliver")
        return self._requests.model(WebhookDelivery, post(path))

    def redeliver_since(self, webhook_id: str, since: str, *, only_failed: bool | None = None) -> Redelivering:
        """Sends all deliveries of events since a time (RFC 3339) again, or only those that failed."""
        body = given(since=since, only_failed=only_failed)
        return self._requests.model(Redelivering, post(_path(webhook_id, "redeliver"), body))

    def secret(self) -> WebhookSecret:
        """The secret of your account, which signs deliveries to jobs' own ``webhook_url``."""
        return self._requests.model(WebhookSecret, Call(f"{_PATH}/secret"))

    def rotate_account_secret(self, *, idempotency_key: str | None = None) -> WebhookSecret:
        """Gives your account a new secret. For a day, deliveries are signed with the one before as well."""
        call = create(f"{_PATH}/secret/rotate", {}, idempotency_key=idempotency_key)
        return self._requests.model(WebhookSecret, call)

    def key(self) -> str:
        """The public key that verifies the v1a signatures of all deliveries, as ``whpk_…``."""
        answer: dict[str, str] = self._requests.json(Call(f"{_PATH}/key"))
        return answer["key"]
