"""What the synchronous and the asynchronous client share: everything but the waiting."""

from __future__ import annotations

import asyncio
import email.utils
import json
import math
import random
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from pydantic import ValidationError

from ._json import is_object
from ._traces import traceparent_headers
from .errors import ConnectionError, CoordinatorError, TimeoutError, coordinator_error
from .models import Model

T = TypeVar("T")
M = TypeVar("M", bound=Model)
Query: TypeAlias = "Mapping[str, str | int | float | bool | None]"

DEFAULT_COORDINATOR: Final = "http://127.0.0.1:8000"
FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0
LONGEST_RETRY_AFTER_S = 60.0
"""Who is asked to wait longer than this should know it, rather than hang."""
SILENCE_S = 45.0
"""Coordinators say every 15 seconds that a stream lives: after such a silence one has gone."""
UPLOAD_S = 600.0
JOBS_PER_CALL: Final = 1_000
CANCELLED = (asyncio.CancelledError, KeyboardInterrupt)

NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)
"""How many requests are under way at once is for the caller to say: most of them are waits."""


@dataclass(frozen=True)
class Settings:
    """How a client reaches its coordinator. Times are in seconds."""

    base_url: str
    api_key: str | None
    timeout: float
    max_retries: int
    headers: Mapping[str, str]

    def __post_init__(self) -> None:
        url = urlsplit(self.base_url)
        if url.scheme not in ("http", "https") or not url.netloc:
            raise ValueError(
                f"The coordinator's URL must begin with http:// or https://, and {self.base_url!r} does not"
            )
        if self.timeout <= 0 or math.isnan(self.timeout):
            raise ValueError("The timeout must be more than 0 seconds")
        if self.max_retries < 0:
            raise ValueError("max_retries must be at least 0")
        object.__setattr__(self, "base_url", f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}")


@dataclass(frozen=True)
class Call:
    """One request, as the contract describes it."""

    path: str
    method: str = "GET"
    query: Query = field(default_factory=dict[str, "str | int | float | bool | None"])
    body: Any = None
    files: Any = None
    data: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    repeatable: bool | None = None
    """Whether sending it twice leaves the same state as sending it once. Reads do."""
    wait: float = 0
    """Seconds that the coordinator is asked to hold the request."""
    timeout: float | None = None
    """Seconds for an answer besides ``wait``; the client's where it is None."""
    deadline: float = math.inf
    """Of ``time.monotonic()``: no try goes on after it, and none begins."""
    max_retries: float | None = None
    max_bytes: float = math.inf
    """An answer with more is not read to its end, and is an error."""

    def may_repeat(self) -> bool:
        return self.method == "GET" if self.repeatable is None else self.repeatable

    def seconds_of_try(self, settings: Settings) -> float:
        own = (self.timeout or settings.timeout) + self.wait
        return max(0.001, min(own, self.deadline - time.monotonic()))


def post(path: str, body: Any = None, **more: Any) -> Call:
    """A request that may be repeated, since the coordinator does it once."""
    return replace(Call(path, "POST", body={} if body is None else body, repeatable=True), **more)


def create(path: str, body: Any, *, idempotency_key: str | None, wait: float | None = None) -> Call:
    """A request that an idempotency key makes repeatable: one is made up where none is given."""
    headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex, **traceparent_headers()}
    if wait is not None:
        headers["prefer"] = f"wait={math.ceil(wait)}"
    return post(path, body, headers=headers, wait=wait or 0)


