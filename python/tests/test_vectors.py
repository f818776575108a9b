"""The test vectors of the TypeScript packages: one set of files for both languages."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from conftest import ROOT

from aitbc import verify
from aitbc.verify import Policy, Signer, TlogError, VerifierKey
from aitbc.verify.arithmetic import miscalculations


def vectors(path: str) -> dict[str, Any]:
    package, name = path.split("/")
    loaded: dict[str, Any] = json.loads((ROOT / f"packages/{package}/test/vectors/{name}.json").read_text())
    return loaded


def named(value: object) -> str | None:
    return value.get("name") if isinstance(value, dict) else None


def each(path: str, member: str) -> pytest.MarkDecorator:
    found = vectors(path)[member]
    assert found
    return pytest.mark.parametrize("vector", found, ids=named)


RECEIPTS, GRANTS, LEDGER = vectors("receipts/receipts"), vectors("receipts/grants"), vectors("tlog/ledger")
PAYOUTS = vectors("receipts/payouts")
VERIFICATIONS = vectors("receipts/verifications")


@each("receipts/canonical-json", "numbers")
def test_a_double_is_spelled(vector: dict[str, Any]) -> None:
    (double,) = struct.unpack(">d", bytes.fromhex(vector["ieee754"]))
    assert verify.canonical_json(double).decode() == vector["canonical"]


@each("receipts/canonical-json", "values")
def test_canonical_json(vector: dict[str, Any]) -> None:
    assert verify.canonical_json(verify.parse_strict_json(vector["json"])).decode() == vector["canonical"]
    assert verify.parse_canonical_json(vector["canonical"]) == verify.parse_strict_json(vector["json"])


@each("receipts/canonical-json", "not_canonical")
def test_json_that_is_not_canonical(vector: dict[str, Any]) -> None:
    verify.parse_strict_json(vector["json"])
    with pytest.raises(ValueError, match="not canonical"):
        verify.parse_canonical_json(vector["json"])


@each("receipts/canonical-json", "refused")
def test_what_is_not_i_json(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        verify.parse_strict_json(vector["json"])


def test_addresses() -> None:
    addresses = vectors("receipts/addresses")
    for vector in addresses["public_keys"]:
        key_id = Signer.from_seed(bytes.fromhex(vector["seed"])).key_id
        assert (key_id, verify.address_from_public_key(key_id)) == (vector["key_id"], vector["address"])
    for vector in addresses["labels"]:
        assert verify.address_from_label(vector["label"]) == vector["address"]
        assert verify.is_address(vector["address"])
    assert not [vector["name"] for vector in addresses["invalid"] if verify.is_address(vector["address"])]
    keys = addresses["invalid_public_keys"]
    assert not [vector["name"] for vector in keys if verify.is_public_key(vector["key_id"])]


def test_hashes_and_attestations() -> None:
    for vector in vectors("receipts/hashes")["hashes"]:
        assert verify.text_hash(vector["salt"], vector["text"]) == vector["hash"]
    attestations = vectors("receipts/attestations")
    (genuine,) = attestations["attestations"]
    signer = Signer.from_seed(bytes.fromhex(genuine["seed"]))
    statement = genuine["statement"]
    assert verify.attestation_bytes(statement).decode() == genuine["signed"]
    assert signer.signature(verify.attestation_bytes(statement)) == genuine["signature"]
    invalid = attestations["invalid"]
    assert not [each["name"] for each in invalid if verify.verify_attestation(statement, each["signature"])]


@each("receipts/receipts", "valid")
def test_a_receipt_is_valid(vector: dict[str, Any]) -> None:
    receipt = vector["receipt"]
    assert verify.verify_receipt(receipt, RECEIPTS["keys"]).failed == []
    assert verify.signed_bytes(receipt).decode() == vector["signed"]
    unsigned = {name: value for name, value in receipt.items() if name != "signature"}
    again = verify.sign_statement(unsigned, Signer.from_seed(bytes.fromhex(RECEIPTS["seed"])))
    assert again["signature"] == receipt["signature"]
    assert verify.canonical_json(again).decode() == vector["entry"]
    assert verify.verify_entry(vector["entry"]).kind == "receipt"


@each("receipts/receipts", "invalid")
def test_a_receipt_is_not_valid(vector: dict[str, Any]) -> None:
    found = verify.verify_receipt(vector["receipt"], RECEIPTS["keys"])
    assert (found.valid, found.failed) == (False, vector["failed"])


@each("receipts/payouts", "valid")
def test_a_payout_or_an_update_of_one_is_valid(vector: dict[str, Any]) -> None:
    statement = vector["statement"]
    assert verify.verify_statement(statement, PAYOUTS["keys"]).failed == []
    assert verify.signed_bytes(statement).decode() == vector["signed"]
    unsigned = {name: value for name, value in statement.items() if name != "signature"}
    assert verify.sign_statement(unsigned, Signer.from_seed(bytes.fromhex(PAYOUTS["seed"]))) == statement
    assert verify.verify_entry(vector["entry"].encode(), PAYOUTS["keys"]).statement == statement


@each("receipts/payouts", "invalid")
def test_a_payout_or_an_update_of_one_is_not_valid(vector: dict[str, Any]) -> None:
    assert verify.verify_statement(vector["statement"], PAYOUTS["keys"]).failed == vector["failed"]


@each("receipts/payouts", "answers")
def test_a_provider_signs_what_it_answers_to_a_payout(vector: dict[str, Any]) -> None:
    answer = vector["answer"]
    assert verify.payout_answer_bytes(answer, answer["status"], answer["reason"]).decode() == vector["signed"]
    signer = Signer.from_seed(bytes.fromhex(PAYOUTS["provider"]))
    assert verify.sign_payout_answer(answer, signer, answer["status"], answer["reason"]) == vector["signature"]


@each("receipts/verifications", "valid")
def test_a_verification_is_valid(vector: dict[str, Any]) -> None:
    statement = vector["statement"]
    assert verify.verify_verification(statement, VERIFICATIONS["keys"]).failed == []
    assert verify.signed_bytes(statement).decode() == vector["signed"]
    found = verify.verify_entry(vector["entry"].encode(), VERIFICATIONS["keys"])
    assert (found.kind, found.statement) == ("verification", statement)


@each("receipts/verifications", "invalid")
def test_a_verification_is_not_valid(vector: dict[str, Any]) -> None:
    assert verify.verify_statement(vector["statement"], VERIFICATIONS["keys"]).failed == vector["failed"]


@each("receipts/grants", "valid")
def test_a_grant_is_valid(vector: dict[str, Any]) -> None:
    assert verify.verify_grant(vector["grant"], GRANTS["keys"]).failed == []
    assert verify.signed_bytes(vector["grant"]).decode() == vector["signed"]
    assert verify.verify_entry(vector["entry"].encode(), GRANTS["keys"]).statement == vector["grant"]


@each("receipts/grants", "invalid")
def test_a_grant_is_not_valid(vector: dict[str, Any]) -> None:
    assert verify.verify_grant(vector["grant"], GRANTS["keys"]).failed == vector["failed"]


@each("receipts/prices", "prices")
def test_the_rule_of_prices(vector: dict[str, Any]) -> None:
    assert (miscalculations(vector["receipt"]) == []) == vector["adds_up"]


def test_the_ledger() -> None:
    entries = [each["entry"].encode() for each in LEDGER["entries"]]
    leaves = [verify.leaf_hash(entry) for entry in entries]
    assert [leaf.hex() for leaf in leaves] == [each["leaf"] for each in LEDGER["entries"]]
    roots = [base64.b64decode(root) for root in LEDGER["roots"]]
    assert [verify.merkle_root(leaves[:size]) for size in range(4)] == roots
    policy = Policy.of(LEDGER["log"]["vkey"], [LEDGER["cosigner"]["vkey"]])
    checkpoint = verify.open_checkpoint(LEDGER["checkpoint"], policy)
    assert (checkpoint.size, checkpoint.root) == (3, roots[3])
    assert [signature.time for signature in checkpoint.signatures] == [None, LEDGER["time"]]
    proof = verify.parse_tlog_proof(LEDGER["tlog_proof"])
    assert verify.verify_proof(proof, entries[1], policy) == checkpoint
    with pytest.raises(TlogError) as caught:
        verify.verify_proof(proof, entries[2], policy)
    assert caught.value.code == "NOT_INCLUDED"
    for vector in LEDGER["consistency"]:
        old, new = vector["from"], vector["to"]
        hashes = [base64.b64decode(text) for text in vector["proof"]]
        sizes = {"old": old, "new": new, "old_root": roots[old], "new_root": roots[new]}
        assert verify.verify_consistency(**sizes, proof=hashes)
        assert not verify.verify_consistency(**sizes, proof=[*hashes, roots[0]])


@each("tlog/malformed", "vkeys")
def test_no_verifier_key(vector: dict[str, Any]) -> None:
    with pytest.raises(TlogError) as caught:
        verify.parse_vkey(vector["vkey"])
    assert caught.value.code == vector["code"]


@each("tlog/malformed", "notes")
def test_no_note(vector: dict[str, Any]) -> None:
    with pytest.raises(TlogError):
        verify.parse_note(vector["note"])


@each("tlog/malformed", "checkpoints")
def test_no_checkpoint(vector: dict[str, Any]) -> None:
    with pytest.raises(TlogError):
        verify.parse_checkpoint(vector["text"])


@each("tlog/malformed", "tlog_proofs")
def test_no_proof(vector: dict[str, Any]) -> None:
    with pytest.raises(TlogError):
        verify.parse_tlog_proof(vector["proof"])


@each("tlog/policies", "malformed")
def test_no_policy(vector: dict[str, Any]) -> None:
    with pytest.raises(TlogError) as caught:
        verify.parse_policy(vector["text"])
    assert caught.value.code == vector["code"]


@each("tlog/policies", "policies")
def test_a_policy(vector: dict[str, Any]) -> None:
    policy = verify.parse_policy(vector["text"])
    assert [str(log.key) for log in policy.logs] == [log["vkey"] for log in vector["logs"]]
    assert [(one.name, str(one.key), one.url) for one in policy.witnesses] == [
        (one["name"], one["vkey"], one.get("url")) for one in vector["witnesses"]
    ]
    groups = [{"name": one.name, "threshold": one.threshold, "members": list(one.members)} for one in policy.groups]
    assert (groups, policy.quorum) == (vector["groups"], vector["quorum"])

    def is_met(signed: list[str]) -> bool:
        keys: list[VerifierKey] = [one.key for one in policy.witnesses if one.name in signed]
        return policy.meets_quorum(lambda key: key in keys)

    assert [is_met(signed) for signed in vector["enough"]] == [True] * len(vector["enough"])
    assert [is_met(signed) for signed in vector["too_few"]] == [False] * len(vector["too_few"])
