"""Files of requests that are answered when there is time for them, in the shapes of OpenAI's API."""

from __future__ import annotations

import asyncio
import builtins
import json
import math
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, BinaryIO

from .._http import UPLOAD_S, Call, create, given, post, segment
from .._progress import Progress, progress_bar
from ..errors import TimeoutError
from ..models import Batch, BatchAnswer, FileObject, OfferedModel
from .requests import AsyncPaged, AsyncRequests, AsyncResource


def _file_path(file_id: str) -> str:
    return f"/v1/files/{segment(file_id)}"


class AsyncFiles(AsyncResource):
    """Files of requests for batches, and files of their answers."""

    async def create(
        self,
        file: bytes | str | BinaryIO | os.PathLike[str],
        *,
        filename: str | None = None,
        expires_after: int | None = None,
    ) -> FileObject:
        """Uploads the requests of a batch. Not repeated when an answer is lost: that would make a second file.

        Args:
            file: JSON lines, as text, bytes, an open file, or the path of one
            filename: that of the path or the open file where it is not given, else ``requests.jsonl``
            expires_after: seconds until it is erased, from 3,600; sooner where the coordinator keeps none that long
        """
        if isinstance(file, os.PathLike):
            with open(file, "rb") as opened:
                return await self._upload(opened, filename, expires_after)
        return await self._upload(file.encode() if isinstance(file, str) else file, filename, expires_after)

    async def _upload(self, file: bytes | BinaryIO, filename: str | None, expires_after: int | None) -> FileObject:
        own = getattr(file, "name", None)
        name = filename or (os.path.basename(own) if isinstance(own, str) else "requests.jsonl")
        data = {"purpose": "batch"}
        if expires_after is not None:
            data["expires_after[anchor]"] = "created_at"
            data["expires_after[seconds]"] = str(expires_after)
        call = Call("/v1/files", "POST", files={"file": (name, file)}, data=data, timeout=UPLOAD_S)
        return await self._requests.model(FileObject, call)

    async def get(self, file_id: str) -> FileObject:
        """What is known of a file: its size, its name, when it is erased."""
        return await self._requests.model(FileObject, Call(_file_path(file_id)))

    def list(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        purpose: str | None = None,
    ) -> AsyncPaged[FileObject]:
        """Your files, newest first, or oldest first with ``order="asc"``."""
        query = given(after=after, limit=limit, order=order, purpose=purpose)
        return self._requests.paged(FileObject, "/v1/files", query)

    async def content(self, file_id: str) -> bytes:
        """The content of a file, all of it in memory. ``lines`` reads one of any size."""
        _, body = await self._requests.send(Call(f"{_file_path(file_id)}/content", timeout=UPLOAD_S))
        return body

    async def lines(self, file_id: str) -> AsyncIterator[Any]:
        """The lines of a file, each parsed as JSON. Whatever size it has, a few of them are in memory at once."""
        async for line in self._requests.lines(Call(f"{_file_path(file_id)}/content")):
            yield line

    async def delete(self, file_id: str) -> None:
        """Erases a file. A batch that has begun with it goes on."""
        await self._requests.json(Call(_file_path(file_id), "DELETE"))


def _batch_path(batch_id: str) -> str:
    return f"/v1/batches/{segment(batch_id)}"


