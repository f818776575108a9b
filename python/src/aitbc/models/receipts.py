"""Receipts and grants: what is signed, and where it stands in the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

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


class PublicKey(Model):
    """A key that the coordinator signs receipts with, or did."""

    key_id: str
    alg: str
    use: str
    coordinator_id: str
    created_at: datetime
    retired_at: datetime | None
