"""Miners as the network sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from .base import Model
from .jobs import MinerJob
from .passports import Passport

MinerStatus: TypeAlias = Literal["online", "draining", "offline"]


class MinerModel(Model):
    """A model that a miner offers, and how it runs there. None is not known."""

    model: str
    loaded: bool | None
    time_to_first_token_ms: float | None
    tokens_per_second: float | None
    context_length: int | None = None
    text: bool | None = None
    embeddings: bool | None = None
    tools: bool | None = None
    images: bool | None = None
    json_schema: bool | None = None
    passport: Passport | None = None
    """What the miner signed about the model. Lists of miners leave it out."""


class Reputation(Model):
    """How far a miner can be relied on. Counts become less with time."""

    score: float
    """0 to 1: the share of runs that ended with a result."""
    successes: float
    failures: float
    timeouts: float
    agreements: float
    disagreements: float
    suspended_at: datetime | None
    suspended_by: str | None


class Miner(Model):
    """A miner."""

    miner_id: str
    status: MinerStatus | str
    capabilities: list[str]
    models: list[MinerModel]
    gpu_info: dict[str, Any] | None
    vram_gb: float | None
    region: str | None
    concurrency: int | None
    address: str
    public_key: str | None
    epoch: int
    """Grows each time another process takes the id over."""
    running: int
    completed: int
    failed: int
    reputation: Reputation
    registered_at: datetime
    last_seen_at: datetime
    heartbeat_seconds: int


class Workload(Model):
    """Pending jobs of one kind, and why this miner is not given them (None: it can run them)."""

    model: str
    pending: int
    reason: str | None


class Workloads(Model):
    """What a miner is given and not given to do just now."""

    runnable: list[Workload]
    blocked: list[Workload]
    reason: str | None
    """Why it gets nothing just now, whatever is pending."""


class MinerDetail(Miner):
    """A miner, and what it is given to do."""

    workload: Workloads


class HeldJob(Model):
    """A job that a miner holds."""

    job_id: str
    lease_expires_at: datetime
    deadline: datetime


class StoppedJob(Model):
    """A job that the miner no longer holds: cancelled, or given to another."""

    job_id: str
    status: str | None


class HeartbeatAnswer(Model):
    """What a miner holds, and what it is to stop."""

    miner_id: str
    status: MinerStatus | str
    suspended: bool | None = None
    heartbeat_seconds: int
    jobs: list[HeldJob]
    stop: list[StoppedJob]


class BlockedJobs(Model):
    """Waiting jobs that a miner did not get, for one reason."""

    reason: Literal["model", "ability", "context", "vram", "region", "choice", "passport", "excluded", "held"] | str
    jobs: int
    detail: str
    """The reason in words, for the most frequent kind of these jobs."""


class MinerNotice(Model):
    """What the operator tells the owners of miners."""

    id: str
    text: str
    created_at: datetime


class Notice(MinerNotice):
    """A notice with the miners that get it, as administrators see it."""

    miner: str | None
    owner: str | None
    below_version: str | None
    expires_at: datetime


class IdleReport(Model):
    """Why a claim found nothing. The counts are estimates."""

    reason: str | None
    """Why the miner gets no jobs at all at present."""
    blocked: list[BlockedJobs]
    notices: list[MinerNotice] | None = None
    """What the operator tells this miner's owner, oldest first."""


class ClaimedJobs(Model):
    """The answer to a claim."""

    jobs: list[MinerJob]
    idle: IdleReport | None = None
    """Set for a claim with ``explain`` that found nothing."""
