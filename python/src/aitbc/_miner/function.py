"""A miner is a function: what it gets, what it may give, and how it is run."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import inspect
import json
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from pydantic import PrivateAttr

from .._json import is_list
from ..errors import AitbcError
from ..models import MinerJob

ENGINE_CODE_LENGTH = 128
ERROR_LENGTH = 4096


StopReason: TypeAlias = Literal["cancelled", "lost", "deadline", "shutdown"]
"""Why a job is stopped before its end."""


class ClaimedJob(MinerJob):
    """What a miner's function gets: a job that it is to run."""

    _stopped: threading.Event = PrivateAttr(default_factory=threading.Event)
    _thread: asyncio.Future[None] | None = PrivateAttr(default=None)

    def _stop(self) -> None:
        """Says that the result is wanted no more."""
        self._stopped.set()

    async def _until_done(self) -> None:
        """Waits until the thread of a synchronous function has ended."""
        if self._thread is not None:
            await asyncio.wait([self._thread])

    @property
    def chat(self) -> list[dict[str, Any]]:
        """The conversation to answer: a prompt is one of a single message."""
        return self.messages or [{"role": "user", "content": self.prompt}]

    @property
    def text(self) -> str:
        """The prompt; of a conversation the text of its last message."""
        content = self.chat[-1].get("content")
        if is_list(content):
            return "".join(part.get("text", "") for part in content)
        return content if isinstance(content, str) else ""

    @property
    def is_stopped(self) -> bool:
        """Whether the result is wanted no more: cancelled, past its deadline, or the miner stops.

        An async function is cancelled then, and a generator is closed at its next piece. A function that runs long
        without either should look from time to time.
        """
        return self._stopped.is_set()


class Reasoning(str):
    """A piece of what the model thinks before its answer, yielded by a generator."""

    __slots__ = ()


@dataclass(frozen=True)
class Output:
    """An answer with more to it than its text.

    A generator yields its text in pieces, and an ``Output`` without text as the last thing.
    """

    text: str = ""
    finish_reason: str | None = None
    """``stop``, ``length``, ``tool_calls`` or ``content_filter``."""
    usage: Mapping[str, int] | None = None
    """``prompt_tokens`` and ``completion_tokens`` as the engine counted them."""
    tool_calls: Sequence[Mapping[str, Any]] = ()
    reasoning: str | None = None
    refusal: str | None = None
    logprobs: Sequence[Mapping[str, Any]] | None = None
    embeddings: Sequence[Sequence[float]] | None = None
    """For a job with ``input``: a vector for each text, in order."""


Answer: TypeAlias = "str | Output | Sequence[Sequence[float]]"
"""What a function gives: a text, one with more to it, or vectors for a job with ``input``."""
Function: TypeAlias = Callable[[ClaimedJob], Any]
"""Gives an answer, or is a generator of pieces of text; synchronous (run in a thread of its own) or asynchronous."""


