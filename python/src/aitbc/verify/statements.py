"""Receipts, grants and the other statements of the ledger, verified without asking anybody."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._json import is_list, is_object
from .arithmetic import miscalculations, non_ascii_texts, unsafe_numbers
from .canonical import canonical_json, data_of, parse_canonical_json
from .ed25519 import Signer, address_from_public_key, decode_key, verify_ed25519
from .shapes import (
    grant_faults,
    opening_faults,
    payout_faults,
    payout_update_faults,
    receipt_faults,
    restore_faults,
    signature_faults,
    verification_faults,
)
from .trusted_keys import Check, TrustedKey, key_check, quote


@dataclass(frozen=True)
class Verification:
    """What was found of a statement."""

    valid: bool
    """All checks are ok."""
    checks: list[Check]

    @property
    def failed(self) -> list[str]:
        """Names of the checks that do not hold."""
        return [check.name for check in self.checks if check.ok is False]


@dataclass(frozen=True)
class EntryVerification(Verification):
    """What an entry of the ledger turns out to be."""

    kind: str | None
    """``receipt``, or the ``type`` that a statement gives itself; None for what is no statement."""
    statement: dict[str, Any] | None
    """None for one that is not valid, and for one of a kind that is not known here."""


def verify_receipt(receipt: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks a receipt as an auditor would, trusting nothing but the keys.

    What is checked, in this order: ``shape``, ``version``, ``numbers`` (at most 6 decimals, exact as doubles),
    ``strings`` (ASCII), ``algorithm``, ``key`` (one that is trusted, and was not retired before the job was
    completed), ``signature``, ``attestation`` (the signatures of miners) and ``arithmetic`` (time, units, price).

    Args:
        receipt: its JSON as text or bytes, as a dictionary, or a model that a client answered
        keys: the coordinator's, had from somebody trusted. Without one no receipt is valid.

    Returns:
        what was found. Never raises over a receipt, whatever it is.
    """
    value, faults = _read(receipt, receipt_faults)
    checks = _common_checks(value, faults, keys, what="receipt", time="completed_at", event="the job was completed")
    if faults:
        checks += [_not_checked("attestation", "receipt"), _not_checked("arithmetic", "receipt")]
    else:
        checks += [_attestation_check(value), _arithmetic_check(value)]
    return _verification(checks)


