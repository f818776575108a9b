"""What verifiers found of answers, and what is known of miners by that."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import Field

from .base import JsonObject, Model
from .receipts import Inclusion, Signature

Judgement: TypeAlias = Literal["consistent", "accused", "inconclusive"]
"""Whether an answer fits the model. ``inconclusive``: nothing can be said, which costs nothing."""


class VerificationAnswer(Model):
    """An answer that is read."""

    text: str
    finish_reason: str | None
    ended: bool
    """Whether the model ended the answer by itself."""


class VerificationTask(Model):
    """An answer to read. It says neither who gave it nor why it is verified."""

    verification_id: str
    model: str
    weights: str
    request: JsonObject
    """``prompt``, and what else the job asked for."""
    answer: VerificationAnswer
    parameters: dict[str, Any]
    """The sampling parameters that applied."""
    rendered_prompt_hash: str | None
    """Hex SHA-256 of the salt and the prompt as the miner's engine rendered it, where known."""
    salt: str
    chat_template: str | None
    """The digest of the chat template in the miner's passport, where known."""
    rules: list[str]
    lease_expires_at: datetime


class VerificationOutcome(Model):
    """What became of a verification. ``judgement`` is None while another verifier has to read the answer."""

    verification_id: str
    status: Literal["waiting", "leased", "ended"] | str
    judgement: Judgement | str | None


class VerificationStatement(Model):
    """A signed statement of what one verifier found. It has numbers, and no text."""

    type: Literal["verification"]
    version: str
    verification_id: str
    cause: str
    """Why the answer was verified."""
    about: str | None
    """The verification that this one confirms, or that was appealed against."""
    job_id: str
    receipt_id: str
    miner_id: str
    passport: str
    weights: str | None
    answered_at: int
    """Unix seconds."""
    verifier_id: str | None
    verifier: str | None
    """The address of the verifier's owner."""
    engine: str | None
    rule: str | None
    tokens: int
    sum: float
    """Of the rule over the tokens."""
    variance: float
    """Of the sum."""
    judgement: Judgement | str
    reason: str | None
    """Why it is inconclusive."""
    scores_hash: str | None
    """Hex SHA-256 of a salt and the canonical JSON of the numbers of all tokens."""
    counts: bool
    """Whether it counts for the miner's evidence."""
    clears: bool
    """Whether the miner's evidence begins anew."""
    draw: int | None
    """The size of the tree whose draw chose the receipt."""
    coordinator_id: str
    created_at: int
    """Unix seconds."""
    nonce: str
    metadata: dict[str, Any]
    signature: Signature


class PublishedVerification(Model):
    """A verification, and where it stands in the ledger."""

    statement: VerificationStatement
    inclusion: Inclusion | None
    """None until the ledger has published it."""


class TokenSpread(Model):
    """What a distribution says of one token, in nats."""

    logprob: float
    entropy: float
    variance: float


class NucleusSpread(Model):
    """What the distribution among the tokens that could be drawn says of one token, in nats."""

    logprob: float | None
    """None for a token that could not be drawn."""
    entropy: float
    variance: float


class ScoredToken(Model):
    """What a verifier's model says of one token of an answer."""

    full: TokenSpread
    nucleus: NucleusSpread | None
    """None where the sampler is not known."""
    below_best: float
    """How far the token is below the most likely one, in nats."""


class DisclosedScores(Model):
    """The numbers behind a verification, for those who may see them."""

    verification_id: str
    salt: str
    """Before the numbers in what ``scores_hash`` covers."""
    tokens: list[ScoredToken]


class MinerEvidence(Model):
    """What is known of the answers of one miner with one passport."""

    miner_id: str
    passport: str
    model: str
    judgement: Judgement | str
    e_value: float
    """How strongly the answers speak against the miner. It is accused beyond 1,000."""
    answers: int
    """Verified answers that count."""
    consistent: int
    accused: int
    """Answers that were accused alone."""
    inconclusive: int
    tokens: int
    accusations: int
    """How often the miner was accused by the test."""
    accused_at: datetime | None
    accused_by: str | None
    """The verification that completed the last accusation."""
    updated_at: datetime


class Draw(Model):
    """The draw over the receipts that are new in one published tree."""

    size: int
    """Of the tree."""
    from_: int = Field(alias="from")
    """The index of the first entry that is drawn from."""
    root: str
    """Of the tree, hex."""
    share: float
    """Of receipts that is drawn."""
    public_key: str
    proof: str | None
    """Of the verifiable random function, hex. None until the drawn answers are verified, or a day is over."""
    created_at: datetime
