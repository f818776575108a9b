"""What breaks between a client and its coordinator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from faulty_proxy import Fault, FaultyProxy, faulty_proxy

import aitbc


@pytest.fixture
def proxy(coordinator: str) -> Iterator[FaultyProxy]:
    with faulty_proxy(coordinator) as proxy:
        yield proxy


@pytest.mark.parametrize("fault", ["reset", "reset_after", "cut"])
def test_a_job_that_is_sent_again_stays_one(fault: Fault, proxy: FaultyProxy) -> None:
    model = f"once-{fault.replace('_', '-')}"
    with aitbc.CoordinatorClient(proxy.url) as client:
        proxy.faults = [fault, fault]
        job = client.jobs.submit(prompt="Hello!", model=model)
        assert proxy.requests == 3
        assert [each.job_id for each in client.jobs.list(model=model)] == [job.job_id]


def test_a_webhook_that_is_sent_again_stays_one_with_its_secret(proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url) as client:
        proxy.faults = ["reset_after"]
        webhook = client.webhooks.create("http://127.0.0.1:9/once", events=["job.failed"])
        assert proxy.requests == 2
        assert [each.id for each in client.webhooks.list() if each.url.endswith("/once")] == [webhook.id]
        proxy.faults = ["reset_after"]
        rotated = client.webhooks.rotate_secret(webhook.id, idempotency_key="one rotation")
        assert client.webhooks.rotate_secret(webhook.id, idempotency_key="one rotation") == rotated
        client.webhooks.delete(webhook.id)


def test_a_batch_that_is_sent_again_stays_one(proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url) as client:
        proxy.faults = ["reset_after"]
        client.jobs.submit_batch([{"prompt": "Hello!", "model": "once-batch"}] * 3)
        assert len(list(client.jobs.list(model="once-batch"))) == 3


def test_a_busy_coordinator_is_given_the_time_that_it_asks_for(proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url) as client:
        proxy.faults = ["busy"]
        begun = time.monotonic()
        assert client.health().status == "ok"
        assert time.monotonic() - begun >= 1


def test_errors_tell_what_happened_when_there_were_enough_tries(proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url, max_retries=1) as client:
        proxy.faults = ["reset", "reset"]
        with pytest.raises(aitbc.ConnectionError) as caught:
            client.health()
        assert isinstance(caught.value.__cause__, httpx.TransportError)
        proxy.faults = ["busy", "busy"]
        with pytest.raises(aitbc.ServerError) as busy:
            client.health()
        assert (busy.value.status, busy.value.retry_after) == (503, 1)


@pytest.mark.parametrize("fault", ["slow", "silent"])
def test_an_answer_that_does_not_come_in_time_is_an_error(fault: Fault, proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url, timeout=0.5, max_retries=0) as client:
        proxy.faults = [fault]
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match=r"within 0\.5 s"):
            client.jobs.list().page() if fault == "silent" else client.explorer.stats()
        assert time.monotonic() - begun < 3


def test_claims_are_not_repeated(proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url) as client:
        client.miners.register("claims-once", capabilities=["claims-once"])
        proxy.faults = ["reset_after"]
        with pytest.raises(aitbc.ConnectionError):
            client.miners.claim_jobs("claims-once")


def test_a_wait_outlasts_what_breaks_meanwhile(proxy: FaultyProxy) -> None:
    with aitbc.CoordinatorClient(proxy.url, max_retries=0) as client:
        job = client.jobs.submit(prompt="Hello!", model="waited-for")
        proxy.faults = ["busy"]
        seen: list[str] = []

        def update(job: aitbc.models.Job) -> None:
            seen.append(job.status)
            if len(seen) == 1:
                proxy.faults = ["reset", "cut", "reset"]
            elif len(seen) == 2:
                client.jobs.cancel(job.job_id)

        assert client.jobs.wait(job.job_id, timeout=30, poll=0.2, on_update=update).status == "cancelled"
        assert proxy.faults == []


def test_a_stream_goes_on_where_it_broke(proxy: FaultyProxy, echo: None) -> None:
    with aitbc.CoordinatorClient(proxy.url, max_retries=3) as client:
        job = client.jobs.submit(prompt="Hello!", model="llama3.2", wait=20, stream=True)
        job = client.jobs.wait(job.job_id)
        whole = [event.id for event in client.jobs.events(job.job_id)]
        proxy.faults = ["reset", "cut", "reset"]
        assert [event.id for event in client.jobs.events(job.job_id)] == whole
        assert proxy.faults == []


def test_the_asynchronous_client_does_the_same(proxy: FaultyProxy) -> None:
    async def run() -> None:
        async with aitbc.AsyncCoordinatorClient(proxy.url, max_retries=1, timeout=0.5) as client:
            proxy.faults = ["reset"]
            assert (await client.health()).status == "ok"
            proxy.faults = ["silent", "slow"]
            with pytest.raises(TimeoutError):
                await client.explorer.stats()
            proxy.faults = ["silent"]
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.health(), 0.2)

    asyncio.run(run())


def test_nobody_there(unused_port: int) -> None:
    client = aitbc.CoordinatorClient(f"http://127.0.0.1:{unused_port}")
    with client, pytest.raises(ConnectionError, match="No answer from"):
        client.wait_for_job("job-1", timeout=30)


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_an_answer_of_something_else_says_so() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health":
            return httpx.Response(200, text="<html>")
        if request.url.path == "/v1/stats":
            return httpx.Response(200, json={"unexpected": True})
        return httpx.Response(302, headers={"location": "https://elsewhere.example/"})

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = aitbc.CoordinatorClient("https://coordinator.example", "secret", http_client=http, max_retries=0)
    with pytest.raises(aitbc.CoordinatorError, match="not JSON"):
        client.health()
    with pytest.raises(aitbc.CoordinatorError, match="form of NetworkStats"):
        client.stats()
    with pytest.raises(aitbc.CoordinatorError, match="redirects to https://elsewhere"):
        client.get_job("job-1")
