"""``aitbc-py verify``: receipts, grants and proofs in files, on nobody else's word than the reader's."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ._json import is_list, is_object
from ._sync.client import CoordinatorClient
from .errors import NotFoundError, UsageError
from .verify import (
    Check,
    Policy,
    TlogError,
    TlogProof,
    canonical_json,
    entry_of,
    inclusion_proof_of,
    is_public_key,
    parse_policy,
    parse_strict_json,
    parse_tlog_proof,
    statement_in,
    verify_proof,
    verify_statement,
)

HELP = """\
You say whom you trust: the keys that sign receipts (--key, --keys), the ledger's (--vkey, with --witness for those
who must have cosigned), or whom a policy names (--policy). All is then checked offline. With --coordinator that one
is asked for its keys, and the check is worth as much as your trust in it. Without any of these a receipt is checked
with the key that it names itself, which shows that nobody has changed it since, but not who made it.

Exits with 0 when all are valid, with 1 when one is not, and with 2 when it was called wrongly.

examples:
  aitbc-py verify receipt.json --key XcXiyTYf6fXhKCmqMyePGB0UZjpBGa9lLJ_2RQnOSUo
  aitbc-py verify *.tlog-proof --vkey "$(cat ledger.vkey)"
  aitbc-py verify receipt.json --coordinator http://127.0.0.1:8000
"""


def add_verify(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "verify",
        help="check receipts, grants and proofs, offline",
        description="Checks receipts and grants: their form, signatures and arithmetic, and their place in the ledger.",
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON or .tlog-proof; - for the standard input")
    parser.add_argument("--key", action="append", help="a key of the coordinator that you trust; can be repeated")
    parser.add_argument("--keys", metavar="FILE", help="a saved answer of GET /v1/keys, whose keys you trust")
    parser.add_argument("--vkey", help="the ledger's verifier key, as you know it")
    parser.add_argument("--witness", action="append", metavar="VKEY", help="a witness that must have cosigned")
    parser.add_argument("--policy", metavar="FILE", help="a tlog-policy file: logs, witnesses and quorum")
    parser.add_argument("--proof", metavar="FILE", help="the .tlog-proof of a receipt that has none with it")
    parser.add_argument("--coordinator", metavar="URL", help="the coordinator to ask for its keys and for proofs")
    parser.add_argument("--json", action="store_true", help="print JSON, a line for each file")
    parser.set_defaults(run=verify_files)


@dataclass(frozen=True)
class Trust:
    """Whom to believe."""

    keys: list[Any] | None
    """None where nobody is named: the key that a statement names is taken then."""
    policy: Policy | None
    client: CoordinatorClient | None


def verify_files(options: argparse.Namespace) -> int:
    trust = _trust(options)
    proof = parse_tlog_proof(_read(options.proof)) if options.proof else None
    results = [_verify_file(name, trust, proof) for name in options.files]
    for name, checks in zip(options.files, results, strict=True):
        _print(name, checks, options)
    if trust.keys is None and trust.policy is None and not options.json:
        print(
            "No key was given: each was checked with the key that it names itself. Give the coordinator's with --key, "
            "or its address with --coordinator.",
            file=sys.stderr,
        )
    invalid = [name for name, checks in zip(options.files, results, strict=True) if _failed(checks)]
    for name in invalid:
        print(f"aitbc-py: {name} is not valid", file=sys.stderr)
    return 1 if invalid else 0


def _trust(options: argparse.Namespace) -> Trust:
    keys: list[Any] | None = list(options.key) if options.key else None
    for key in keys or []:
        if not is_public_key(key):
            raise UsageError(f"{key} is no public key: 43 characters, base64url without padding")
    if options.keys:
        told = parse_strict_json(_read(options.keys))
        entries = told.get("keys") if is_object(told) else told
        if not is_list(entries) or not all(is_object(entry) for entry in entries):
            raise UsageError(f"{options.keys} is not an answer of GET /v1/keys")
        keys = [*(keys or []), *entries]
    policy = _policy(options)
    if not options.coordinator:
        return Trust(keys, policy, None)
    client = CoordinatorClient(options.coordinator)
    if keys is None and policy is None:
        keys = list(client.signing_keys.list())
        policy = Policy.of(client.ledger.vkey())
    return Trust(keys, policy, client)


def _policy(options: argparse.Namespace) -> Policy | None:
    if options.policy:
        if options.witness:
            raise UsageError("--policy names the witnesses: leave out --witness")
        policy = parse_policy(_read(options.policy))
        if options.vkey:
            return replace(policy, logs=Policy.of(options.vkey).logs)
        if not policy.logs:
            raise UsageError(f"{options.policy} names no log: add --vkey")
        return policy
    if options.vkey:
        return Policy.of(options.vkey.strip(), options.witness or ())
    if options.witness:
        raise UsageError("--witness says nothing about the log itself: add --vkey")
    return None


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name} can't be read: {error.strerror}") from error


def _verify_file(name: str, trust: Trust, given: TlogProof | None) -> list[Check]:
    source = _read(name)
    try:
        statement, proof = _evidence(source, given)
    except (ValueError, TlogError) as error:
        return [Check("shape", False, str(error))]
    inclusion = _inclusion(statement, proof, trust)
    signature = statement.get("signature") if is_object(statement) else None
    named = str(signature.get("key_id")) if is_object(signature) else ""
    checks = verify_statement(statement, [named] if trust.keys is None else trust.keys).checks
    if trust.keys is None:
        own = _own_key(named, inclusion)
        checks = [own if check.name == "key" and check.ok else check for check in checks]
    return [*checks, inclusion]


def _evidence(source: bytes, given: TlogProof | None) -> tuple[Any, TlogProof | TlogError | None]:
    """A statement, and the proof that there is of it, or why that can't be read."""
    if source.startswith(b"c2sp.org/tlog-proof@"):
        proof = parse_tlog_proof(source)
        return statement_in(proof), proof
    statement = parse_strict_json(source)
    if given is not None or not is_object(statement) or statement.get("inclusion") is None:
        return statement, given
    try:
        return statement, inclusion_proof_of(statement)
    except TlogError as error:
        return statement, error


