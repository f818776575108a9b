"""The machines that run jobs."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from .._http import Call, given, post, read_json, segment
from ..errors import CoordinatorError, coordinator_error
from ..models import ClaimedJobs, HeartbeatAnswer, Miner, MinerDetail, MinerJob, PostedChunks
from .requests import AsyncPaged, AsyncResource


def _path(miner_id: str) -> str:
    return f"/v1/miners/{segment(miner_id)}"


class AsyncMiners(AsyncResource):
    """The machines that run jobs. ``aitbc.Miner`` does all of this for you."""

    def list(
        self,
        *,
        status: str | None = None,
        model: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[Miner]:
        """The miners that are there, or those that take jobs for a model. ``limit`` is of one page."""
        query = given(status=status, model=model, limit=limit, cursor=cursor)
        return self._requests.paged(Miner, "/v1/miners", query)

    async def get(self, miner_id: str) -> MinerDetail:
        """A miner, and what it is given and not given to do just now."""
        return await self._requests.model(MinerDetail, Call(_path(miner_id)))

    async def register(self, miner_id: str, *, capabilities: Sequence[str], **more: Any) -> Miner:
        """Registers a miner, or tells anew what it can do.

        Requests that carry the ``epoch`` of the answer fail with MINER_SUPERSEDED once another process has
        registered the id.

        Args:
            capabilities: the models that it can run
            more: ``models``, ``gpu_info``, ``region``, ``concurrency``, ``address``, ``public_key``, ``session``,
                ``epoch``, ``proof``
        """
        body = given(miner_id=miner_id, capabilities=list(capabilities), **more)
        return await self._requests.model(Miner, post("/v1/miners/register", body))

    async def heartbeat(
        self,
        miner_id: str,
        jobs: Sequence[str] | None = None,
        *,
        wait: float | None = None,
        loaded: Sequence[str] | None = None,
        epoch: int | None = None,
    ) -> HeartbeatAnswer:
        """Says that the miner lives, which extends its leases.

        Args:
            jobs: ids of the jobs it works on; the answer names those to stop
            wait: seconds; the answer comes as soon as there is a job to stop
            loaded: models that its engine has in memory: it is given jobs for them first
        """
        body = given(jobs=jobs, wait=wait, loaded=loaded, epoch=epoch)
        call = post(f"{_path(miner_id)}/heartbeat", body, wait=wait or 0)
        return await self._requests.model(HeartbeatAnswer, call)

    async def claim_jobs(
        self, miner_id: str, *, max: int = 1, wait: float | None = None, epoch: int | None = None
    ) -> builtins.list[MinerJob]:
        """Claims up to ``max`` jobs, waiting ``wait`` seconds for the first.

        Not repeated when an answer is lost, as the jobs of that answer are leased already: the next heartbeat names
        them.
        """
        return (await self.claim(miner_id, max=max, wait=wait, epoch=epoch)).jobs

    async def claim(
        self,
        miner_id: str,
        *,
        max: int = 1,
        wait: float | None = None,
        epoch: int | None = None,
        explain: bool = False,
        agent: str | None = None,
    ) -> ClaimedJobs:
        """Claims jobs like ``claim_jobs``.

        Args:
            explain: an answer without jobs says in ``idle`` why. Earlier coordinators do not say it.
            agent: the program and its version, such as ``aitbc-python/0.2.0``, so that ``idle`` has what the operator
                tells owners of earlier versions
        """
        body = given(max=max, wait=wait, epoch=epoch)
        prefer = "explain" if agent is None else f'explain; agent="{agent}"'
        headers = {"prefer": prefer} if explain else {}
        call = Call(f"{_path(miner_id)}/claims", "POST", body=body, wait=wait or 0, headers=headers)
        return await self._requests.model(ClaimedJobs, call)

    async def post_chunks(
        self, miner_id: str, streams: Sequence[Mapping[str, Any]], *, epoch: int | None = None
    ) -> builtins.list[PostedChunks | CoordinatorError]:
        """Posts the next chunks of several jobs' texts, which extends their leases.

        Args:
            streams: for each job ``job_id``, ``first`` and ``chunks``, and ``attempt`` if several are possible

        Returns:
            for each of them what ``jobs.post_chunks`` returns, or the error that it would raise
        """
        body = given(streams=[dict(stream) for stream in streams], epoch=epoch)
        response, data = await self._requests.send(post(f"{_path(miner_id)}/chunks", body))
        return [_posted(stream, response) for stream in read_json(response, data)["streams"]]

    async def drain(self, miner_id: str, *, epoch: int | None = None) -> Miner:
        """Gives the miner no new jobs; those it holds go on."""
        call = post(f"{_path(miner_id)}/drain", query=given(epoch=epoch))
        return await self._requests.model(Miner, call)

    async def resume(self, miner_id: str, *, epoch: int | None = None) -> Miner:
        """Gives a drained miner jobs again."""
        call = post(f"{_path(miner_id)}/resume", query=given(epoch=epoch))
        return await self._requests.model(Miner, call)

    async def suspend(self, miner_id: str) -> Miner:
        """Suspends the miner's owner, so that all of its miners get no jobs. For administrators."""
        return await self._requests.model(Miner, post(f"{_path(miner_id)}/suspend"))

    async def reinstate(self, miner_id: str) -> Miner:
        """Gives a suspended miner jobs again. For administrators."""
        return await self._requests.model(Miner, post(f"{_path(miner_id)}/reinstate"))

    async def deregister(self, miner_id: str, *, epoch: int | None = None) -> None:
        """Takes the miner out; what it holds goes to others."""
        query = given(epoch=epoch)
        await self._requests.send(Call(_path(miner_id), "DELETE", query=query, repeatable=True))


def _posted(stream: dict[str, Any], response: httpx.Response) -> PostedChunks | CoordinatorError:
    error = stream.get("error")
    if error is None:
        return PostedChunks.model_validate(stream)
    own = httpx.Response(error["status"], json=error, request=response.request)
    return coordinator_error(own, error)
