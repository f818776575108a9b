"""One job: it is run, and the coordinator is told how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .._async.client import AsyncCoordinatorClient
from .._traces import JobSpan, job_span, usage_attributes
from ..errors import AitbcError, CoordinatorError
from ..models import Receipt
from ..verify import attestation_bytes, text_hash
from .function import (
    ERROR_LENGTH,
    ClaimedJob,
    Function,
    MinerError,
    Refused,
    StopReason,
    completion_of,
    failure_of,
    run_function,
)
from .identity import Identity
from .link import Clock, deliver, is_passing
from .passports import pin_parameters
from .stream import REQUESTS_UNDER_WAY, TextStream

Emit: TypeAlias = Callable[[str, dict[str, Any]], object]
"""Gets the name of an event, and what it tells."""
ITS_OWN = ("JOB_*", "MINER_NOT_FOUND", "MINER_SUPERSEDED")
"""Codes that say that the job is this miner's no more."""


@dataclass
class JobRunner:
    """What jobs of a miner have in common."""

    client: AsyncCoordinatorClient
    function: Function
    identity: Identity
    clock: Clock
    emit: Emit
    on_failure: Callable[[MinerError], object]
    on_receipt: Callable[[Receipt], float]
    on_over: Callable[[], object]
    epoch: int | None = None
    sampler: Mapping[str, float] | None = None
    """The defaults of the passport; None without one."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_UNDER_WAY))
    """Of requests that post chunks."""


class Work:
    """A job that the miner works on."""

    def __init__(self, runner: JobRunner, job: ClaimedJob) -> None:
        self._runner = runner
        self.job = job
        self.reason: StopReason | None = None
        self._active: asyncio.Task[Any] | None = None
        self.is_over = False
        """The coordinator knows how it ended; a thread may still run."""
        self._headers: Mapping[str, str] = JobSpan(job.traceparent).headers

    def stop(self, reason: StopReason) -> None:
        """Ends it, and says why. What comes later changes nothing."""
        if self.reason is not None or self.is_over:
            return
        self.reason = reason
        self.job._stop()  # pyright: ignore[reportPrivateUsage]  # functions do not see it
        if self._active is not None:
            self._active.cancel()

    async def run(self) -> None:
        """Runs the job. Never raises."""
        job, emit = self.job, self._runner.emit
        emit("job_started", {"job_id": job.job_id, "model": job.model, "attempt": job.attempt})
        try:
            await self._run_or_settle()
        except AitbcError as error:
            emit("job_lost", {"job_id": job.job_id, "error": str(error)})
        except Exception as error:
            emit("job_lost", {"job_id": job.job_id, "error": f"{type(error).__name__}: {error}"})
        self.is_over = True
        self._runner.on_over()
        await job._until_done()  # pyright: ignore[reportPrivateUsage]  # functions do not see it

    async def _run_or_settle(self) -> None:
        begun = time.monotonic()
        try:
            completion = await self._stoppable(self._generate())
            receipt = await self._stoppable(self._complete(completion))
        except asyncio.CancelledError:
            if self.reason is None:
                raise
            await self._settle(MinerError(self.reason))
        except (Exception, SystemExit) as error:
            await self._settle(error)
        else:
            usage: dict[str, int] = completion.get("usage") or {}
            told: dict[str, Any] = {
                "job_id": self.job.job_id,
                "model": self.job.model,
                "tokens": usage.get("completion_tokens"),
            }
            told |= {"seconds": round(time.monotonic() - begun, 3), "credits": receipt.price}
            told |= {"total_credits": self._runner.on_receipt(receipt), "receipt_id": receipt.receipt_id}
            self._runner.emit("job_completed", told)

    async def _stoppable(self, work: Any) -> Any:
        self._active = asyncio.create_task(work)
        if self.reason is not None:
            self._active.cancel()
        try:
            return await self._active
        finally:
            self._active.cancel()
            self._active = None

    async def _generate(self) -> dict[str, Any]:
        job, runner = self.job, self._runner
        stated: dict[str, Any] = {}
        if runner.sampler is not None and job.input is None:
            job.params, effective = pin_parameters(job.params, runner.sampler, job.job_id, job.attempt)
            stated = {"effective_parameters": effective}
        stream: TextStream | None = None
        if job.stream:
            stream = TextStream(
                runner.client, job.job_id, runner.identity.miner_id, runner.epoch, runner.turns, self.stop
            )
        loop = asyncio.get_running_loop()
        left = self._left()
        # Early enough to say so before the coordinator takes the job away.
        timer = loop.call_later(max(0.0, left - min(2.0, left / 10)), self.stop, "deadline")
        try:
            with job_span(job) as span:
                self._headers = span.headers
                output = await run_function(runner.function, job, stream.push if stream else lambda piece: None)
                span.set_attributes(usage_attributes(output.usage))
            if stream is not None:
                await stream.end()
            return {**completion_of(output, job), **stated}
        finally:
            timer.cancel()
            if stream is not None:
                stream.close()

    def _left(self) -> float:
        return max(0.0, self.job.deadline.timestamp() - self._runner.clock.now())

    async def _complete(self, completion: dict[str, Any]) -> Receipt:
        job, runner = self.job, self._runner
        statement = {
            "job_id": job.job_id,
            "model": job.model,
            "prompt_hash": text_hash(job.salt, job.prompt),
            "artifact_hash": text_hash(job.salt, completion["result"]),
        }
        signature = runner.identity.signer.signature(attestation_bytes(statement))
        completed_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        client = runner.client.with_options(max_retries=0, headers=self._headers)
        return await deliver(
            lambda: client.jobs.complete(
                job.job_id,
                runner.identity.miner_id,
                epoch=runner.epoch,
                signature=signature,
                completed_at=completed_at,
                **completion,
            ),
            seconds=self._left(),
        )

    async def _settle(self, error: BaseException) -> None:
        """A job that did not come to a receipt."""
        runner, job_id = self._runner, self.job.job_id
        if self.reason == "shutdown":
            await release(runner, job_id, "the miner stops")
        elif self.reason == "deadline":
            late = MinerError("The miner did not finish before the deadline")
            runner.on_failure(late)
            await self._fail(late)
        elif self.reason is not None:
            runner.emit("job_stopped", {"job_id": job_id, "reason": self.reason})
        elif isinstance(error, CoordinatorError) and error.matches(*ITS_OWN):
            runner.emit("job_stopped", {"job_id": job_id, "reason": error.detail})
        elif isinstance(error, CoordinatorError) and error.matches("PAYLOAD_TOO_LARGE"):
            # Another miner's answer to the same request would be as large.
            await self._fail(Refused("The result is too large for the coordinator", code="result_too_large"))
        elif is_passing(error):
            raise error
        else:
            failure = failure_of(error)
            runner.on_failure(failure)
            await self._fail(failure)

    async def _fail(self, failure: MinerError) -> None:
        runner, job = self._runner, self.job
        message = str(failure).encode("utf-8", "replace").decode()[:ERROR_LENGTH] or "The function did not say why"
        client = runner.client.with_options(max_retries=0, headers=self._headers)
        outcome = await deliver(
            lambda: client.jobs.fail(
                job.job_id,
                runner.identity.miner_id,
                error=message,
                epoch=runner.epoch,
                error_class=failure.error_class,
                engine_code=failure.code,
                retry_after=failure.retry_after,
                retryable=failure.error_class not in ("refused", "unsupported"),
            ),
            seconds=self._left(),
        )
        told = {"job_id": job.job_id, "error": message, "error_class": failure.error_class}
        runner.emit("job_failed", {**told, "retryable": outcome.status == "pending"})


async def release(runner: JobRunner, job_id: str, reason: str) -> None:
    """Hands a job back, so that another miner need not wait for the lease to run out."""
    client = runner.client.with_options(timeout=5)
    try:
        await client.jobs.release(job_id, runner.identity.miner_id, epoch=runner.epoch)
    except CoordinatorError as error:
        if not error.matches(*ITS_OWN):
            raise
    else:
        runner.emit("job_released", {"job_id": job_id, "reason": reason})
