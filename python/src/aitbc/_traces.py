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


def _forget(attributes: Mapping[str, str | int]) -> None:
    """Sets no attributes: there is no span."""


@contextlib.contextmanager
def job_span(job: MinerJob) -> Generator[Any, None, None]:
    """Makes a span of a job current, so that requests to an engine continue its trace.

    Gives a function that sets attributes. A job that belongs to no trace has no span.
    """
    if not IS_INSTALLED or job.traceparent is None:
        yield _forget
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
                yield span.set_attributes
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