class AsyncBatches(AsyncResource):
    """Files of requests that are answered when there is time for them. ``jobs.submit_batch`` submits jobs at once."""

    def __init__(self, requests: AsyncRequests, files: AsyncFiles) -> None:
        super().__init__(requests)
        self._files = files

    async def create(
        self,
        *,
        input_file_id: str,
        endpoint: str,
        completion_window: str = "24h",
        metadata: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Batch:
        """Has all requests of an uploaded file answered. Sent again after a failure, it never becomes two batches."""
        body = given(
            input_file_id=input_file_id,
            endpoint=endpoint,
            completion_window=completion_window,
            metadata=metadata,
        )
        call = create("/v1/batches", body, idempotency_key=idempotency_key)
        return await self._requests.model(Batch, call)

    async def submit(
        self,
        requests: Iterable[Mapping[str, Any]],
        *,
        endpoint: str = "/v1/chat/completions",
        completion_window: str = "24h",
        metadata: Mapping[str, str] | None = None,
    ) -> Batch:
        """Uploads requests as a file, and creates the batch that answers them.

        Args:
            requests: lines of the file (with ``custom_id``, ``url`` and ``body``), or just the bodies, which are
                numbered ``request-0``, ``request-1`` and so on then
            endpoint: that of the bodies, and of the batch

        Raises:
            ValueError: where there are no requests
        """
        lines: list[bytes] = []
        for number, request in enumerate(requests):
            line: dict[str, Any] = {"custom_id": f"request-{number}", "method": "POST", "url": endpoint}
            line.update(request if "body" in request else {"body": dict(request)})
            lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n")
        if not lines:
            raise ValueError("A batch must have at least one request")
        file = await self._files.create(b"".join(lines))
        return await self.create(
            input_file_id=file.id,
            endpoint=endpoint,
            completion_window=completion_window,
            metadata=metadata,
        )

    async def get(self, batch_id: str) -> Batch:
        """How far a batch is."""
        return await self._requests.model(Batch, Call(_batch_path(batch_id)))

    def list(self, *, after: str | None = None, limit: int | None = None) -> AsyncPaged[Batch]:
        """Your batches, newest first."""
        return self._requests.paged(Batch, "/v1/batches", given(after=after, limit=limit))

    async def cancel(self, batch_id: str) -> Batch:
        """Cancels a batch. What was answered before stays, and is written."""
        return await self._requests.model(Batch, post(f"{_batch_path(batch_id)}/cancel"))

    async def wait(
        self,
        batch_id: str,
        *,
        timeout: float = math.inf,
        poll: float = 2,
        progress: Progress = False,
        on_update: Callable[[Batch], object] | None = None,
    ) -> Batch:
        """Waits until the batch has ended, well or not: look at ``status``.

        Args:
            timeout: seconds; a batch has a window of hours or days, after which it ends
            poll: seconds between requests
            progress: True for a bar (needs ``tqdm``), or a function that is called with the number of requests that
                have ended, and of all

        Raises:
            TimeoutError: when it had not ended in time
        """
        deadline = time.monotonic() + timeout
        batch = await self.get(batch_id)
        while batch.request_counts.total == 0 and not batch.has_ended and time.monotonic() < deadline:
            await asyncio.sleep(min(poll, 0.2))
            batch = await self.get(batch_id)
        with progress_bar(progress, total=batch.request_counts.total, unit="request") as told:
            while True:
                told(batch.request_counts.completed + batch.request_counts.failed)
                if on_update is not None:
                    on_update(batch)
                if batch.has_ended:
                    return batch
                if time.monotonic() + poll > deadline:
                    raise TimeoutError(f"{batch_id} had not ended after {timeout:g} s", timeout)
                await asyncio.sleep(poll)
                batch = await self.get(batch_id)

    async def results(self, batch: Batch | str) -> AsyncIterator[BatchAnswer]:
        """What became of each request: first the answers, in the order of the requests, then the errors."""
        ended = await self.get(batch) if isinstance(batch, str) else batch
        for file_id in (ended.output_file_id, ended.error_file_id):
            if file_id is not None:
                async for line in self._files.lines(file_id):
                    yield BatchAnswer.model_validate(line)


class AsyncModels(AsyncResource):
    """The models that the miners offer just now."""

    async def list(self) -> builtins.list[OfferedModel]:
        """All of them."""
        return await self._requests.models(OfferedModel, Call("/v1/models"), "data")

    async def get(self, model: str) -> OfferedModel:
        """One of them.

        Raises:
            NotFoundError: ``model_not_found`` where no miner offers it
        """
        path = "/".join(segment(part) for part in model.split("/"))
        return await self._requests.model(OfferedModel, Call(f"/v1/models/{path}"))
