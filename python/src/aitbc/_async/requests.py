"""Sends calls, with retries, and reads pages and events."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator
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


class AsyncRequests:
    """The kinds of requests that the resources of a client make."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self.settings = settings
        self.http = http

    async def send(self, call: Call) -> tuple[httpx.Response, bytes]:
        """The answer and its body. Tries again what may be tried again."""
        allowed = self.settings.max_retries if call.max_retries is None else call.max_retries
        retries = 0
        while True:
            try:
                return await self._try(call)
            except AitbcError as error:
                delay = retry_delay(error, repeatable=call.may_repeat(), retries=retries)
                if delay is None or retries >= allowed or time.monotonic() + delay >= call.deadline:
                    raise
            retries += 1
            await asyncio.sleep(delay)

    async def _try(self, call: Call) -> tuple[httpx.Response, bytes]:
        request = build(self.http, call, self.settings)
        reader = Reader(call, self.settings)
        try:
            response = await self.http.send(request, stream=True)
            try:
                async for part in response.aiter_bytes():
                    reader.add(part, response)
            finally:
                await response.aclose()
        except CoordinatorError:
            raise
        except httpx.HTTPError as error:
            raise reader.failure(error) from error
        require_success(response, reader.body())
        return response, reader.body()

    async def json(self, call: Call) -> Any:
        response, body = await self.send(call)
        return read_json(response, body)

    async def text(self, call: Call) -> str:
        _, body = await self.send(call)
        return body.decode()

    async def model(self, model: type[M], call: Call) -> M:
        response, body = await self.send(call)
        return read_model(model, response, read_json(response, body))

    async def models(self, model: type[M], call: Call, member: str) -> list[M]:
        response, body = await self.send(call)
        told: dict[str, Any] = read_json(response, body) or {}
        items: list[Any] = told.get(member) or []
        return [read_model(model, response, item) for item in items]

    def paged(self, model: type[M], path: str, query: Query) -> AsyncPaged[M]:
        return AsyncPaged(self, model, path, query)

    async def lines(self, call: Call) -> AsyncIterator[Any]:
        """The lines of an answer, each parsed as JSON, read as they are asked for."""
        request = build(self.http, call, self.settings)
        reader = Reader(call, self.settings)
        try:
            response = await self.http.send(request, stream=True)
            try:
                if not response.is_success:
                    require_success(response, await response.aread())
                rest = b""
                async for part in response.aiter_bytes():
                    *whole, rest = (rest + part).split(b"\n")
                    for line in whole:
                        if line.strip():
                            yield json.loads(line)
                if rest.strip():
                    yield json.loads(rest)
            finally:
                await response.aclose()
        except CoordinatorError:
            raise
        except httpx.HTTPError as error:
            raise reader.failure(error) from error

    async def events(self, path: str, after: str | None, max_retries: float | None) -> AsyncIterator[Any]:
        """A job's events to the last one, over as many connections as that takes."""
        allowed = float(self.settings.max_retries) if max_retries is None else max_retries
        retries = 0
        while True:
            failure: AitbcError = ConnectionError(self.settings.base_url, "it ended the stream")
            try:
                async for told in self.sent_events(path, after):
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
            await asyncio.sleep(delay)

    async def sent_events(self, path: str, after: str | None = None) -> AsyncIterator[ServerSentEvent | None]:
        """Events of one connection, first OPENED once it is open. None where nothing is left to tell."""
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if after is not None:
            headers["last-event-id"] = after
        call = Call(path, headers=headers)
        reader = Reader(call, self.settings)
        request = build(self.http, replace(call, timeout=SILENCE_S), self.settings)
        try:
            response = await self.http.send(request, stream=True)
            try:
                if response.status_code == 204:
                    yield None
                    return
                if not response.is_success:
                    require_success(response, await response.aread())
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    detail = "The answer is not a stream of events. Is this the URL of a coordinator?"
                    raise coordinator_error(response, {"detail": detail})
                yield OPENED
                async for told in EventSource(response).aiter_sse():
                    yield told
            finally:
                await response.aclose()
        except CoordinatorError:
            raise
        except httpx.HTTPError as error:
            raise reader.failure(error) from error


def _is_last(event: Any) -> bool:
    return event.event in ("receipt", "error") or (event.event == "status" and event.data.status == "cancelled")


class AsyncPaged(Generic[M]):
    """A list: iterate over its items, fetched page by page as they are needed, or over its pages."""

    def __init__(self, requests: AsyncRequests, model: type[M], path: str, query: Query) -> None:
        self._requests = requests
        self._model = model
        self._path = path
        self._query = query

    async def page(self) -> Page[M]:
        """The page that the query names, and no further request."""
        return (await self._fetch(self._query))[0]

    async def pages(self) -> AsyncIterator[Page[M]]:
        """Page by page."""
        query: Query | None = self._query
        while query is not None:
            page, following = await self._fetch(query)
            yield page
            query = None if following is None else {**self._query, **following}

    async def __aiter__(self) -> AsyncIterator[M]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def _fetch(self, query: Query) -> tuple[Page[M], dict[str, str] | None]:
        response, body = await self._requests.send(Call(self._path, query=query))
        items, following = next_of_answer(response, read_json(response, body))
        cursor = None if following is None else following.get("cursor", following.get("after"))
        return Page([read_model(self._model, response, item) for item in items], cursor), following


class AsyncResource:
    """One kind of thing that a coordinator has, and the requests about it."""

    def __init__(self, requests: AsyncRequests) -> None:
        self._requests = requests
