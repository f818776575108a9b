"""What the coordinator shows to everyone."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from .base import JsonObject, Model
from .network import NetworkStats
from .passports import ModelPassport
from .receipts import Inclusion


class Block(Model):
    """A tree of the ledger that was published."""

    height: int
    hash: str
    parent_hash: str | None
    tree_size: int
    root_hash: str
    timestamp: datetime
    transactions: int
    size: int
    """Bytes of its entries."""


class BlockDetail(Block):
    """A block with what the ledger signed for it."""

    checkpoint: str


class Transaction(Model):
    """An entry of the ledger: what it moves, and where it stands."""

    hash: str
    index: int | None
    height: int | None
    type: str
    id: str
    job_id: str | None
    from_: str | None = Field(alias="from")
    to: str | None
    amount: float
    timestamp: datetime
    size: int


class TransactionDetail(Transaction):
    """A transaction with the signed statement that it is."""

    statement: JsonObject
    inclusion: Inclusion | None


class AddressDetail(Model):
    """What the ledger says of an address. One that it does not name has nothing."""

    address: str
    balance: float
    jobs: int
    jobs_run: int
    receipts: int
    transactions: int
    earned: float
    """The prices of the receipts that name the address as provider, in credits."""
    paid: float
    """The payouts to it that were not withdrawn, and those of them that it confirmed or disputes."""
    confirmed: float
    disputed: float


class AddressDay(Model):
    """What an address earned and paid on a day on which the ledger names it."""

    day: date
    received: float
    sent: float
    balance: float
    """At the end of the day, or now."""
    transactions: int


class MinerDay(Model):
    """A miner's day."""

    day: date
    availability: float | None
    """From 0 to 1: the share of the time that the coordinator was running in which the miner was there."""
    jobs: int
    tokens_in: int
    tokens_out: int
    credits: float


class MinerStates(Model):
    """How many miners there are, by what they do."""

    taking_jobs: int
    slots: int
    """How many jobs these run at once."""
    not_taking_jobs: int
    """Miners that are draining or suspended."""
    offline: int


class FirstToken(Model):
    """Percentiles of the time to the first token, in milliseconds."""

    p50: float
    p95: float
    p99: float
    count: int
    """How many streams were measured."""


class ModelQueue(Model):
    """The jobs of a model that wait or run."""

    model: str
    pending: int
    running: int
    waiting_since: datetime | None
    """When the job was submitted that is next. None when no job is ready."""
    miners: int
    """Miners that take jobs now and offer the model."""


class RatePoint(Model):
    """What happened each second, from the point before until a time."""

    time: datetime
    submitted: float
    completed: float
    failed: float
    cancelled: float
    tokens: float


class Overview(Model):
    """The state of the network at a glance."""

    stats: NetworkStats
    miners: MinerStates
    queues: list[ModelQueue]
    """The models with most waiting jobs first, at most 50."""
    time_to_first_token_ms: FirstToken | None
    rates: list[RatePoint]
    """The last five minutes, oldest first."""
    transactions: list[Transaction]
    """The newest ones, newest first."""
    blocks: list[Block]
    """The newest ones, newest first."""


class PublicModel(Model):
    """A model that live miners offer."""

    model: str
    miners: int
    loaded: int
    """How many of the miners have it in memory."""
    slots: int
    """How many jobs the miners run at once."""
    context_length: int | None
    """The largest context at any miner, in tokens."""
    time_to_first_token_ms: float | None
    first_token: FirstToken | None
    tokens_per_second: float | None
    passports: list[ModelPassport]
    """What the miners have signed about the model, most miners first."""
    price_unit: Literal["gpu_second", "token"] | str
    price: float
    """Credits per GPU second, or per 1,000 tokens."""


class ActivityPoint(Model):
    """What happened from a time on, until the next one of its series begins."""

    time: datetime
    receipts: int
    credits: float


class ExplorerStats(NetworkStats):
    """Network statistics, and series for charts, oldest first."""

    hourly: list[ActivityPoint]
    daily: list[ActivityPoint]


class SearchResult(Model):
    """Something that goes by the text that was searched for."""

    kind: str
    id: str
    path: str
