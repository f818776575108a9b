"""What receipts and the other statements of the ledger look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from .._json import is_object
from .canonical import MAX_SAFE
from .ed25519 import decode_key, is_address

Rule: TypeAlias = tuple[str, Callable[[Any], bool]]
"""What a field must be, in words, and the test for it."""


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_amount(value: Any) -> bool:
    return is_number(value) and value >= 0


def is_whole(value: Any) -> bool:
    return is_amount(value) and value == int(value) and value <= MAX_SAFE


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _equals(expected: str) -> Rule:
    return f'"{expected}"', lambda value: value == expected and isinstance(value, str)


def _bytes(count: int) -> Rule:
    def test(value: Any) -> bool:
        data = decode_key(value)
        return data is not None and len(data) == count

    return f"{count} bytes in unpadded base64url", test


TEXT: Rule = ("a text that is not empty", is_text)
AMOUNT: Rule = ("a number of at least 0", is_amount)
WHOLE: Rule = ("a whole number of at least 0", is_whole)
HASH: Rule = ("64 small hex digits", _matches("[0-9a-f]{64}"))
ADDRESS: Rule = ("an address (ait1…)", is_address)
OBJECT: Rule = ("an object", is_object)
ROOT: Rule = ("32 bytes in base64", _matches("[A-Za-z0-9+/]{43}="))
BASE64: Rule = ("a text in base64", _matches("[A-Za-z0-9+/]+={0,2}"))

_RECEIPT_HASHES = ("passport", "parameters_hash", "rendered_prompt_hash")
"""Hashes that a receipt's metadata may have. Receipts of earlier versions have none."""


def _is_receipt_metadata(value: Any) -> bool:
    return is_object(value) and all(HASH[1](value[name]) for name in _RECEIPT_HASHES if name in value)


RECEIPT_METADATA: Rule = (
    f"an object whose {', '.join(_RECEIPT_HASHES)}, where there are, have 64 small hex digits",
    _is_receipt_metadata,
)

SIGNATURE: Mapping[str, Rule] = {"alg": TEXT, "key_id": _bytes(32), "sig": _bytes(64)}

RECEIPT: Mapping[str, Rule] = {
    "version": TEXT,
    "receipt_id": TEXT,
    "job_id": TEXT,
    "provider": ADDRESS,
    "client": ADDRESS,
    "units": AMOUNT,
    "unit_type": TEXT,
    "price": AMOUNT,
    "model": TEXT,
    "prompt_hash": HASH,
    "artifact_hash": HASH,
    "started_at": WHOLE,
    "completed_at": WHOLE,
    "duration_ms": WHOLE,
    "coordinator_id": TEXT,
    "nonce": TEXT,
    "metadata": RECEIPT_METADATA,
    "signature": OBJECT,
}

_SIGNED: Mapping[str, Rule] = {
    "coordinator_id": TEXT,
    "created_at": WHOLE,
    "nonce": TEXT,
    "metadata": OBJECT,
    "signature": OBJECT,
}


def _with_text(name: str) -> Rule:
    def test(value: Any) -> bool:
        return is_object(value) and isinstance(value.get(name, ""), str)

    return f"an object whose {name}, if there is one, is a text", test


POSITIVE: Rule = ("a number above 0", lambda value: is_number(value) and value > 0)

GRANT: Mapping[str, Rule] = {
    "type": _equals("grant"),
    "version": TEXT,
    "grant_id": TEXT,
    "to": ADDRESS,
    "amount": POSITIVE,
    **_SIGNED,
    "metadata": _with_text("reason"),
}

PAYOUT: Mapping[str, Rule] = {
    "type": _equals("payout"),
    "version": TEXT,
    "payout_id": TEXT,
    "to": ADDRESS,
    "amount": POSITIVE,
    "method": TEXT,
    **_SIGNED,
    "metadata": _with_text("reference"),
}

PAYOUT_UPDATE: Mapping[str, Rule] = {
    "type": _equals("payout_update"),
    "version": TEXT,
    "update_id": TEXT,
    "payout_id": TEXT,
    "to": ADDRESS,
    "amount": POSITIVE,
    "status": (
        '"confirmed", "disputed" or "withdrawn"',
        lambda value: isinstance(value, str) and value in ("confirmed", "disputed", "withdrawn"),
    ),
    **_SIGNED,
    "metadata": _with_text("reason"),
}


def _or_null(rule: Rule) -> Rule:
    words, test = rule
    return f"{words}, or null", lambda value: value is None or test(value)


FLAG: Rule = ("true or false", lambda value: isinstance(value, bool))

