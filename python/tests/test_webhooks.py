"""Webhooks: posted by a real coordinator, verified here and by the library of Standard Webhooks."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import aitbc

standardwebhooks = pytest.importorskip("standardwebhooks")

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = '{"type": "webhook.test", "timestamp": "2026-01-24T15:00:00.000Z", "data": {"test_id": "test-ä"}}'
NOW = datetime(2026, 1, 24, 15, tzinfo=timezone.utc)

Posted = tuple[bytes, dict[str, str]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, queue.Queue[Posted]]]:
    posted: queue.Queue[Posted] = queue.Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()
            posted.put((body, {name.lower(): value for name, value in self.headers.items()}))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", posted
    server.shutdown()
    server.server_close()


def test_a_webhook_is_told_and_both_verifiers_accept_it(
    client: aitbc.CoordinatorClient, receiver: tuple[str, queue.Queue[Posted]]
) -> None:
    url, posted = receiver
    webhook = client.webhooks.create(url, events=["job.cancelled"], description="The shop")
    job = client.jobs.submit(model="nobody-runs-this", prompt="Hello")
    client.jobs.cancel(job.job_id)
    body, headers = posted.get(timeout=60)
    for secret in (webhook.secret, client.webhooks.key(), ["whsec_AAAA", webhook.secret]):
        message = aitbc.verify_webhook(body, headers, secret)
        assert (message.type, message.data["job_id"]) == ("job.cancelled", job.job_id)
    standardwebhooks.Webhook(webhook.secret).verify(body, headers)
    for secret in (webhook.secret, client.webhooks.key()):
        with pytest.raises(aitbc.WebhookVerificationError):
            aitbc.verify_webhook(body + b" ", headers, secret)
    [delivery] = client.webhooks.deliveries(webhook.id)
    client.webhooks.redeliver(webhook.id, delivery.id)
    assert posted.get(timeout=60)[1]["webhook-id"] == delivery.id
    client.webhooks.test(webhook.id)
    assert aitbc.verify_webhook(*posted.get(timeout=60), webhook.secret).type == "webhook.test"
    assert client.webhooks.rotate_secret(webhook.id).secret != webhook.secret
    assert client.webhooks.update(webhook.id, paused=True).state == "paused"
    assert webhook.id in [each.id for each in client.webhooks.list()]
    client.webhooks.delete(webhook.id)
    with pytest.raises(aitbc.NotFoundError):
        client.webhooks.get(webhook.id)
    assert client.webhooks.secret().secret.startswith("whsec_")


def signed(secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    """The headers that the library of Standard Webhooks gives a delivery."""
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign("msg_1", at, BODY),
    }


def test_what_the_library_signs_is_verified() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    assert aitbc.verify_webhook(BODY, headers, SECRET, now=NOW.timestamp()).data == {"test_id": "test-ä"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (signed("whsec_AAAA"), "No signature"),
        ({"webhook-id": "msg_2"}, "No signature"),
        ({"webhook-signature": "v1,?"}, "No signature"),
        ({"webhook-signature": "v2,AAAA"}, "No signature"),
        ({"webhook-timestamp": "now"}, "last 300 s"),
        (signed(at=datetime(2026, 1, 24, 14, 54, tzinfo=timezone.utc)), "last 300 s"),
    ],
)
def test_anything_else_is_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(aitbc.WebhookVerificationError, match=words):
        aitbc.verify_webhook(BODY, {**signed(), **changed}, SECRET, now=NOW.timestamp())


def test_a_secret_that_is_none_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        aitbc.verify_webhook(BODY, signed(), "secret", now=NOW.timestamp())
