"""The client of one coordinator."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

import httpx
from typing_extensions import Self

from .._http import DEFAULT_COORDINATOR, NO_LIMITS, Call, Settings, segment
from ..models import Health, NetworkStats
from .batches import AsyncBatches, AsyncFiles, AsyncModels
from .explorer import AsyncExplorer
from .jobs import AsyncJobs, submit_told, wait_told
from .keys import AsyncApiKeys, AsyncAuditLog, AsyncEarnings, AsyncInvitations, AsyncNotices, AsyncOperator, AsyncUsage
from .ledger import AsyncLedgerResource
from .miners import AsyncMiners
from .receipts import AsyncAccounts, AsyncGrants, AsyncPayouts, AsyncReceipts, AsyncSigningKeys
from .requests import AsyncRequests
from .verifications import AsyncEvidence, AsyncVerifications
from .webhooks import AsyncWebhooks


class AsyncCoordinatorClient:
    """A client of one coordinator.

    What it can do stands with its resources, named as the routes are: ``POST /v1/jobs`` is ``client.jobs.submit``,
    ``POST /v1/miners/{id}/drain`` is ``client.miners.drain``. Every time is in seconds.

    What may be repeated without harm is tried again after network errors, 429 and 5xx, with exponential backoff
    and full jitter, and not before a ``Retry-After`` is over.

    Every method raises a CoordinatorError when the coordinator answers with an error, a ConnectionError when it
    can not be reached, and a TimeoutError when it does not answer.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        max_retries: int = 2,
        headers: Mapping[str, str] | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """A client.

        Args:
            base_url: where the coordinator is, with or without ``/api``. The environment's AITBC_COORDINATOR
                where it is not given, else ``http://127.0.0.1:8000``
            api_key: the environment's AITBC_API_KEY where it is not given; a coordinator that runs open needs none
            timeout: seconds for an answer to one try, besides those that the coordinator was asked to wait
            max_retries: tries after the first
            headers: added to every request
            http_client: in place of one that the client makes, for proxies and certificates. Yours to close.

        Raises:
            ValueError: where ``base_url`` is not an http or https URL
        """
        settings = Settings(
            base_url=base_url or os.environ.get("AITBC_COORDINATOR") or DEFAULT_COORDINATOR,
            api_key=api_key or os.environ.get("AITBC_API_KEY") or None,
            timeout=timeout,
            max_retries=max_retries,
            headers=dict(headers or {}),
        )
        self._owns_http = http_client is None
        self._furnish(settings, http_client or httpx.AsyncClient(limits=NO_LIMITS))

    def _furnish(self, settings: Settings, http: httpx.AsyncClient) -> None:
        requests = AsyncRequests(settings, http)
        self._requests = requests
        self.jobs = AsyncJobs(requests)
        self.files = AsyncFiles(requests)
        self.batches = AsyncBatches(requests, self.files)
        self.models = AsyncModels(requests)
        self.miners = AsyncMiners(requests)
        self.receipts = AsyncReceipts(requests)
        self.ledger = AsyncLedgerResource(requests)
        self.signing_keys = AsyncSigningKeys(requests)
        self.accounts = AsyncAccounts(requests)
        self.api_keys = AsyncApiKeys(requests)
        self.invitations = AsyncInvitations(requests)
        self.notices = AsyncNotices(requests)
        self.usage = AsyncUsage(requests)
        self.earnings = AsyncEarnings(requests)
        self.audit_log = AsyncAuditLog(requests)
        self.operator = AsyncOperator(requests)
        self.grants = AsyncGrants(requests)
        self.payouts = AsyncPayouts(requests)
        self.evidence = AsyncEvidence(requests)
        self.verifications = AsyncVerifications(requests)
        self.webhooks = AsyncWebhooks(requests)
        self.explorer = AsyncExplorer(requests)

    @property
    def base_url(self) -> str:
        """Where the coordinator is."""
        return self._requests.settings.base_url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """The same client with other options, on the same connections: ``client.with_options(timeout=5).health()``."""
        own = self._requests.settings
        settings = replace(
            own,
            timeout=own.timeout if timeout is None else timeout,
            max_retries=own.max_retries if max_retries is None else max_retries,
            headers={**own.headers, **(headers or {})},
        )
        other = object.__new__(type(self))
        other._owns_http = False
        other._furnish(settings, self._requests.http)
        return other

    async def submit_job(self, prompt: str, model: str = "llama3.2", **params: Any) -> dict[str, Any]:
        """The tutorial's way to submit a job: ``params`` are the model's. ``jobs.submit`` takes all of a job.

        Returns:
            the job, as the coordinator told it
        """
        job = {"prompt": prompt, "model": model, "params": params}
        return await submit_told(self._requests, job)

    async def get_job(self, job_id: str) -> dict[str, Any]:
        """The tutorial's way to look at a job.

        Returns:
            the job, as the coordinator told it
        """
        job: dict[str, Any] = await self._requests.json(Call(f"/v1/jobs/{segment(job_id)}"))
        return job

    async def wait_for_job(self, job_id: str, timeout: float = 60) -> dict[str, Any]:
        """The tutorial's way to wait until a job has ended, well or not: look at ``status``.

        Returns:
            the job, as the coordinator told it

        Raises:
            JobTimeoutError: a TimeoutError, when it had not ended after ``timeout`` seconds
        """
        return await wait_told(self._requests, job_id, timeout=timeout)

    async def stats(self) -> NetworkStats:
        """Counts of jobs, miners and receipts."""
        return await self._requests.model(NetworkStats, Call("/v1/stats"))

    async def health(self) -> Health:
        """Whether the coordinator is well, and its version."""
        return await self._requests.model(Health, Call("/health"))

    async def aclose(self) -> None:
        """Closes the connections that the client has made."""
        if self._owns_http:
            await self._requests.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
