"""Jobs: what clients submit and follow, and what miners do with those that they have claimed."""

from __future__ import annotations

import builtins
import contextlib
import math
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from .._http import CANCELLED, JOBS_PER_CALL, Call, create, given, post, retry_delay, segment
from .._progress import Progress, progress_bar
from ..errors import AitbcError, CoordinatorError, JobTimeoutError, PartialBatchError, TimeoutError
from ..models import (
    Job,
    JobEvent,
    JobOutcome,
    JobPreview,
    JobRequest,
    JobSummary,
    MinerJob,
    PostedChunks,
    PublishedReceipt,
    Receipt,
)
from .requests import Paged, Requests, Resource

LAST_S = 0.02
"""A wait that has less time left is over."""


def _path(job_id: str) -> str:
    return f"/v1/jobs/{segment(job_id)}"


def submit_told(
    requests: Requests,
    job: Mapping[str, Any],
    *,
    wait: float | None = None,
    idempotency_key: str | None = None,
) -> dict[str, Any]:
    """Submits a job, which is answered as the coordinator told it."""
    call = create("/v1/jobs", given(**job), idempotency_key=idempotency_key, wait=wait)
    answer: dict[str, Any] = requests.json(call)
    return answer


def wait_told(
    requests: Requests,
    job_id: str,
    *,
    timeout: float,
    poll: float = 20,
    update: Callable[[dict[str, Any]], object] | None = None,
) -> dict[str, Any]:
    """Waits until a job has ended, which is answered as the coordinator told it."""
    deadline = time.monotonic() + timeout
    seen: dict[str, Any] | None = None
    has_answered = False
    failures = 0
    while (left := deadline - time.monotonic()) > LAST_S:
        # A little less than what is left, so that the answer comes in time.
        wait = min(poll, left - min(0.5, left / 10))
        asked = time.monotonic()
        call = Call(
            _path(job_id),
            query={"wait": round(wait, 3)},
            wait=wait,
            deadline=deadline,
            max_retries=math.inf if has_answered else None,
        )
        try:
            seen = requests.json(call)
        except (CoordinatorError, TimeoutError) as error:
            delay = retry_delay(error, repeatable=True, retries=failures)
            is_told = isinstance(error, CoordinatorError)
            if delay is None or not (is_told or has_answered or time.monotonic() >= deadline):
                raise
            failures += 1
            has_answered = has_answered or is_told
            time.sleep(max(0.0, min(delay, deadline - time.monotonic())))
            continue
        assert seen is not None
        has_answered = True
        if update is not None:
            update(seen)
        if seen["status"] in ("completed", "failed", "cancelled"):
            return seen
        if time.monotonic() - asked < min(1.0, wait / 2):
            # It does not wait just now.
            time.sleep(max(0.0, min(1.0, deadline - time.monotonic())))
    raise JobTimeoutError(job_id, seen, timeout)


