"""The text of a job on its way to whoever reads it while it is generated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .._async.client import AsyncCoordinatorClient
from ..errors import AitbcError, BadRequestError, CoordinatorError
from .function import Reasoning, StopReason
from .link import Backoff, is_passing, retry_after_of

REQUESTS_UNDER_WAY = 4
"""Of all streams of a miner. Streams that wait for their turn gather text meanwhile."""
CHUNK_LENGTH = 1_024
CHUNKS_AT_ONCE = 100


class TextStream:
    """Posts text: at once when nothing of the stream is under way, and otherwise with what comes meanwhile."""

    def __init__(
        self,
        client: AsyncCoordinatorClient,
        job_id: str,
        miner_id: str,
        epoch: int | None,
        turns: asyncio.Semaphore,
        on_stop: Callable[[StopReason], object],
    ) -> None:
        self._client = client.with_options(max_retries=0, timeout=10)
        self._job_id, self._miner_id, self._epoch = job_id, miner_id, epoch
        self._turns, self._on_stop = turns, on_stop
        self._backoff = Backoff(longest=5)
        self._chunks: list[str | dict[str, str]] = []
        """All of them: a stream may have to start anew."""
        self._open: Reasoning | str = ""
        """Text that was not cut into chunks yet."""
        self._posted = 0
        self._hurry = asyncio.Event()
        self._is_over = False
        self._sending: asyncio.Task[None] | None = None

    def push(self, piece: str) -> None:
        """More of the text, or of the reasoning."""
        if self._is_over:
            return
        if self._open and isinstance(self._open, Reasoning) != isinstance(piece, Reasoning):
            self._cut()
        self._open = type(piece)(self._open + piece)
        self._start()

    async def end(self) -> None:
        """There is no more. Returns when all has left, or can't just now: the whole text goes with the result."""
        self._hurry.set()
        self._start()
        if self._sending is not None:
            await self._sending

    def close(self) -> None:
        """The text is wanted no more."""
        self._is_over = True
        if self._sending is not None:
            self._sending.cancel()

    def _start(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def _cut(self) -> None:
        text = self._open
        for start in range(0, len(text), CHUNK_LENGTH):
            part = str(text[start : start + CHUNK_LENGTH])
            self._chunks.append({"reasoning": part} if isinstance(text, Reasoning) else part)
        self._open = ""

    async def _send(self) -> None:
        while not self._is_over and (self._open or self._posted < len(self._chunks)):
            wait = await self._post()
            if wait > 0 and self._hurry.is_set():
                self._is_over = True
            elif wait > 0:
                try:
                    await asyncio.wait_for(self._hurry.wait(), wait)
                except asyncio.TimeoutError:
                    continue

    async def _post(self) -> float:
        """Seconds to wait before the next."""
        try:
            async with self._turns:
                # The coordinator knows chunks by their number, so repeated ones stay as they were cut.
                if self._posted == len(self._chunks):
                    self._cut()
                part = self._chunks[self._posted : self._posted + CHUNKS_AT_ONCE]
                await self._client.jobs.post_chunks(
                    self._job_id, self._miner_id, first=self._posted, chunks=part, epoch=self._epoch
                )
        except AitbcError as error:
            return self._failed(error)
        self._posted += len(part)
        self._backoff.reset()
        return 0

    def _failed(self, error: AitbcError) -> float:
        if is_passing(error):
            return max(0.001, self._backoff.next(), retry_after_of(error))
        if self._posted > 0 and isinstance(error, BadRequestError) and error.field == "first":
            # Its lease had run out, and came back to this miner: the stream has started anew.
            self._posted = 0
            return 0
        self._is_over = True
        if isinstance(error, CoordinatorError):
            if error.matches("JOB_ALREADY_CANCELLED"):
                self._on_stop("cancelled")
            elif error.matches("JOB_NOT_LEASED", "MINER_SUPERSEDED"):
                self._on_stop("lost")
        return 0