VERIFICATION: Mapping[str, Rule] = {
    "type": _equals("verification"),
    "version": TEXT,
    "verification_id": TEXT,
    "cause": TEXT,
    "about": _or_null(TEXT),
    "job_id": TEXT,
    "receipt_id": TEXT,
    "miner_id": TEXT,
    "passport": HASH,
    "weights": _or_null(TEXT),
    "answered_at": WHOLE,
    "verifier_id": _or_null(TEXT),
    "verifier": _or_null(ADDRESS),
    "engine": _or_null(TEXT),
    "rule": _or_null(TEXT),
    "tokens": WHOLE,
    "sum": ("a number", is_number),
    "variance": AMOUNT,
    "judgement": (
        '"consistent" or "accused" or "inconclusive"',
        lambda value: isinstance(value, str) and value in ("consistent", "accused", "inconclusive"),
    ),
    "reason": _or_null(TEXT),
    "scores_hash": _or_null(HASH),
    "counts": FLAG,
    "clears": FLAG,
    "draw": _or_null(WHOLE),
    **_SIGNED,
}

RESTORE: Mapping[str, Rule] = {
    "type": _equals("restore"),
    "version": TEXT,
    "restore_id": TEXT,
    "ledger": TEXT,
    "previous": OBJECT,
    "accounts": WHOLE,
    "balance_sum": ("a decimal with 6 decimals", _matches(r"-?(0|[1-9]\d*)\.\d{6}")),
    "balances_hash": HASH,
    **_SIGNED,
}

OLD_TREE: Mapping[str, Rule] = {"origin": TEXT, "tree_size": WHOLE, "root_hash": ROOT, "checkpoint": BASE64}

OPENING: Mapping[str, Rule] = {
    "type": _equals("opening"),
    "version": TEXT,
    "opening_id": TEXT,
    "restore_id": TEXT,
    "account": ADDRESS,
    "balance": ("a number", is_number),
    **_SIGNED,
}


def _member_faults(value: Mapping[str, Any], rules: Mapping[str, Rule], prefix: str = "") -> list[str]:
    faults: list[str] = []
    for name, (words, test) in rules.items():
        if name not in value:
            faults.append(f"{prefix}{name} is missing")
        elif not test(value[name]):
            faults.append(f"{prefix}{name} is not {words}")
    return faults


def signature_faults(value: Any, prefix: str = "") -> list[str]:
    """What keeps an object from being a signature. Its own members it does not cover, so no other is let in."""
    if not is_object(value):
        return []
    strangers = [f"{prefix}{name} does not belong there" for name in value if name not in SIGNATURE]
    return _member_faults(value, SIGNATURE, prefix) + strangers


def receipt_faults(value: Any) -> list[str]:
    """What keeps a value from being a receipt, in words. Fields beside those of a receipt are fine."""
    if not is_object(value):
        return ["it is not an object"]
    if "type" in value:
        # Or one entry of the ledger could be read as either.
        return ['it says in "type" that it is something else']
    return _member_faults(value, RECEIPT) + signature_faults(value.get("signature"), "signature.")


def _flat_faults(value: Any, rules: Mapping[str, Rule]) -> list[str]:
    if not is_object(value):
        return ["it is not an object"]
    return _member_faults(value, rules) + signature_faults(value.get("signature"), "signature.")


def grant_faults(value: Any) -> list[str]:
    """The same for a grant."""
    return _flat_faults(value, GRANT)


def payout_faults(value: Any) -> list[str]:
    """The same for a payout."""
    return _flat_faults(value, PAYOUT)


def payout_update_faults(value: Any) -> list[str]:
    """The same for an update of a payout."""
    return _flat_faults(value, PAYOUT_UPDATE)


def verification_faults(value: Any) -> list[str]:
    """The same for what a verifier found of an answer."""
    return _flat_faults(value, VERIFICATION)


def opening_faults(value: Any) -> list[str]:
    """The same for an account's opening balance after a restore."""
    return _flat_faults(value, OPENING)


def restore_faults(value: Any) -> list[str]:
    """The same for the statement that begins a ledger after a restore."""
    faults = _flat_faults(value, RESTORE)
    if not is_object(value):
        return faults
    previous = value.get("previous")
    if is_object(previous):
        rules = {name: rule for name, rule in OLD_TREE.items() if name != "checkpoint" or name in previous}
        faults += _member_faults(previous, rules, "previous.")
    if "newest" in value:
        newest = value["newest"]
        is_there = is_object(newest)
        faults += _member_faults(newest, OLD_TREE, "newest.") if is_there else ["newest is not an object"]
    return faults
