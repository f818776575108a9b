"""Whether the key of a statement is trusted, and was when it signed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeAlias

from .ed25519 import is_public_key
from .shapes import is_number

TrustedKey: TypeAlias = "str | Mapping[str, Any] | Any"
"""A key that may sign: 32 raw bytes in unpadded base64url, or an entry of ``GET /v1/keys``."""


@dataclass(frozen=True)
class Check:
    """What one check has found."""

    name: str
    ok: bool | None
    """None where it was not checked."""
    detail: str
    """What was found, for people. May quote what was checked, so a stranger's text."""


def key_check(key_id: Any, signed_at: Any, keys: Sequence[TrustedKey], event: str) -> Check:
    if not is_public_key(key_id):
        return Check("key", False, f"{quote(key_id)} is no public key")
    trusted = [entry for entry in map(_key_entry, keys) if entry.get("key_id") == key_id and _is_for_receipts(entry)]
    if not trusted:
        return Check("key", False, f"{key_id} is not among the trusted keys ({len(keys)})")
    ends = [_retired_ms(entry.get("retired_at")) for entry in trusted]
    if any(end is None or (is_number(signed_at) and signed_at * 1000 <= end) for end in ends):
        return Check("key", True, f"{key_id} is trusted")
    return Check("key", False, f"{key_id} was retired before {event}")


def _key_entry(key: TrustedKey) -> Mapping[str, Any]:
    if isinstance(key, str):
        return {"key_id": key}
    to_dict: Any = getattr(key, "to_dict", None)
    entry: Any = to_dict() if callable(to_dict) else key
    return dict(entry)


def _is_for_receipts(entry: Mapping[str, Any]) -> bool:
    return (entry.get("alg", "Ed25519"), entry.get("use", "receipts")) == ("Ed25519", "receipts")


def _retired_ms(retired_at: Any) -> float | None:
    """Milliseconds since the epoch. What is no time was long ago, so that nothing is trusted by mistake."""
    if retired_at is None:
        return None
    try:
        time = datetime.fromisoformat(str(retired_at).replace("Z", "+00:00"))
    except ValueError:
        return 0
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp() * 1000


def quote(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)[:80]
