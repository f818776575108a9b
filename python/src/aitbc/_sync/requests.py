"""Sends calls, with retries, and reads pages and events."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Generic, TypeVar

import httpx
from httpx_sse import EventSource, ServerSentEvent
from pydantic import TypeAdapter

from .._http import (
    SILENCE_S,
    Call,
    Page,
    Query,
    Reader,
    Settings,
    build,
    next_of_answer,
    read_json,
    read_model,
    require_success,
    retry_delay,
)
from ..errors import AitbcError, ConnectionError, CoordinatorError, coordinator_error
from ..models import JobEvent, Model

M = TypeVar("M", bound=Model)
_EVENTS: TypeAdapter[Any] = TypeAdapter(JobEvent)
OPENED = ServerSentEvent()
_KNOWN = ("status", "chunk", "reasoning", "restart", "result", "receipt", "error")


class Requests:
    """The kinds of requests that the resources of a client make."""

    def __init__(self, settings: Settings, http: httpx.Client) -> None:
        self.settings = settings
        self.http = http

    def send(self, call: Call) -> tuple[httpx.Response, bytes]:
        """The answer and its body. Tries again what may be tried again."""
        allowed = self.settings.max_retries if call.max_retries is None else call.max_retries
        retries = 0
        while True:
            try:
                return self._try(call)
            except AitbcError as error:
                delay = retry_delay(error, repeatable=call.may_repeat(), retries=retries)
                if delay is None or retries >= allowed or time.monotonic() + delay >= call.deadline:
                    raise
            retries += 1
            time.sleep(delay)

    def _try(self, call: Call) -> tuple[httpx.Response, bytes]:
        request = build(self.http, call, self.settings)
        reader = Reader(call, self.settings)
        try:
            response = self.http.send(request, stream=True)
            try:
                for part in response.iter_bytes():
                    reader.add(part, response)
            finally:
                response.close()
        except CoordinatorError:
            raise
        except httpx.HTTPError as error:
            raise reader.failure(error) from error
        require_success(response, reader.body())
        return response, reader.body()

    def json(self, call: Call) -> Any:
        response, body = self.send(call)
        return read_json(response, body)

    def text(self, call: Call) -> str:
        _, body = self.send(call)
        return body.decode()

    def model(self, model: type[M], call: Call) -> M:
        response, body = self.send(call)
        return read_model(model, response, read_json(response, body))

    def models(self, model: type[M], call: Call, member: str) -> list[M]:
        response, body = self.send(call)
        told: dict[str, Any] = read_json(response, body) or {}
        items: list[Any] = told.get(member) or []
        return [read_model(model, response, item) for item in items]

    def paged(self, model: type[M], path: str, query: Query) -> Paged[M]:
        return Paged(self, model, path, query)

    def lines(self, call: Call) -> Iterator[Any]:
        """The lines of an answer, each parsed as JSON, read as they are asked for."""
        request = build(self.http, call, self.settings)
        reader = Reader(call, self.settings)
        try:
            response = self.http.send(request, stream=True)
            try:
                if not response.is_success:
                    require_success(response, response.read())
                rest = b""
                for part in response.iter_bytes():
                    *whole, rest = (rest + part).split(b"\n")
                    for line in whole:
                        if line.strip():
                            yield json.loads(line)
                if rest.strip():
                    yield json.loads(rest)
            finally:
                response.close()
        except CoordinatorError:
            raise
        except httpx.HTTPError as error:
            raise reader.failure(error) from error

    def events(self, path: str, after: str | None, max_retries: float | None) -> Iterator[Any]:
        """A job's events to the last one, over as many connections as that takes."""
        allowed = float(self.settings.max_retries) if max_retries is None else max_retries
        retries = 0
        while True:
            failure: AitbcError = ConnectionError(self.settings.base_url, "it ended the stream")
            try:
                for told in self.sent_events(path, after):
                    if told is OPENED:
                        # Once there was an answer, the coordinator may restart meanwhile.
                        allowed = math.inf if max_retries is None else max_retries
                        continue
                    if told is None:
                        return
                    if told.event not in _KNOWN:
                        continue
                    event = _EVENTS.validate_python({"event": told.event, "id": told.id, "data": told.json()})
                    retries = 0
                    after = event.id
                    yield event
                    if _is_last(event):
                        return
            except AitbcError as error:
                failure = error
            delay = retry_delay(failure, repeatable=True, retries=retries)
            if delay is None or retries >= allowed:
                raise failure
            retries += 1
            time.sleep(delay)

    def sent_events(self, path: str, after: str | None = None) -> Iterator[ServerSentEvent | None]:
        """Events of one connection, first OPENED once it is open. None where nothing is left to tell."""
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if after is not None:
            headers["last-event-id"] = after
        call = Call(path, headers=headers)
        reader = Reader(call, self.settings)
        request = build(self.http, replace(call, timeout=SILENCE_S), self.settings)
        try:
            response = self.http.send(request, stream=True)
            try:
                if response.status_code == 204:
                    yield None
                    return
                if not response.is_success:
                    require_success(response, response.read())
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    detail = "The answer is not a stream of events. Is this the URL of a coordinator?"
                    raise coordinator_error(response, {"detail": detail})
                yield OPENED
                for told in EventSource(response).iter_sse():
                    yield told
            finally:
                response.close()
        except CoordinatorError:
            raise
        except httpx.HTTPError as error:
            raise reader.failure(error) from error


def _is_last(event: Any) -> bool:
    return event.event in ("receipt", "error") or (event.event == "status" and event.data.status == "cancelled")


class Paged(Generic[M]):
    """A list: iterate over its items, fetched page by page as they are needed, or over its pages."""

    def __init__(self, requests: Requests, model: type[M], path: str, query: Query) -> None:
        self._requests = requests
        self._model = model
        self._path = path
        self._query = query

    def page(self) -> Page[M]:
        """The page that the query names, and no further request."""
        return (self._fetch(self._query))[0]

    def pages(self) -> Iterator[Page[M]]:
        """Page by page."""
        query: Query | None = self._query
        while query is not None:
            page, following = self._fetch(query)
            yield page
            query = None if following is None else {**self._query, **following}

    def __iter__(self) -> Iterator[M]:
        for page in self.pages():
            for item in page.items:
                yield item

    def _fetch(self, query: Query) -> tuple[Page[M], dict[str, str] | None]:
        response, body = self._requests.send(Call(self._path, query=query))
        items, following = next_of_answer(response, read_json(response, body))
        cursor = None if following is None else following.get("cursor", following.get("after"))
        return Page([read_model(self._model, response, item) for item in items], cursor), following


class Resource:
    """One kind of thing that a coordinator has, and the requests about it."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