class Jobs(Resource):
    """Jobs: what clients submit and follow, and what miners do with those that they have claimed."""

    def submit(
        self, *, wait: float | None = None, idempotency_key: str | None = None, **job: Unpack[JobRequest]
    ) -> Job:
        """Submits a job. Sent again after a failure, it never becomes two.

        Args:
            wait: seconds to wait for the job to end. The coordinator caps it: the job may come back unended.
            idempotency_key: the same key with the same job is the same job. Made up where it is not given.
            job: ``model``, and one of ``prompt``, ``messages`` and ``input``, with what else a job may have

        Raises:
            CoordinatorError: by the class of its status, such as BadRequestError
        """
        return Job.model_validate(submit_told(self._requests, job, wait=wait, idempotency_key=idempotency_key))

    def preview(self, **job: Unpack[JobRequest]) -> JobPreview:
        """What a job may cost, how many miners could run it and when it would start. Nothing is stored."""
        body = {**given(**job), "dry_run": True}
        return self._requests.model(JobPreview, post("/v1/jobs", body))

    def submit_batch(self, jobs: Iterable[JobRequest], *, idempotency_key: str | None = None) -> builtins.list[Job]:
        """Submits any number of jobs, 1,000 in each request, each request all or nothing. Answers in their order.

        Raises:
            PartialBatchError: when a request after the first fails
        """
        key = idempotency_key or uuid.uuid4().hex
        wanted = list(jobs)
        accepted: list[Job] = []
        for start in range(0, len(wanted), JOBS_PER_CALL):
            body = {"jobs": wanted[start : start + JOBS_PER_CALL]}
            part = key if start == 0 else f"{key}+{start}"
            try:
                call = create("/v1/jobs/batch", body, idempotency_key=part)
                accepted += self._requests.models(Job, call, "jobs")
            except AitbcError as error:
                if not accepted:
                    raise
                raise PartialBatchError(accepted, key, error) from error
        return accepted

    def get(self, job_id: str, *, wait: float | None = None) -> Job:
        """The job; with ``wait``, as soon as it has ended or the seconds are over."""
        return self._requests.model(Job, Call(_path(job_id), query=given(wait=wait), wait=wait or 0))

    def list(
        self,
        *,
        status: str | None = None,
        model: str | None = None,
        all: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Paged[JobSummary]:
        """Your jobs, newest first; those of ``all`` accounts for administrators. ``limit`` is of one page."""
        query = given(status=status, model=model, all=all, limit=limit, cursor=cursor)
        return self._requests.paged(JobSummary, "/v1/jobs", query)

    def wait(
        self,
        job_id: str,
        *,
        timeout: float = 60,
        poll: float = 20,
        on_update: Callable[[Job], object] | None = None,
    ) -> Job:
        """Waits until the job has ended, well or not: look at ``status``, or ``require_completed()``.

        Once the coordinator has answered, its absence is waited out as well, as far as the timeout reaches.

        Args:
            timeout: seconds, ``math.inf`` for ever
            poll: seconds that each request asks the coordinator to wait, and so between calls of ``on_update``
            on_update: called with the job as each request found it

        Raises:
            JobTimeoutError: when it had not ended in time; the job itself goes on
        """

        def update(told: dict[str, Any]) -> None:
            if on_update is not None:
                on_update(Job.model_validate(told))

        return Job.model_validate(wait_told(self._requests, job_id, timeout=timeout, poll=poll, update=update))

    def wait_all(
        self, jobs: Sequence[Job | str], *, timeout: float = math.inf, progress: Progress = False
    ) -> Iterator[Job]:
        """The jobs as they have ended, in the order in which they are given.

        Args:
            jobs: jobs, or their ids
            timeout: seconds for all of them
            progress: True for a bar (needs ``tqdm``), or a function that is called with the number of those that
                have ended, and of all

        Raises:
            JobTimeoutError: for the first that had not ended in time
        """
        deadline = time.monotonic() + timeout
        with progress_bar(progress, total=len(jobs), unit="job") as told:
            for done, job in enumerate(jobs, start=1):
                job_id = job if isinstance(job, str) else job.job_id
                left = max(2 * LAST_S, deadline - time.monotonic())
                ended = self.wait(job_id, timeout=left)
                told(done)
                yield ended

    def stream(self, *, idempotency_key: str | None = None, **job: Unpack[JobRequest]) -> Iterator[JobEvent]:
        """Submits a job, and tells what happens to it until it has ended, its text as it is generated.

        A connection that breaks is opened again, and what came before is not told twice. Leaving the loop stops the
        reading and leaves the job alone; Ctrl-C cancels the job.
        """
        submitted = submit_told(self._requests, {**job, "stream": True}, idempotency_key=idempotency_key)
        job_id: str = submitted["job_id"]
        try:
            for event in self.events(job_id):
                yield event
        except CANCELLED:
            with contextlib.suppress(AitbcError):
                self.cancel(job_id)
            raise

    def events(self, job_id: str, *, after: str | None = None, max_retries: float | None = None) -> Iterator[JobEvent]:
        """What happens to a job until it has ended: its status, its text where it streams, and its result.

        Args:
            after: ``id`` of an event to go on behind
            max_retries: tries after one that failed. Without it as many as the client's for the first connection,
                and without end once there was one.
        """
        for event in self._requests.events(f"{_path(job_id)}/events", after, max_retries):
            yield event

    def cancel(self, job_id: str) -> Job:
        """Cancels a pending or running job."""
        return self._requests.model(Job, post(f"{_path(job_id)}/cancel"))

    def receipt(self, job_id: str) -> PublishedReceipt:
        """The receipt of a completed job, and its place in the ledger once that was published."""
        return self._requests.model(PublishedReceipt, Call(f"{_path(job_id)}/receipt"))

    def available(self, miner_id: str, *, wait: float | None = None, epoch: int | None = None) -> MinerJob | None:
        """The best job that the miner could claim; None when there is none, or none came in ``wait`` seconds."""
        query = given(miner_id=miner_id, wait=wait, epoch=epoch)
        answer = self._requests.json(Call("/v1/jobs/available", query=query, wait=wait or 0))
        return None if answer is None else MinerJob.model_validate(answer)

    def claim(self, job_id: str, miner_id: str, *, epoch: int | None = None) -> MinerJob:
        """Leases the job to the miner. ``miners.claim_jobs`` leases the best ones in a single request."""
        body = given(miner_id=miner_id, epoch=epoch)
        return self._requests.model(MinerJob, post(f"{_path(job_id)}/claim", body))

    def post_chunks(
        self,
        job_id: str,
        miner_id: str,
        *,
        first: int,
        chunks: Sequence[str | Mapping[str, str]],
        attempt: int | None = None,
        epoch: int | None = None,
    ) -> PostedChunks:
        """Posts more of the text of a job as it is generated, which extends the lease.

        Repeating it adds nothing twice; a gap is a BadRequestError for the field ``first``.
        """
        body = given(miner_id=miner_id, first=first, chunks=list(chunks), attempt=attempt, epoch=epoch)
        return self._requests.model(PostedChunks, post(f"{_path(job_id)}/chunks", body))

    def complete(self, job_id: str, miner_id: str, *, result: str, **completion: Any) -> Receipt:
        """Hands in the result. Answers with the receipt, the same one when repeated.

        Args:
            completion: ``epoch``, ``result_type``, ``finish_reason``, ``usage``, ``signature``, …
        """
        body = given(miner_id=miner_id, result=result, **completion)
        return self._requests.model(Receipt, post(f"{_path(job_id)}/complete", body))

    def fail(self, job_id: str, miner_id: str, *, error: str, **failure: Any) -> JobOutcome:
        """Reports that the miner could not run the job.

        Args:
            failure: ``epoch``, ``error_class``, ``engine_code``, ``retry_after``, ``retryable``
        """
        body = given(miner_id=miner_id, error=error, **failure)
        return self._requests.model(JobOutcome, post(f"{_path(job_id)}/fail", body))

    def release(self, job_id: str, miner_id: str, *, epoch: int | None = None) -> JobOutcome:
        """Hands a job back undone, without using up one of its attempts."""
        body = given(miner_id=miner_id, epoch=epoch)
        return self._requests.model(JobOutcome, post(f"{_path(job_id)}/release", body))
