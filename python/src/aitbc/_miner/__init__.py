"""Miners that are Python functions: ``@aitbc.miner(models=[…])``."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from .._async.client import AsyncCoordinatorClient
from .._http import NO_LIMITS, given
from ..models import PassportClaim
from .agent import Agent
from .function import Answer, Busy, ClaimedJob, Function, MinerError, Output, Reasoning, Refused, Unsupported
from .identity import Identity, default_state_folder, load_identity
from .job import Emit
from .link import Clock
from .passports import statement_of

__all__ = [
    "Answer",
    "Busy",
    "ClaimedJob",
    "Emit",
    "Function",
    "Identity",
    "Miner",
    "MinerError",
    "Output",
    "Reasoning",
    "Refused",
    "Unsupported",
    "default_state_folder",
    "load_identity",
    "miner",
]

ABILITIES = ("text", "embeddings", "tools", "images", "json_schema")
_log = logging.getLogger("aitbc.miner")


class Miner:
    """Lends what a function can do to a coordinator.

    Registration, leases, heartbeats, concurrency, cancellation, signing and the end are its work; the function gets
    a job and gives the answer. Calling the miner calls the function, as in a test of it.
    """

    def __init__(
        self,
        function: Function,
        *,
        models: Sequence[str],
        concurrency: int = 1,
        abilities: Sequence[str] = ("text",),
        context_length: int | None = None,
        region: str | None = None,
        address: str | None = None,
        gpu_info: Mapping[str, Any] | None = None,
        passport: PassportClaim | None = None,
    ) -> None:
        """A miner.

        Args:
            function: gets a :class:`ClaimedJob`, and gives a text, an :class:`Output`, or vectors for a job with
                ``input``; or it is a generator of pieces of text. It may be async; else it runs in a thread.
            models: names that jobs ask for
            concurrency: jobs at once
            abilities: what the function does of ``text``, ``embeddings``, ``tools``, ``images`` and ``json_schema``.
                Jobs that need something else go to other miners.
            context_length: tokens of prompt and answer together
            region: where it is, such as ``eu-west``
            address: ``ait1…``, where its earnings go; the owner's where it is not given
            gpu_info: ``name`` and ``memory``, such as ``{"name": "NVIDIA RTX 4090", "memory": "24GB"}``
            passport: what the models are and how they run, such as ``{"weights": "sha256:…", "quantization": "Q8_0"}``.
                It is signed and shown as claimed. The function then gets each job's ``params`` with the defaults of
                its ``sampler`` and a seed for what the job leaves out, and must sample by them.
        """
        self._options: dict[str, Any] = {"concurrency": concurrency, "abilities": abilities, "gpu_info": gpu_info}
        self._options |= {"context_length": context_length, "region": region, "address": address}
        self._options["passport"] = passport
        self._passport = None if passport is None else statement_of(passport)
        if not models or isinstance(models, str):
            raise ValueError("A miner has a list of at least one model")
        if unknown := set(abilities) - set(ABILITIES):
            raise ValueError(f"{', '.join(sorted(unknown))}: no abilities, which are {', '.join(ABILITIES)}")
        self.function = function
        self.models = list(dict.fromkeys(models))
        self.concurrency = concurrency
        self.name = getattr(function, "__name__", type(function).__name__)
        self.__doc__ = function.__doc__
        stated: dict[str, Any] = {ability: ability in abilities for ability in ABILITIES}
        stated |= given(context_length=context_length)
        self._registration = given(
            capabilities=self.models,
            models=[{"model": model, **stated} for model in self.models],
            region=region,
            address=address,
            gpu_info=None if gpu_info is None else dict(gpu_info),
        )
        self._agent: Agent | None = None

    def __call__(self, job: ClaimedJob) -> Any:
        return self.function(job)

    def with_options(self, *, models: Sequence[str] | None = None, **options: Any) -> Miner:
        """The same function with other options; None leaves one as it is."""
        return Miner(self.function, models=models or self.models, **{**self._options, **given(**options)})

    async def serve(
        self,
        coordinator: str | None = None,
        *,
        api_key: str | None = None,
        state: str | os.PathLike[str] | None = None,
        miner_id: str | None = None,
        concurrency: int | None = None,
        max_jobs: float = math.inf,
        shutdown_timeout: float = 30,
        on_event: Emit | None = None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """Runs jobs until :meth:`stop` is called, or the task is cancelled.

        Args:
            coordinator: its URL; the environment's AITBC_COORDINATOR where it is not given
            api_key: the environment's AITBC_API_KEY where it is not given
            state: folder of the key that signs results, made when missing
            miner_id: made of the host's name, the function's and the key where it is not given
            concurrency: in place of the miner's own
            max_jobs: ends after so many
            shutdown_timeout: seconds that running jobs get to finish when it is stopped
            on_event: gets each event by name with what it tells; logged as ``aitbc.miner`` where it is not given

        Raises:
            AitbcError: what the coordinator does not take the miner for, such as a wrong key
            ValueError: for a key file that can't be used
        """
        identity = load_identity(state, miner_id, self.name)
        clock = Clock()
        http = http_client or httpx.AsyncClient(limits=NO_LIMITS)
        http.event_hooks["response"].append(clock.read)
        client = AsyncCoordinatorClient(coordinator, api_key, http_client=http)
        self._agent = Agent(
            client,
            self.function,
            identity,
            clock,
            self._registration,
            concurrency=concurrency or self.concurrency,
            max_jobs=max_jobs,
            shutdown_timeout=shutdown_timeout,
            emit=on_event or _log_event,
            passport=self._passport,
        )
        try:
            await self._agent.run()
        finally:
            self._agent = None
            if http_client is None:
                await http.aclose()

    def stop(self) -> None:
        """Claims nothing more and finishes what runs. To be called on the loop that ``serve`` runs on."""
        if self._agent is not None:
            self._agent.stop()

    def quit(self) -> None:
        """Hands back what runs at once."""
        if self._agent is not None:
            self._agent.quit()

    def run(self, coordinator: str | None = None, **options: Any) -> None:
        """Runs jobs until SIGINT or SIGTERM; on a second one hands back at once what still runs.

        Args:
            options: those of :meth:`serve`
        """
        asyncio.run(self._run(coordinator, options))

    async def _run(self, coordinator: str | None, options: dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        counts = {"signals": 0}

        def interrupt(*_: object) -> None:
            counts["signals"] += 1
            self.stop() if counts["signals"] == 1 else self.quit()

        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, interrupt)
            except (NotImplementedError, RuntimeError, ValueError):
                continue
        await self.serve(coordinator, **options)


def miner(
    *,
    models: Sequence[str],
    concurrency: int = 1,
    abilities: Sequence[str] = ("text",),
    context_length: int | None = None,
    region: str | None = None,
    address: str | None = None,
    gpu_info: Mapping[str, Any] | None = None,
    passport: PassportClaim | None = None,
) -> Callable[[Function], Miner]:
    """Makes a :class:`Miner` of a function. Takes what that takes."""
    return lambda function: Miner(
        function,
        models=models,
        concurrency=concurrency,
        abilities=abilities,
        context_length=context_length,
        region=region,
        address=address,
        gpu_info=gpu_info,
        passport=passport,
    )


def _log_event(event: str, told: dict[str, Any]) -> None:
    level = logging.WARNING if event in _WARNINGS else logging.INFO
    _log.log(level, "%s %s", event, " ".join(f"{name}={value}" for name, value in told.items()))


_WARNINGS = ("disconnected", "superseded", "suspended", "job_failed", "job_lost")
