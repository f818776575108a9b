"""API keys, invitations, usage and the audit log."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from .base import JsonObject, Model


class Spent(Model):
    """Credits that ended jobs have cost."""

    total: float
    day: float
    month: float


class Budget(Model):
    """The spend limits of a key, and what has been used of them. None where a limit does not apply."""

    total: float | None
    day: float | None
    month: float | None
    spent: Spent
    reserved: float
    """Credits that unfinished jobs may still cost."""


class ApiKey(Model):
    """An API key, without its secret."""

    id: str
    name: str | None
    scopes: list[str]
    tier: str | None
    max_priority: int | None
    """None for administrators, who have no limit."""
    allowed_models: list[str] | None
    """None allows all models."""
    budget: Budget | None
    account: str
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    old_secret_valid_until: datetime | None


class ApiKeyWithSecret(ApiKey):
    """A key with its secret, which no other answer shows."""

    key: str


class Invitation(Model):
    """An invitation, without its token."""

    id: str
    name: str | None
    scopes: list[str]
    tier: str | None
    max_priority: int
    allowed_models: list[str] | None
    budget: JsonObject | None
    key_valid_seconds: int | None
    uses: int
    used: int
    created_at: datetime
    created_by: str | None
    expires_at: datetime
    revoked_at: datetime | None


class InvitationWithToken(Invitation):
    """An invitation with its token, which no other answer shows."""

    token: str


class UsageRow(Model):
    """Sums of usage, with the fields that they are summed up by."""

    day: date | None = None
    account: str | None = None
    key_id: str | None = None
    model: str | None = None
    jobs: int
    failed: int
    cancelled: int
    tokens_in: int
    tokens_out: int
    credits: float


class EarningsRow(Model):
    """Sums of earnings, with the fields that they are summed up by."""

    day: date | None = None
    account: str | None = None
    miner_id: str | None = None
    model: str | None = None
    jobs: int
    tokens_in: int
    tokens_out: int
    credits: float


class AuditEntry(Model):
    """An administrative action."""

    id: int
    at: datetime
    action: str
    target: str
    source: str
    key_id: str | None
    account: str | None
    origin: str | None
    request_id: str | None
    details: JsonObject


class OperatorProblem(Model):
    """Something that an operator should look at."""

    kind: str
    severity: str
    subject: str | None
    since: datetime | None
    detail: str
    advice: str


class ConfiguredOption(Model):
    """An option of a coordinator as it runs."""

    name: str
    flag: str
    variable: str
    about: str
    unit: str | None
    value: Any
    """As JSON. Secrets are replaced by ``***``."""
    is_default: bool
