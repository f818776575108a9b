"""The caller's place in a trace, where OpenTelemetry's API is installed."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import MinerJob

IS_INSTALLED = find_spec("opentelemetry") is not None and find_spec("opentelemetry.trace") is not None


def traceparent_headers() -> Mapping[str, str]:
    """The ``traceparent`` header of the current span (W3C Trace Context); nothing where there is none."""
    if not IS_INSTALLED:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return {name: value for name, value in headers.items() if name == "traceparent"}


class JobSpan:
    """The span of a job at its miner. This one stands for none."""

    def __init__(self, traceparent: str | None) -> None:
        self.headers: Mapping[str, str] = {} if traceparent is None else {"traceparent": traceparent}
        """What requests about the job carry, so that they are in its trace."""

    def set_attributes(self, attributes: Mapping[str, str | int]) -> None:
        """Adds to what the span says."""


class _RecordedSpan(JobSpan):
    def __init__(self, span: Any) -> None:
        super().__init__(None)
        self.headers = traceparent_headers()
        self._span = span

    def set_attributes(self, attributes: Mapping[str, str | int]) -> None:
        self._span.set_attributes(attributes)


@contextlib.contextmanager
def job_span(job: MinerJob) -> Generator[JobSpan, None, None]:
    """Makes a span of a job current, so that requests to an engine continue its trace.

    A job that belongs to no trace has no span.
    """
    if not IS_INSTALLED or job.traceparent is None:
        yield JobSpan(job.traceparent)
        return
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    parent = TraceContextTextMapPropagator().extract({"traceparent": job.traceparent})
    token = context.attach(parent)
    operation = "embeddings" if job.input is not None else "chat" if job.messages else "text_completion"
    attributes: dict[str, str | int] = {
        "aitbc.job.id": job.job_id,
        "aitbc.attempt": job.attempt,
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "aitbc",
        "gen_ai.request.model": job.model,
    }
    tracer = trace.get_tracer("aitbc")
    try:
        # The text of an error may repeat a prompt, so the error is not recorded.
        with tracer.start_as_current_span(
            f"{operation} {job.model}",
            kind=trace.SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _RecordedSpan(span)
            except BaseException as error:
                span.set_attribute("error.type", getattr(error, "error_class", type(error).__name__))
                span.set_status(trace.StatusCode.ERROR)
                raise
    finally:
        context.detach(token)


def usage_attributes(usage: Mapping[str, int] | None) -> dict[str, int]:
    """The tokens that an engine counted, by OpenTelemetry's names."""
    names = {"prompt_tokens": "gen_ai.usage.input_tokens", "completion_tokens": "gen_ai.usage.output_tokens"}
    return {name: usage[ours] for ours, name in names.items() if usage is not None and ours in usage}
