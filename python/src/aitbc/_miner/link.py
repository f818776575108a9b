"""Whether the coordinator answers, and when to try again where it does not."""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from ..errors import AitbcError, ConnectionError, CoordinatorError, TimeoutError

T = TypeVar("T")
GRACE_S = 600.0
"""After a job's deadline, for a coordinator that was away itself and gives leases a grace period."""
TOLERANCE_S = 5.0
"""A difference that the network and the whole seconds of ``Date`` explain is none."""


class Backoff:
    """Seconds before the next try: doubled with each, half of it random, so that miners do not return all at once."""

    def __init__(self, *, first: float = 0.5, longest: float = 30) -> None:
        self._first, self._longest = first, longest
        self._tries = 0

    def next(self) -> float:
        full = min(self._longest, self._first * 2.0 ** min(self._tries, 20))
        self._tries += 1
        return full / 2 + random.random() * full / 2

    def reset(self) -> None:
        self._tries = 0


def is_passing(error: BaseException) -> bool:
    """Whether the call may succeed later as it is."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if not isinstance(error, CoordinatorError):
        return False
    # An answer without a code comes from a proxy, while the coordinator is away.
    from_proxy = error.error_code is None and error.status >= 400
    return error.status >= 500 or error.status == 429 or from_proxy


def retry_after_of(error: BaseException) -> float:
    return (error.retry_after or 0) if isinstance(error, CoordinatorError) else 0


async def deliver(call: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Tells the coordinator something about a job, as often as it takes while the lease may be alive.

    Args:
        seconds: until the job's deadline

    Raises:
        AitbcError: the coordinator's error, or the last failure when it takes too long
    """
    until = time.monotonic() + max(seconds, 0) + GRACE_S
    backoff = Backoff(longest=10)
    while True:
        try:
            return await call()
        except AitbcError as error:
            wait = max(backoff.next(), retry_after_of(error))
            if not is_passing(error) or time.monotonic() + wait > until:
                raise
        await asyncio.sleep(wait)


class Clock:
    """The coordinator's clock, since deadlines are by it and a miner's own may be wrong."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead

    async def read(self, response: httpx.Response) -> None:
        """Reads the time off the ``Date`` of an answer."""
        try:
            told = email.utils.parsedate_to_datetime(response.headers["date"]).timestamp()
        except (KeyError, TypeError, ValueError):
            return
        difference = told - time.time()
        self._ahead = 0.0 if abs(difference) < TOLERANCE_S else difference