def verify_grant(grant: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks a grant of credits. Its checks mean what those of a receipt mean."""
    return _verify_flat(grant, keys, grant_faults, "grant")


def verify_payout(payout: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks an operator's statement that it paid a provider."""
    return _verify_flat(payout, keys, payout_faults, "payout")


def verify_payout_update(update: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks what was said about a payout. ``attestation``: the provider's signature verifies, if there is one."""
    what = "payout update"
    value, faults = _read(update, payout_update_faults)
    checks = _common_checks(value, faults, keys, what=what, time="created_at", event=f"the {what} was made")
    checks.append(_not_checked("attestation", what) if faults else _answer_check(value))
    return _verification(checks)


def verify_restore(restore: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks the statement that begins a ledger after a restore."""
    return _verify_flat(restore, keys, restore_faults, "restore")


def verify_opening(opening: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks an account's opening balance after a restore."""
    return _verify_flat(opening, keys, opening_faults, "opening")


def verify_verification(verification: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks what a verifier found of a miner's answer. Its numbers are not computed again."""
    return _verify_flat(verification, keys, verification_faults, "verification")


def _verify_flat(
    statement: Any, keys: Sequence[TrustedKey], faults_of: Callable[[Any], list[str]], what: str
) -> Verification:
    value, faults = _read(statement, faults_of)
    checks = _common_checks(value, faults, keys, what=what, time="created_at", event=f"the {what} was made")
    return _verification(checks)


_VERIFIERS: Mapping[str, Callable[[Any, Sequence[TrustedKey]], Verification]] = {
    "receipt": verify_receipt,
    "grant": verify_grant,
    "payout": verify_payout,
    "payout_update": verify_payout_update,
    "restore": verify_restore,
    "opening": verify_opening,
    "verification": verify_verification,
}


def verify_statement(statement: Any, keys: Sequence[TrustedKey]) -> Verification:
    """Checks a statement by what its ``type`` says that it is: a receipt where it says nothing."""
    try:
        value = data_of(statement)
    except (ValueError, TypeError):
        value = None
    return _VERIFIERS.get(_kind(value), verify_receipt)(value if value is not None else statement, keys)


def verify_entry(entry: bytes | str, keys: Sequence[TrustedKey] | None = None) -> EntryVerification:
    """Checks an entry of the ledger: a statement in its one spelling, with nothing beside what is signed, and valid.

    One of a kind that is not known here counts as valid, as coordinators may gain kinds.

    Args:
        keys: where they are None, the key that the statement names is taken for the coordinator's: for those who
            trust the ledger to take in nobody else's
    """
    data = entry.encode("utf-8", "surrogatepass") if isinstance(entry, str) else entry
    try:
        value = parse_canonical_json(data)
    except ValueError as error:
        return _invalid_entry(None, [Check("shape", False, str(error))])
    if not is_object(value):
        return _invalid_entry(None, [Check("shape", False, "it is not an object")])
    kind = _kind(value)
    if kind not in _VERIFIERS:
        unknown = Check("shape", True, "a kind of statement that is not known here")
        return EntryVerification(True, [unknown], kind[:64], None)
    own = str(_member(value.get("signature"), "key_id"))
    found = _VERIFIERS[kind](value, [own] if keys is None else keys)
    if not found.valid:
        return _invalid_entry(kind, found.checks)
    if canonical_json(entry_of(value)) != data:
        return _invalid_entry(kind, [Check("shape", False, "it has more in it than the signature covers")])
    return EntryVerification(True, found.checks, kind, value)


def _invalid_entry(kind: str | None, checks: list[Check]) -> EntryVerification:
    return EntryVerification(False, checks, kind, None)


def _kind(value: Any) -> str:
    kind = _member(value, "type")
    return kind if isinstance(kind, str) and kind else "receipt"


def signed_bytes(statement: Mapping[str, Any]) -> bytes:
    """The bytes that a statement's signature covers: canonical JSON of the rest.

    Without ``signature``, without the ``inclusion`` that coordinators show beside it and, of a receipt, without
    fields that are null.
    """
    return canonical_json({name: member for name, member in entry_of(statement).items() if name != "signature"})


def entry_of(statement: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger has of a statement; its entry is the canonical JSON of that."""
    is_receipt = _kind(statement) == "receipt"
    return {
        name: member
        for name, member in statement.items()
        if name != "inclusion" and not (is_receipt and member is None)
    }


def sign_statement(unsigned: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """A receipt or another statement with its signature."""
    return {**unsigned, "signature": signer.signature(signed_bytes(unsigned))}


def attestation_bytes(statement: Mapping[str, Any]) -> bytes:
    """What a miner signs of a job: canonical JSON of these four fields, as a receipt has them."""
    return canonical_json({name: statement[name] for name in ("job_id", "model", "prompt_hash", "artifact_hash")})


def verify_attestation(statement: Mapping[str, Any], signature: Mapping[str, Any]) -> bool:
    """Whether a miner's signature verifies with the key that it names. Whose key that is, is for the caller to know."""
    return signature.get("alg") == "Ed25519" and _is_signed(attestation_bytes(statement), signature)


def payout_answer_bytes(payout: Any, status: str, reason: str | None = None) -> bytes:
    """What a provider signs to confirm or to dispute a payout.

    Args:
        payout: the payout, or an update of it
        status: ``confirmed`` or ``disputed``
        reason: why it is disputed; None when it is confirmed
    """
    value = data_of(payout)
    answered = {name: value[name] for name in ("payout_id", "to", "amount", "coordinator_id")}
    return canonical_json({**answered, "status": status, "reason": reason})


def sign_payout_answer(payout: Any, signer: Signer, status: str, reason: str | None = None) -> dict[str, str]:
    """The provider's signature that ``client.payouts.confirm`` and ``dispute`` take.

    Its arguments are those of :func:`payout_answer_bytes`.
    """
    return signer.signature(payout_answer_bytes(payout, status, reason))


def text_hash(salt: str, text: str) -> str:
    """The commitment to a text: hex SHA-256 of the UTF-8 of salt and text, one after the other."""
    return hashlib.sha256((salt + text).encode()).hexdigest()


def verify_disclosure(
    receipt: Any, *, salt: str, prompt: str | None = None, result: str | None = None
) -> dict[str, bool | None]:
    """Which disclosed texts are those of the receipt; None for one that was not disclosed.

    Says nothing of the receipt itself: see :func:`verify_receipt`. Nothing matches under a salt that is not 32 small
    hex digits: else the end of the salt could be passed off as the beginning of the text.
    """
    value = data_of(receipt)

    def matches(text: str | None, name: str) -> bool | None:
        if text is None:
            return None
        try:
            found = text_hash(salt, text)
        except UnicodeEncodeError:
            return False
        return re.fullmatch("[0-9a-f]{32}", salt) is not None and found == _member(value, name)

    return {"prompt": matches(prompt, "prompt_hash"), "result": matches(result, "artifact_hash")}


def _read(source: Any, faults_of: Callable[[Any], list[str]]) -> tuple[Any, list[str]]:
    """Nothing but data, so that all checks see the same value, which is the one that was signed."""
    try:
        value = data_of(source)
    except (ValueError, TypeError, RecursionError) as error:
        return None, [str(error) or "it is not JSON"]
    if is_object(value):
        value = {name: member for name, member in value.items() if name != "inclusion"}
    return value, faults_of(value)


def _common_checks(
    value: Any, faults: list[str], keys: Sequence[TrustedKey], *, what: str, time: str, event: str
) -> list[Check]:
    article = "an" if what[0] in "aeiou" else "a"
    signature = _member(value, "signature")
    version, algorithm = _member(value, "version"), _member(signature, "alg")
    return [
        _listed("shape", faults, f"it has every field of {article} {what}, each of its kind", "; "),
        _version_check(version),
        _listed("numbers", unsafe_numbers(value), "at most 6 decimals", ", ", "more than 6 decimals or too large: "),
        _listed("strings", non_ascii_texts(value), "ASCII", ", ", "not ASCII: "),
        Check("algorithm", algorithm == "Ed25519", "Ed25519" if algorithm == "Ed25519" else quote(algorithm)),
        key_check(_member(signature, "key_id"), _member(value, time), keys, event),
        _not_checked("signature", what) if faults else _signature_check(value, what),
    ]


def _version_check(version: Any) -> Check:
    if version == "1.0":
        return Check("version", True, "format 1.0")
    return Check("version", False, f"format {quote(version)}, and only 1.0 is known here")


def _is_signed(message: bytes, signature: Mapping[str, Any]) -> bool:
    data = decode_key(signature.get("sig"))
    return data is not None and verify_ed25519(message, data, str(signature.get("key_id")))


def _signature_check(value: Mapping[str, Any], what: str) -> Check:
    fits = _is_signed(signed_bytes(value), value["signature"])
    return Check("signature", fits, f"it {'fits' if fits else 'does not fit'} the {what} and the key that it names")


def _attestation_check(receipt: Mapping[str, Any]) -> Check:
    metadata = receipt["metadata"]
    if "signatures" not in metadata:
        return Check("attestation", True, "no miner signed")
    signatures = metadata["signatures"]
    if not is_list(signatures):
        return Check("attestation", False, "metadata.signatures is not a list")
    details: list[str] = []
    for signature in signatures:
        if not is_object(signature) or signature_faults(signature):
            return Check("attestation", False, "metadata.signatures holds something else than signatures")
        key_id = signature["key_id"]
        if not verify_attestation(receipt, signature):
            return Check("attestation", False, f"{key_id} signed something else")
        is_provider = address_from_public_key(key_id) == receipt["provider"]
        details.append(f"signed by {key_id}, {'the provider' if is_provider else 'who is paid at another address'}")
    return Check("attestation", True, "; ".join(details) or "no miner signed")


def _answer_check(update: Mapping[str, Any]) -> Check:
    metadata, status = update["metadata"], update["status"]
    if "signatures" not in metadata:
        return Check("attestation", True, "no provider signed")
    signatures = metadata["signatures"]
    if not is_list(signatures):
        return Check("attestation", False, "metadata.signatures is not a list")
    if status == "withdrawn" and signatures:
        return Check("attestation", False, "a provider can not withdraw a payout")
    details: list[str] = []
    for signature in signatures:
        if not is_object(signature) or signature_faults(signature):
            return Check("attestation", False, "metadata.signatures holds something else than signatures")
        key_id = signature["key_id"]
        message = payout_answer_bytes(update, status, metadata.get("reason"))
        if signature["alg"] != "Ed25519" or not _is_signed(message, signature):
            return Check("attestation", False, f"{key_id} signed something else")
        is_own = address_from_public_key(key_id) == update["to"]
        details.append(f"signed by {key_id}, {'the provider' if is_own else 'which has another address'}")
    return Check("attestation", True, "; ".join(details) or "no provider signed")


def _arithmetic_check(receipt: Mapping[str, Any]) -> Check:
    if unsafe_numbers(receipt):
        return Check("arithmetic", True, "not checked, as some of its numbers are not exact")
    return _listed("arithmetic", miscalculations(receipt), "it adds up", "; ")


def _not_checked(name: str, what: str) -> Check:
    return Check(name, False, f"not checked, as it does not have the shape of a {what}")


def _listed(name: str, faults: list[str], otherwise: str, between: str, heading: str = "") -> Check:
    return Check(name, False, heading + between.join(faults)) if faults else Check(name, True, otherwise)


def _verification(checks: list[Check]) -> Verification:
    return Verification(all(check.ok for check in checks), checks)


def _member(value: Any, name: str) -> Any:
    return value.get(name) if is_object(value) else None
