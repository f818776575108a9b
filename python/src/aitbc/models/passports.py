"""What miners sign about their models."""

from __future__ import annotations

from typing import Literal, TypeAlias

from typing_extensions import NotRequired, TypedDict

from .base import Model
from .receipts import Signature

PassportSource: TypeAlias = Literal["hashed", "engine", "claimed"]
"""Computed by the agent from the model's file, told by the engine, or stated by the owner."""


class PassportText(Model):
    """A text of a passport, and how it is known."""

    value: str
    source: PassportSource | str


class PassportNumber(Model):
    """A whole number of a passport, and how it is known."""

    value: int
    source: PassportSource | str


class Sampler(Model):
    """The settings of sampling. None is not known."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    """0 takes all tokens."""
    min_p: float | None = None
    repeat_penalty: float | None = None
    """1 is no penalty."""
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class PassportSampler(Model):
    """The defaults of sampling in a passport, and how they are known."""

    value: Sampler
    source: PassportSource | str


class Passport(Model):
    """What a miner signed about a model. Nobody has proven it."""

    digest: str
    """Hex SHA-256 of the canonical JSON of the passport without its signature."""
    weights: PassportText | None = None
    """``sha256:…`` of the file, or ``hf:OWNER/NAME@COMMIT``."""
    quantization: PassportText | None = None
    tokenizer: PassportText | None = None
    chat_template: PassportText | None = None
    engine: PassportText | None = None
    build: PassportText | None = None
    context_length: PassportNumber | None = None
    kv_cache_type: PassportText | None = None
    sampler: PassportSampler | None = None
    signature: Signature


class ModelPassport(Model):
    """A passport of a model, and how many live miners have it. Without a digest: those that have none."""

    digest: str | None
    miners: int
    weights: str | None
    quantization: str | None


class EffectiveParameters(Sampler):
    """The parameters that applied to an answer. None is not known."""

    seed: int | None = None
    max_tokens: int | None = None


class PassportClaim(TypedDict):
    """What the owner of a Python miner states about a model. Digests are ``sha256:`` with 64 hex digits."""

    weights: NotRequired[str]
    quantization: NotRequired[str]
    tokenizer: NotRequired[str]
    chat_template: NotRequired[str]
    engine: NotRequired[str]
    build: NotRequired[str]
    context_length: NotRequired[int]
    kv_cache_type: NotRequired[str]
    sampler: NotRequired[dict[str, float]]
