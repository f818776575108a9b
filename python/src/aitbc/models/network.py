"""The coordinator, the network and the caller's account."""

from __future__ import annotations

from typing import Literal

from .base import JsonObject, Model


class Health(Model):
    """Whether the coordinator serves."""

    status: str
    version: str
    components: JsonObject | None = None


class NetworkStats(Model):
    """Counts of the whole network."""

    total_jobs: int
    pending_jobs: int
    running_jobs: int
    completed_jobs: int
    failed_jobs: int
    cancelled_jobs: int
    total_miners: int
    active_miners: int
    total_receipts: int
    block_height: int


class Account(Model):
    """What an account has, in credits."""

    address: str
    balance: float
    """Earned and granted, less what was owed. Below 0 where one owes."""
    reserved: float
    """What jobs that have not ended may yet cost, where one pays ahead."""
    available: float
    """Balance less reserved."""
    billing: Literal["postpaid", "prepaid"] | str
