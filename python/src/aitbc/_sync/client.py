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
from .batches import Batches, Files, Models
from .explorer import Explorer
from .jobs import Jobs, submit_told, wait_told
from .keys import ApiKeys, AuditLog, Earnings, Invitations, Notices, Operator, Usage
from .ledger import LedgerResource
from .miners import Miners
from .receipts import Accounts, Grants, Payouts, Receipts, SigningKeys
from .requests import Requests
from .verifications import Evidence, Verifications
from .webhooks import Webhooks


class CoordinatorClient:
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
        http_client: httpx.Client | None = None,
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
        self._furnish(settings, http_client or httpx.Client(limits=NO_LIMITS))

    def _furnish(self, settings: Settings, http: httpx.Client) -> None:
        requests = Requests(settings, http)
        self._requests = requests
        self.jobs = Jobs(requests)
        self.files = Files(requests)
        self.batches = Batches(requests, self.files)
        self.models = Models(requests)
        self.miners = Miners(requests)
        self.receipts = Receipts(requests)
        self.ledger = LedgerResource(requests)
        self.signing_keys = SigningKeys(requests)
        self.accounts = Accounts(requests)
        self.api_keys = ApiKeys(requests)
        self.invitations = Invitations(requests)
        self.notices = Notices(requests)
        self.usage = Usage(requests)
        self.earnings = Earnings(requests)
        self.audit_log = AuditLog(requests)
        self.operator = Operator(requests)
        self.grants = Grants(requests)
        self.payouts = Payouts(requests)
        self.evidence = Evidence(requests)
        self.verifications = Verifications(requests)
        self.webhooks = Webhooks(requests)
        self.explorer = Explorer(requests)

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

    def submit_job(self, prompt: str, model: str = "llama3.2", **params: Any) -> dict[str, Any]:
        """The tutorial's way to submit a job: ``params`` are the model's. ``jobs.submit`` takes all of a job.

        Returns:
            the job, as the coordinator told it
        """
        job = {"prompt": prompt, "model": model, "params": params}
        return submit_told(self._requests, job)

    def get_job(self, job_id: str) -> dict[str, Any]:
        """The tutorial's way to look at a job.

        Returns:
            the job, as the coordinator told it
        """
        job: dict[str, Any] = self._requests.json(Call(f"/v1/jobs/{segment(job_id)}"))
        return job

    def wait_for_job(self, job_id: str, timeout: float = 60) -> dict[str, Any]:
        """The tutorial's way to wait until a job has ended, well or not: look at ``status``.

        Returns:
            the job, as the coordinator told it

        Raises:
            JobTimeoutError: a TimeoutError, when it had not ended after ``timeout`` seconds
        """
        return wait_told(self._requests, job_id, timeout=timeout)

    def stats(self) -> NetworkStats:
        """Counts of jobs, miners and receipts."""
        return self._requests.model(NetworkStats, Call("/v1/stats"))

    def health(self) -> Health:
        """Whether the coordinator is well, and its version."""
        return self._requests.model(Health, Call("/health"))

    def close(self) -> None:
        """Closes the connections that the client has made."""
        if self._owns_http:
            self._requests.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
