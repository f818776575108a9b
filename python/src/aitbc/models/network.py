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


class EarningsTotals(Model):
    """What an account has earned, and what it was paid for that outside of the network, in credits."""

    earned: float
    """The prices of all receipts that name the account as provider."""
    paid: float
    """All payouts to it that were not withdrawn."""
    confirmed: float
    """The payouts that it confirmed."""
    disputed: float
    """The payouts that it disputes."""
    open: float
    """Earned less paid."""
    payable: float
    """The most that a payout can be: what the account has not spent or reserved of it."""


class Account(Model):
    """What an account has, in credits."""

    address: str
    balance: float
    """Earned and granted, less what was spent and paid out. Below 0 for an account in debt."""
    reserved: float
    """What jobs that have not ended may yet cost, where one pays ahead."""
    available: float
    """Balance less reserved."""
    billing: Literal["postpaid", "prepaid"] | str
    earnings: EarningsTotals
