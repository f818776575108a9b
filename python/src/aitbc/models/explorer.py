"""What the coordinator shows to everyone."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from .base import JsonObject, Model
from .network import NetworkStats
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
