"""Receipts, grants and payouts: what is signed, and where it stands in the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Base64Bytes

from .base import JsonObject, Model


class Signature(Model):
    """An Ed25519 signature: ``key_id`` is the raw public key, both in unpadded base64url."""

    alg: str
    key_id: str
    sig: str


class Receipt(Model):
    """A signed receipt. Keep the JSON as it came (``to_dict()``): its signature covers just that."""

    version: str
    receipt_id: str
    job_id: str
    provider: str
    """Address that earned the price."""
    client: str
    """Address that owes it."""
    units: float
    unit_type: str
    price: float
    """Credits."""
    model: str
    prompt_hash: str
    artifact_hash: str
    started_at: int
    """Unix seconds."""
    completed_at: int
    """Unix seconds."""
    duration_ms: int
    coordinator_id: str
    nonce: str
    metadata: dict[str, Any]
    signature: Signature


class Inclusion(Model):
    """Where a statement stands in the ledger, and the proof of it: a TransparencyLogEntry of Sigstore."""

    logIndex: str  # noqa: N815
    logId: JsonObject  # noqa: N815
    integratedTime: str  # noqa: N815
    inclusionProof: JsonObject  # noqa: N815
    canonicalizedBody: str  # noqa: N815


class ConsistencyProof(Model):
    """The proof that one tree of the ledger begins with another."""

    consistency: list[Base64Bytes]
    """Hashes of 32 bytes."""


class PublishedReceipt(Receipt):
    """A receipt, and where it stands in the ledger."""

    inclusion: Inclusion | None
    """None until the ledger has published it."""


class Grant(Model):
    """A signed grant of credits."""

    type: Literal["grant"]
    version: str
    grant_id: str
    to: str
    amount: float
    coordinator_id: str
    created_at: int
    """Unix seconds."""
    nonce: str
    metadata: dict[str, Any]
    signature: Signature


class PublishedGrant(Grant):
    """A grant, and where it stands in the ledger."""

    inclusion: Inclusion | None
    """None until the ledger has published it."""


class Payout(Model):
    """An operator's signed statement that it paid a provider for credits, outside of the network."""

    type: Literal["payout"]
    version: str
    payout_id: str
    to: str
    """The address whose credits were paid for."""
    amount: float
    """Credits."""
    method: str
    """By what means."""
    coordinator_id: str
    created_at: int
    """Unix seconds."""
    nonce: str
    metadata: dict[str, Any]
    """``reference``, by what to find the payment, if there is one."""
    signature: Signature


class PayoutUpdate(Model):
    """A signed statement about an earlier payout: by its provider, or by the operator who withdraws it."""

    type: Literal["payout_update"]
    version: str
    update_id: str
    payout_id: str
    to: str
    amount: float
    status: Literal["confirmed", "disputed", "withdrawn"] | str
    coordinator_id: str
    created_at: int
    """Unix seconds."""
    nonce: str
    metadata: dict[str, Any]
    """``reason``, and ``signatures`` with the provider's own signature, where there are such."""
    signature: Signature


class TrackedPayout(Model):
    """A payout with what was said about it since."""

    status: Literal["unanswered", "confirmed", "disputed", "withdrawn"] | str
    payout: Payout
    updates: list[PayoutUpdate]
    """Oldest first."""


class PublishedPayout(TrackedPayout):
    """A tracked payout, and where the payout stands in the ledger."""

    inclusion: Inclusion | None
    """None until the ledger has published it."""


class PublicKey(Model):
    """A key that the coordinator signs receipts with, or did."""

    key_id: str
    alg: str
    use: str
    coordinator_id: str
    created_at: datetime
    retired_at: datetime | None