def _own_key(named: str, inclusion: Check) -> Check:
    if inclusion.ok:
        return Check("key", True, f"{named} is the receipt's own: that the ledger has it vouches for that")
    if inclusion.ok is None:
        return Check("key", None, f"{named} is the receipt's own, and nobody vouches for it")
    return Check("key", False, f"{named} is the receipt's own, and the ledger does not vouch for it")


def _inclusion(statement: Any, proof: TlogProof | TlogError | None, trust: Trust) -> Check:
    if trust.policy is None:
        return Check("inclusion", None, "not checked, as no key of the ledger is given: --vkey or --policy")
    if proof is None and trust.client is not None and is_object(statement):
        try:
            proof = _fetched(statement, trust.client)
        except NotFoundError as error:
            pending = "the ledger has not published it yet" if error.retry_after is not None else error.detail
            return Check("inclusion", False if error.retry_after is None else None, pending)
    if not isinstance(proof, TlogProof):
        return Check("inclusion", False, "there is no proof of it" if proof is None else str(proof))
    try:
        checkpoint = verify_proof(proof, canonical_json(entry_of(statement)), trust.policy)
    except (TlogError, ValueError) as error:
        return Check("inclusion", False, str(error))
    who = ", ".join(each.key.name for each in checkpoint.signatures[1:])
    cosigned = f", cosigned by {who}" if who else ""
    return Check("inclusion", True, f"it is entry {proof.index} of {checkpoint.size} in {checkpoint.origin}{cosigned}")


def _fetched(statement: dict[str, Any], client: CoordinatorClient) -> TlogProof:
    if isinstance(statement.get("grant_id"), str):
        return parse_tlog_proof(client.grants.proof(statement["grant_id"]))
    for name in ("update_id", "payout_id"):
        if isinstance(statement.get(name), str):
            return parse_tlog_proof(client.payouts.proof(statement[name]))
    return parse_tlog_proof(client.receipts.proof(str(statement.get("receipt_id"))))


def _failed(checks: Sequence[Check]) -> bool:
    return any(check.ok is False for check in checks)


def _print(name: str, checks: Sequence[Check], options: argparse.Namespace) -> None:
    if options.json:
        found = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
        print(json.dumps({"file": name, "valid": not _failed(checks), "checks": found}))
        return
    if len(options.files) > 1:
        print(f"{name}:")
    marks = {True: "✓", False: "✗", None: "·"}
    width = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{marks[check.ok]}  {check.name:<{width}}  {_printable(check.detail)}")


def _printable(text: str) -> str:
    """Without characters that move the cursor or turn the direction of text."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
