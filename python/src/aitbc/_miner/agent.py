"""The loops of a miner: it registers, claims jobs, sends heartbeats and takes its leave."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

from .._async.client import AsyncCoordinatorClient
from .._version import __version__
from ..errors import AitbcError, CoordinatorError
from ..models import HeartbeatAnswer, MinerJob, Receipt
from ..verify import canonical_json
from .function import ClaimedJob, Function, MinerError, StopReason
from .identity import Identity
from .job import Emit, JobRunner, Work, release
from .link import Backoff, Clock, is_passing, retry_after_of
from .passports import signed_passport

LONG_POLL_S = 25.0
"""The coordinator may cap it."""
TOO_SOON_S = 1.0
"""An empty answer that comes sooner comes from a coordinator that does not wait just now."""
AGENT = f"aitbc-python/{__version__}"
"""This agent and its version, as the coordinator is told."""
EXPLAIN_EVERY_S = 60.0
"""How often the miner asks why it gets no jobs."""
SOON_S = 0.2
"""After a heartbeat's answer that came early."""
HAND_BACK_S = 10.0
LONGEST_REST_S = 60.0
REMEMBERED = 10_000


class Agent:
    """Runs the function as a miner until it is stopped."""

    def __init__(
        self,
        client: AsyncCoordinatorClient,
        function: Function,
        identity: Identity,
        clock: Clock,
        registration: dict[str, Any],
        *,
        concurrency: int,
        max_jobs: float,
        shutdown_timeout: float,
        emit: Emit,
        passport: dict[str, Any] | None = None,
    ) -> None:
        self._client = client.with_options(max_retries=0)
        self._identity = identity
        self._registration = registration
        self._concurrency, self._max_jobs = concurrency, max_jobs
        self._shutdown_timeout = shutdown_timeout
        self._emit = emit
        self._over = asyncio.Event()
        self._runner = JobRunner(
            client, function, identity, clock, emit, self._function_failed, self._job_earned, self._over.set
        )
        self._passport = passport
        self._session = uuid.uuid4().hex
        self._heartbeat_s = 15.0
        self._running: dict[str, Work] = {}
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._changed = asyncio.Condition()
        self._stopping, self._quitting = asyncio.Event(), asyncio.Event()
        self._claiming: asyncio.Task[list[MinerJob]] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._backoff, self._rest = Backoff(), Backoff()
        self._shut_until = 0.0
        self._is_down = self._was_draining = self._is_known = False
        self._was_suspended: bool = False
        self._claimed = self._completed = 0
        self._explained = -EXPLAIN_EVERY_S
        self._told: set[str] = set()
        self._earned = 0

    def stop(self) -> None:
        """Claims nothing more and finishes what runs, or hands it back after the shutdown timeout."""
        self._stopping.set()

    def quit(self) -> None:
        """Hands back what runs at once."""
        self._stopping.set()
        self._quitting.set()

    async def run(self) -> None:
        """Runs until it is stopped.

        Raises:
            AitbcError: what the coordinator does not take the miner for
        """
        loops: list[asyncio.Task[Any]] = []
        patience = self._shutdown_timeout
        try:
            if not await self._until_stopped(self._register()):
                return
            await self._until_stopped(self._heartbeat(0))
            loops = [asyncio.create_task(self._heartbeats()), asyncio.create_task(self._claims())]
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([*loops, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            for loop in loops:
                if loop.done():
                    loop.result()
        except AitbcError as error:
            patience = 0
            if isinstance(error, CoordinatorError) and error.matches("MINER_SUPERSEDED"):
                # What it held is the other's to hand back.
                self._emit("superseded", {"error": error.detail})
                self._stop_all("lost")
            raise
        except asyncio.CancelledError:
            patience = 0
            raise
        finally:
            self._stopping.set()
            await self._shut_down(patience)
            for loop in [*loops, *self._tasks]:
                loop.cancel()
            await asyncio.gather(*loops, *self._tasks, return_exceptions=True)
            await self._take_leave()

    async def _until_stopped(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether the work was done before the miner was stopped."""
        task, stopping = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([task, stopping], return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            return task.done()
        finally:
            task.cancel()
            stopping.cancel()

    async def _register(self) -> None:
        """Registers, however long the coordinator takes to answer."""
        told, signer = self._registered(), self._identity.signer
        statement = {
            "miner_id": self._identity.miner_id,
            "public_key": signer.key_id,
            "session": self._session,
            "address": told.get("address"),
        }
        proof = signer.signature(canonical_json(statement))
        while True:
            try:
                miner = await self._client.miners.register(
                    self._identity.miner_id,
                    public_key=signer.key_id,
                    session=self._session,
                    epoch=self._runner.epoch,
                    concurrency=self._concurrency,
                    proof=proof,
                    **told,
                )
            except AitbcError as error:
                if self._passport is not None and _is_unknown_passport(error):
                    self._passport = None
                    told = self._registered()
                    continue
                await asyncio.sleep(self._failed(error))
                continue
            self._up()
            self._runner.epoch = miner.epoch
            self._runner.sampler = None if self._passport is None else _sampler_of(self._passport)
            self._heartbeat_s = float(miner.heartbeat_seconds)
            self._is_known = True
            event = {"miner_id": miner.miner_id, "models": miner.capabilities, "address": miner.address}
            self._emit("registered", event)
            return

    def _registered(self) -> dict[str, Any]:
        """What is registered, with the signed passport of each model."""
        if self._passport is None:
            return self._registration
        models: list[dict[str, Any]] = self._registration["models"]
        signed = [
            {**each, "passport": signed_passport(self._passport, each["model"], self._identity)} for each in models
        ]
        return {**self._registration, "models": signed}

    def _up(self) -> None:
        self._backoff.reset()
        if self._is_down:
            self._emit("reconnected", {})
        self._is_down = False

    def _failed(self, error: AitbcError) -> float:
        """Seconds to wait before the next try. Raises what trying again can't mend."""
        if not is_passing(error):
            raise error
        if not self._is_down:
            self._emit("disconnected", {"error": str(error)})
        self._is_down = True
        return max(self._backoff.next(), retry_after_of(error))

    async def _mend(self, error: AitbcError) -> float:
        if isinstance(error, CoordinatorError) and error.matches("MINER_NOT_FOUND"):
            await self._register()
            return 0
        return self._failed(error)

    # Claims

    async def _claims(self) -> None:
        while self._claimed < self._max_jobs:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._running) < self._concurrency)
            await asyncio.sleep(max(0.0, self._shut_until - time.monotonic()))
            asked = time.monotonic()
            most = int(min(self._concurrency - len(self._running), self._max_jobs - self._claimed))
            self._claiming = asyncio.create_task(self._claim(most))
            try:
                jobs = await self._claiming
            except asyncio.CancelledError:
                if self._claiming.cancelled() and not self._stopping.is_set():
                    continue
                raise
            except AitbcError as error:
                await asyncio.sleep(await self._mend(error))
                continue
            self._up()
            for job in jobs:
                self._accept(job)
            if not jobs and time.monotonic() - asked < TOO_SOON_S:
                await asyncio.sleep(TOO_SOON_S)
        async with self._changed:
            await self._changed.wait_for(lambda: not self._running)

    async def _claim(self, most: int) -> list[MinerJob]:
        asked = time.monotonic()
        explain = asked >= self._explained + EXPLAIN_EVERY_S
        claimed = await self._client.miners.claim(
            self._identity.miner_id,
            max=most,
            wait=LONG_POLL_S,
            epoch=self._runner.epoch,
            explain=explain,
            agent=AGENT,
        )
        if claimed.idle is not None:
            self._explained = asked
            self._emit("idle", claimed.idle.model_dump(exclude={"notices"}))
            for notice in claimed.idle.notices or ():
                if notice.id not in self._told:
                    self._told.add(notice.id)
                    self._emit("notice", notice.model_dump(mode="json"))
        return claimed.jobs

    async def _interrupt_claim(self) -> None:
        if self._claiming is not None:
            self._claiming.cancel()
            await asyncio.wait([self._claiming])

    def _accept(self, job: MinerJob) -> None:
        self._claimed += 1
        # It runs still when its lease ran out and came back to this miner: what runs serves the new lease, too.
        if job.job_id not in self._running:
            work = Work(self._runner, ClaimedJob.model_validate(job.model_dump(exclude_unset=True)))
            self._running[job.job_id] = work
            self._background(self._work_off(work))

    async def _work_off(self, work: Work) -> None:
        job_id = work.job.job_id
        try:
            await work.run()
        finally:
            self._running.pop(job_id, None)
            self._ended[job_id] = time.monotonic()
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
            async with self._changed:
                self._changed.notify_all()

    def _background(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _function_failed(self, failure: MinerError) -> None:
        if failure.error_class == "busy":
            rest = self._rest.next() if failure.retry_after is None else failure.retry_after
            self._shut_until = max(self._shut_until, time.monotonic() + min(rest, LONGEST_REST_S))

    def _job_earned(self, receipt: Receipt) -> float:
        self._rest.reset()
        self._completed += 1
        self._earned += round(receipt.price * 1e6)
        return self._earned / 1e6

    # Heartbeats

    async def _heartbeats(self) -> None:
        """Always has one under way, renewed at the interval that the coordinator asks for."""
        while True:
            asked = time.monotonic()
            answer = await self._heartbeat(self._heartbeat_s)
            left = self._heartbeat_s - (time.monotonic() - asked)
            # Sooner after it was told to stop something, since nothing is heard meanwhile.
            is_told = answer is not None and bool(answer.stop)
            await asyncio.sleep(max(0.0, min(left, SOON_S) if is_told else left))

    async def _heartbeat(self, wait: float) -> HeartbeatAnswer | None:
        known = list(self._running)
        asked = time.monotonic()
        client = self._client.with_options(timeout=10)
        try:
            answer = await client.miners.heartbeat(self._identity.miner_id, known, wait=wait, epoch=self._runner.epoch)
        except AitbcError as error:
            await self._mend(error)
            return None
        self._up()
        for each in answer.stop:
            # Completed is how this miner's own completion looks, of which it may not yet have the answer.
            if each.status != "completed" and each.job_id in self._running:
                self._running[each.job_id].stop("cancelled" if each.status == "cancelled" else "lost")
        self._tell(answer)
        suspects = [job.job_id for job in answer.jobs if self._is_unknown(job.job_id, known, asked)]
        if suspects:
            self._background(self._release_unknown(suspects, known, asked))
        return answer

    def _tell(self, answer: HeartbeatAnswer) -> None:
        is_draining = answer.status == "draining" and not self._stopping.is_set()
        if is_draining and not self._was_draining:
            self._emit("drained", {})
        is_suspended = answer.suspended is True
        if is_suspended != self._was_suspended:
            self._emit("suspended" if is_suspended else "reinstated", {})
        self._was_draining, self._was_suspended = is_draining, is_suspended

    def _is_unknown(self, job_id: str, known: list[str], asked: float) -> bool:
        """A job that is leased to this miner but unknown to it: from an answer that was lost, or before a restart."""
        return job_id not in known and job_id not in self._running and self._ended.get(job_id, 0.0) <= asked

    async def _release_unknown(self, suspects: list[str], known: list[str], asked: float) -> None:
        # The answer may also be still under way.
        await self._interrupt_claim()
        await asyncio.sleep(0)
        unknown = [job_id for job_id in suspects if self._is_unknown(job_id, known, asked)]
        # One that can't be handed back now is named by the next heartbeat again.
        releases = [release(self._runner, job_id, "this miner did not know of it") for job_id in unknown]
        await asyncio.gather(*releases, return_exceptions=True)

    # The end

    def _stop_all(self, reason: StopReason) -> None:
        for work in list(self._running.values()):
            work.stop(reason)

    async def _shut_down(self, patience: float) -> None:
        await self._interrupt_claim()
        if not self._active():
            return
        self._emit("stopping", {"running": len(self._active()), "timeout_seconds": patience})
        self._background(self._drain())
        quitting = asyncio.create_task(self._quitting.wait())
        idle = asyncio.create_task(self._until_idle())
        await asyncio.wait([quitting, idle], timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        quitting.cancel()
        self._stop_all("shutdown")
        await asyncio.wait([idle], timeout=HAND_BACK_S)
        idle.cancel()

    def _active(self) -> list[Work]:
        """Those of which the coordinator does not know yet how they end."""
        return [work for work in self._running.values() if not work.is_over]

    async def _until_idle(self) -> None:
        while self._active():
            self._over.clear()
            await self._over.wait()

    async def _drain(self) -> None:
        with contextlib.suppress(AitbcError):
            client = self._client.with_options(timeout=5)
            await client.miners.drain(self._identity.miner_id, epoch=self._runner.epoch)

    async def _take_leave(self) -> None:
        """Hands back, too, what a claim brought whose answer nobody waited for."""
        if self._is_known:
            with contextlib.suppress(AitbcError):
                client = self._client.with_options(timeout=5)
                await client.miners.deregister(self._identity.miner_id, epoch=self._runner.epoch)
        self._emit("stopped", {"completed": self._completed, "total_credits": self._earned / 1e6})


def _is_unknown_passport(error: AitbcError) -> bool:
    """Coordinators before 0.3 do not know passports."""
    is_unknown = isinstance(error, CoordinatorError) and error.matches("VALIDATION_UNKNOWN_FIELD")
    return is_unknown and "passport" in str(getattr(error, "field", ""))


def _sampler_of(passport: dict[str, Any]) -> dict[str, float]:
    """The defaults of sampling that a passport claims."""
    sampler: dict[str, float] = passport.get("sampler", {}).get("value", {})
    return sampler
