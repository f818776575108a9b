"""What a Python miner states about its models, and the sampling that follows from it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from ..models import PassportClaim
from ..verify import canonical_json
from .identity import Identity

SAMPLER = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "presence_penalty", "frequency_penalty")
"""The settings of sampling that a passport may have."""
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 100),
    "top_p": (0, 1),
    "top_k": (0, 100_000_000),
    "min_p": (0, 1),
    "repeat_penalty": (0, 100),
    "presence_penalty": (-100, 100),
    "frequency_penalty": (-100, 100),
    "seed": (1 - 2**53, 2**53 - 1),
    "max_tokens": (1, 100_000_000),
}
_WHOLE = ("top_k", "seed", "max_tokens")


def statement_of(claim: PassportClaim) -> dict[str, Any]:
    """A passport without its signature: each value is claimed.

    Raises:
        ValueError: for a member that no passport has
    """
    if unknown := set(claim) - set(PassportClaim.__annotations__):
        raise ValueError(f"{', '.join(sorted(unknown))}: not in a passport")
    if unknown := set(claim.get("sampler", {})) - set(SAMPLER):
        raise ValueError(f"{', '.join(sorted(unknown))}: not in the sampler of a passport")
    return {name: {"value": value, "source": "claimed"} for name, value in claim.items()}


def signed_passport(statement: Mapping[str, Any], model: str, identity: Identity) -> dict[str, Any]:
    """The passport of a model as it is registered."""
    signed = {"type": "passport", "version": "1", "miner_id": identity.miner_id, "model": model}
    signature = identity.signer.signature(canonical_json({**signed, "passport": dict(statement)}))
    return {**statement, "signature": signature}


def seed_of(job_id: str, attempt: int) -> int:
    """The seed of an attempt whose job has none: the first 31 bits of SHA-256(``JOB:ATTEMPT``)."""
    return int.from_bytes(hashlib.sha256(f"{job_id}:{attempt}".encode()).digest()[:4], "big") >> 1


def pin_parameters(
    params: Mapping[str, Any], sampler: Mapping[str, float], job_id: str, attempt: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters with those that the job left out, and those that a completion states."""
    pinned = {**params}
    if "repetition_penalty" in params:
        sampler = {name: value for name, value in sampler.items() if name != "repeat_penalty"}
    for name, value in {**sampler, "seed": seed_of(job_id, attempt)}.items():
        if pinned.get(name) is None or (name == "seed" and pinned[name] == -1):
            pinned[name] = value
    told = {"repeat_penalty": pinned.get("repetition_penalty"), **pinned}
    return pinned, {name: told[name] for name in (*SAMPLER, "seed", "max_tokens") if _fits(name, told.get(name))}


def _fits(name: str, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    least, most = _BOUNDS[name]
    return least <= value <= most and (name not in _WHOLE or isinstance(value, int))