class MinerError(AitbcError):
    """What a miner's function raises to say what kind of failure it is; anything else that it raises is ``broken``.

    Args:
        message: for the client and the miner's owner
        code: the engine's own, such as ``context_length_exceeded``
        retry_after: of a busy engine, seconds until it may have room
    """

    error_class = "broken"

    def __init__(self, message: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code[:ENGINE_CODE_LENGTH] if code else None
        self.retry_after = None if retry_after is None else min(max(retry_after, 0), 3_600)


class Refused(MinerError):
    """The request itself can not be done, by any miner: it is too long, or makes no sense."""

    error_class = "refused"


class Unsupported(MinerError):
    """This miner lacks the feature: the job goes to another."""

    error_class = "unsupported"


class Busy(MinerError):
    """There is no room now: the job is tried elsewhere, or later."""

    error_class = "busy"


def failure_of(error: BaseException) -> MinerError:
    """The failure that an error of a function is."""
    if isinstance(error, MinerError):
        return error
    return MinerError(f"{type(error).__name__}: {error}")


Hear: TypeAlias = Callable[[str], object]
"""Gets each piece of the text, or of the reasoning, as it comes."""


async def run_function(function: Function, job: ClaimedJob, hear: Hear) -> Output:
    """Has the function do a job, and puts its answer together.

    A thread that it runs in can't be ended from outside: ``job._until_done()`` waits for that.
    """
    pieces = _Pieces(hear)
    if inspect.isasyncgenfunction(_called(function)):
        async for piece in function(job):
            pieces.add(_checked(piece))
    elif inspect.iscoroutinefunction(_called(function)):
        pieces.end(await function(job))
    else:
        # No member that functions see.
        thread = job._thread = _in_thread(function, job, pieces)  # pyright: ignore[reportPrivateUsage]
        await asyncio.shield(thread)
    return pieces.output(job)


def _called(function: Function) -> Any:
    """An object with a ``__call__`` is as good as a function."""
    return function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004


def _in_thread(function: Function, job: ClaimedJob, pieces: _Pieces) -> asyncio.Future[None]:
    """Calls a synchronous function in a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(None)

    def work() -> None:
        failure: BaseException | None = None
        try:
            answer = function(job)
            if inspect.isgenerator(answer):
                answer = _drain(answer, job, lambda piece: loop.call_soon_threadsafe(pieces.add, _checked(piece)))
            loop.call_soon_threadsafe(pieces.end, answer)
        except BaseException as error:
            failure = MinerError("StopIteration") if isinstance(error, StopIteration) else error
        try:
            loop.call_soon_threadsafe(settle, failure)
        except RuntimeError:
            # The loop has ended meanwhile: nobody waits.
            return

    # The thread knows the current span, too.
    inherited = contextvars.copy_context()
    threading.Thread(target=inherited.run, args=(work,), daemon=True, name=job.job_id).start()
    return done


def _drain(generator: Any, job: ClaimedJob, add: Callable[[Any], object]) -> Any:
    """What a generator returns, its pieces told one by one until the job is stopped."""
    try:
        while not job.is_stopped:
            try:
                add(next(generator))
            except StopIteration as ended:
                return ended.value
    finally:
        generator.close()
    return None


def _checked(piece: Any) -> str | Output:
    if isinstance(piece, Output):
        return piece
    if not isinstance(piece, str):
        raise MinerError(f"A piece of text is a str, and not a {type(piece).__name__}")
    return Reasoning(_well_formed(piece)) if isinstance(piece, Reasoning) else _well_formed(piece)


class _Pieces:
    """Puts an answer together."""

    def __init__(self, hear: Hear) -> None:
        self._hear = hear
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._answer: Any = None

    def add(self, piece: str | Output) -> None:
        if isinstance(piece, Output):
            self._answer = piece
        elif piece:
            (self._reasoning if isinstance(piece, Reasoning) else self._text).append(piece)
            self._hear(piece)

    def end(self, answer: Any) -> None:
        if answer is not None:
            self._answer = answer

    def output(self, job: ClaimedJob) -> Output:
        text, answer = "".join(self._text), self._answer
        if isinstance(answer, str):
            answer = Output(text + answer)
        elif answer is None and (self._text or self._reasoning):
            answer = Output(text)
        elif isinstance(answer, Output) and text:
            answer = replace(answer, text=text + answer.text)
        elif not isinstance(answer, Output) and job.input is not None and answer is not None:
            answer = Output(embeddings=answer)
        if not isinstance(answer, Output):
            raise MinerError(f"A function gives a text or an Output, and not a {type(self._answer).__name__}")
        if self._reasoning and answer.reasoning is None:
            answer = replace(answer, reasoning="".join(self._reasoning))
        return answer


def completion_of(output: Output, job: ClaimedJob) -> dict[str, Any]:
    """An answer as a completion says it."""
    text = _well_formed(output.text)
    more: dict[str, Any] = {
        "finish_reason": output.finish_reason,
        "usage": None if output.usage is None else dict(output.usage),
        "reasoning": _well_formed(output.reasoning) if output.reasoning else None,
        "refusal": _well_formed(output.refusal) if output.refusal else None,
        "logprobs": [dict(each) for each in output.logprobs] if output.logprobs else None,
    }
    if job.input is not None:
        if output.embeddings is None or len(output.embeddings) != len(job.input):
            raise MinerError(f"A job with {len(job.input)} texts to embed needs as many vectors")
        return {
            "result": _json({"embeddings": [*map(_packed, output.embeddings)]}),
            "result_type": "embeddings",
            **more,
        }
    if output.tool_calls:
        message = {"content": text or None, "tool_calls": [dict(call) for call in output.tool_calls]}
        return {"result": _json(message), "result_type": "message", **more}
    return {"result": text, **more}


def _packed(vector: Sequence[float]) -> str:
    """Base64 of 32-bit floats, little-endian."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _well_formed(text: str) -> str:
    """A lone surrogate has no UTF-8, so no hash that others could check."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