def given(**members: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def segment(value: str) -> str:
    """An id as one segment of a path."""
    if value == "":
        raise ValueError("An id must not be empty")
    return quote(value, safe="")


def build(http: httpx.Client | httpx.AsyncClient, call: Call, settings: Settings) -> httpx.Request:
    """The request of a call."""
    headers = {"accept": "application/json, */*;q=0.5", **settings.headers, **call.headers}
    if settings.api_key:
        headers["x-api-key"] = settings.api_key
    content: bytes | None = None
    if call.files is None and call.body is not None:
        headers["content-type"] = "application/json"
        text = json.dumps(call.body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        content = text.encode()
    params = {name: _in_query(value) for name, value in call.query.items() if value is not None}
    return http.build_request(
        call.method,
        settings.base_url + call.path,
        params=params,
        content=content,
        files=call.files,
        data=call.data,
        headers=headers,
        timeout=call.seconds_of_try(settings),
    )


def _in_query(value: str | int | float | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Reader:
    """Collects the body of an answer within the time and the size that its call allows."""

    def __init__(self, call: Call, settings: Settings) -> None:
        self._call = call
        self._seconds = call.seconds_of_try(settings)
        self._until = time.monotonic() + self._seconds
        self._base_url = settings.base_url
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, part: bytes, response: httpx.Response) -> None:
        self._parts.append(part)
        self._length += len(part)
        if self._length > self._call.max_bytes:
            detail = f"The answer has more than {self._call.max_bytes:g} bytes"
            raise coordinator_error(response, {"detail": detail})
        if time.monotonic() > self._until:
            raise self.timed_out()

    def body(self) -> bytes:
        return b"".join(self._parts)

    def timed_out(self) -> TimeoutError:
        message = f"No answer from {self._base_url} within {self._seconds:g} s"
        return TimeoutError(message, self._seconds)

    def failure(self, error: httpx.HTTPError) -> Exception:
        """The error of this package for one of httpx's."""
        if isinstance(error, httpx.TimeoutException):
            return self.timed_out()
        return ConnectionError(self._base_url, error)


def require_success(response: httpx.Response, body: bytes) -> None:
    """Raises the error that an answer states."""
    if response.is_success:
        return
    retry_after = parse_retry_after(response.headers.get("retry-after"))
    problem = _problem_in(response, body)
    problem.setdefault("detail", _described(response))
    raise coordinator_error(response, problem, retry_after=retry_after)


def _problem_in(response: httpx.Response, body: bytes) -> dict[str, Any]:
    """RFC 9457 has the problem at the top, the routes of OpenAI's API below ``error``."""
    try:
        stated = json.loads(body)
    except ValueError:
        return {}
    if not is_object(stated):
        return {}
    error = stated.get("error")
    if not is_object(error):
        return stated
    request_id = response.headers.get("x-request-id")
    return given(
        detail=error.get("message"),
        error_code=error.get("code"),
        field=error.get("param"),
        request_id=request_id,
    )


def _described(response: httpx.Response) -> str:
    if response.is_redirect:
        target = response.headers.get("location", "another address")
        return f"The coordinator's URL redirects to {target}: use that one"
    return f"HTTP {response.status_code} {response.reason_phrase}".strip()


def read_json(response: httpx.Response, body: bytes) -> Any:
    """The JSON of an answer; None of one without content."""
    if response.status_code == 204:
        return None
    try:
        return json.loads(body)
    except ValueError as error:
        detail = "The answer is not JSON. Is this the URL of a coordinator?"
        raise coordinator_error(response, {"detail": detail}) from error


def read_model(model: type[M], response: httpx.Response, value: Any) -> M:
    """The model of what was answered."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        detail = f"The answer has not the form of {model.__name__}: is this the URL of a coordinator?"
        raise coordinator_error(response, {"detail": detail}) from error


def retry_delay(error: Exception, *, repeatable: bool, retries: int) -> float | None:
    """Seconds to wait before the next try: exponential with full jitter, on top of what ``Retry-After`` asks.

    None where another try could not help, or could do harm.
    """
    if not _may_try_again(error, repeatable):
        return None
    asked = (error.retry_after or 0) if isinstance(error, CoordinatorError) else 0
    if asked > LONGEST_RETRY_AFTER_S:
        return None
    longest = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(retries, 10))
    return asked + random.random() * longest


def _may_try_again(error: Exception, repeatable: bool) -> bool:
    if isinstance(error, CoordinatorError):
        if error.status in (429, 503):
            return True
        return repeatable and error.status >= 500 and error.status != 501
    return repeatable and isinstance(error, ConnectionError | TimeoutError)


def parse_retry_after(header: str | None) -> float | None:
    """The ``Retry-After`` header, seconds or a date, as seconds from now."""
    if header is None or not header.strip():
        return None
    try:
        seconds = float(header)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One answer to a list call."""

    items: list[T]
    cursor: str | None
    """Where the next page starts: give it to the same call. None on the last page."""


def next_query(header: str | None) -> dict[str, str] | None:
    """The query of the ``rel="next"`` link (RFC 8288).

    Only its query is taken: a list goes on at the path it began at, so that a key is never sent elsewhere.
    """
    for target, parameters in re.findall(r"<([^>]*)>([^<]*)", header or ""):
        relation = re.search(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", parameters, re.IGNORECASE)
        names = (relation[1] or relation[2] or "").lower().split() if relation else []
        if "next" in names:
            return dict(parse_qsl(urlsplit(str(target)).query))
    return None


def next_of_answer(response: httpx.Response, body: Any) -> tuple[list[Any], dict[str, str] | None]:
    """The items of a page, and the query of the next one: by its ``Link`` header, or as OpenAI's lists say it."""
    if not is_object(body):
        return body, next_query(response.headers.get("link"))
    last = body.get("last_id")
    return body["data"], {"after": last} if body.get("has_more") and last is not None else None
