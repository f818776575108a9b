"""Traces of a client, a coordinator and a miner, by OpenTelemetry's own SDK and its own reader of OTLP."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMAND, Program
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from test_miner import mining

import aitbc
from aitbc import ClaimedJob, Miner


class Receiver:
    """Receives traces over OTLP/HTTP as protobuf."""

    def __init__(self) -> None:
        self.received: queue.Queue[Any] = queue.Queue()
        self.bodies: list[bytes] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = b"".join(self.chunks())
                assert self.path == "/v1/traces"
                assert self.headers["content-type"] == "application/x-protobuf"
                receiver.bodies.append(body)
                request = ExportTraceServiceRequest.FromString(body)
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            receiver.received.put(span)
                self.send_response(200)
                self.end_headers()

            def chunks(self) -> Iterator[bytes]:
                assert self.headers["transfer-encoding"] == "chunked"
                while length := int(self.rfile.readline(), 16):
                    yield self.rfile.read(length)
                    self.rfile.readline()
                self.rfile.readline()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def until(self, *names: str) -> dict[str, Any]:
        """Spans by name, once there are those of all names."""
        spans: dict[str, Any] = {}
        while not spans.keys() >= set(names):
            span = self.received.get(timeout=30)
            spans[span.name] = span
        return spans


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture(scope="module")
def traced(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a coordinator that exports traces."""
    serve = ["serve", "--port", "0", "--data", str(tmp_path_factory.mktemp("traced")), "--log-level", "error"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
        program = Program([*COMMAND, *serve, "--otlp-endpoint", receiver.url], r"listens on (http://[^,\s]+)")
    yield program.match[1]
    program.stop()


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Has the spans of this process. OpenTelemetry's provider can be set only once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


def test_client_coordinator_and_miner_share_one_trace(
    traced: str, receiver: Receiver, exporter: InMemorySpanExporter, tmp_path: Path
) -> None:
    tracer = trace.get_tracer("test")
    within: list[str] = []

    def answer(job: ClaimedJob) -> aitbc.Output:
        with tracer.start_as_current_span("engine"):
            within.append(job.traceparent or "")
        return aitbc.Output("the answer of the engine", usage={"prompt_tokens": 4, "completion_tokens": 5})

    async def run() -> str:
        miner = Miner(answer, models=["llama3.2"])
        async with mining(miner, traced, tmp_path / "miner"), aitbc.AsyncCoordinatorClient(traced) as client:
            with tracer.start_as_current_span("ask"):
                submitted = await client.jobs.submit(prompt="what nobody should read", model="llama3.2")
            return (await client.jobs.wait(submitted.job_id, timeout=30)).status

    assert asyncio.run(run()) == "completed"
    completion = "POST /v1/jobs/:id/complete"
    theirs = receiver.until("POST /v1/jobs", "queue", "attempt", "job", completion)
    ours = {span.name: span for span in exporter.get_finished_spans()}
    assert ours.keys() == {"ask", "text_completion llama3.2", "engine"}

    asked = ours["ask"].context
    assert asked is not None
    assert {span.trace_id.hex() for span in theirs.values()} == {f"{asked.trace_id:032x}"}
    assert theirs["POST /v1/jobs"].parent_span_id.hex() == f"{asked.span_id:016x}"
    assert theirs["job"].parent_span_id == theirs["POST /v1/jobs"].span_id
    assert theirs["attempt"].parent_span_id == theirs["queue"].parent_span_id == theirs["job"].span_id

    at_miner = ours["text_completion llama3.2"]
    assert at_miner.parent is not None
    assert f"{at_miner.parent.span_id:016x}" == theirs["attempt"].span_id.hex() == within[0].split("-")[2]
    assert at_miner.attributes is not None
    assert at_miner.attributes["gen_ai.usage.output_tokens"] == 5
    assert ours["engine"].parent == at_miner.context
    assert at_miner.context is not None
    assert theirs[completion].parent_span_id.hex() == f"{at_miner.context.span_id:016x}"
    assert not any(b"nobody should read" in body or b"of the engine" in body for body in receiver.bodies)


def test_a_failure_names_its_class_and_not_its_text(
    traced: str, exporter: InMemorySpanExporter, tmp_path: Path
) -> None:
    exporter.clear()

    async def answer(job: ClaimedJob) -> str:
        raise aitbc.Refused(f"can't do {job.prompt}")

    async def run() -> None:
        miner = Miner(answer, models=["llama3.2"])
        async with mining(miner, traced, tmp_path / "miner"), aitbc.AsyncCoordinatorClient(traced) as client:
            submitted = await client.jobs.submit(prompt="what nobody should read", model="llama3.2")
            await client.jobs.wait(submitted.job_id, timeout=30)

    asyncio.run(run())
    [span] = exporter.get_finished_spans()
    assert not span.status.is_ok
    assert span.attributes is not None
    assert span.attributes["error.type"] == "refused"
    assert "nobody" not in span.to_json()
