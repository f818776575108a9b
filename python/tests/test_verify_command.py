"""``aitbc-py verify``, with receipts of a real coordinator and with those of the vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import ROOT

from aitbc import CoordinatorClient, cli, verify

VECTORS = json.loads((ROOT / "packages/receipts/test/vectors/receipts.json").read_text())
STRANGER = verify.Signer.from_seed(bytes([3]) * 32).key_id


@pytest.fixture
def receipt(client: CoordinatorClient, echo: None, tmp_path: Path) -> Path:
    """A receipt with its place in the ledger, in a file, and beside it its proof."""
    job = client.jobs.submit(prompt="Hello!", model="llama3.2", wait=20)
    receipt_id = client.jobs.wait(job.job_id).receipt_id or ""
    (tmp_path / "receipt.tlog-proof").write_text(client.receipts.wait_for_proof(receipt_id))
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(client.receipts.get(receipt_id).to_dict()))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = cli.main(["verify", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_with_the_coordinators_key(
    receipt: Path, client: CoordinatorClient, capsys: pytest.CaptureFixture[str]
) -> None:
    (key,) = client.signing_keys.list()
    code, out, _ = run(capsys, receipt, "--key", key.key_id)
    assert code == 0
    assert f"✓  key          {key.key_id} is trusted\n" in out
    assert "·  inclusion    not checked" in out
    code, out, err = run(capsys, receipt, "--key", STRANGER)
    assert (code, err) == (1, f"aitbc-py: {receipt} is not valid\n")
    assert f"✗  key          {key.key_id} is not among the trusted keys (1)\n" in out


def test_a_key_may_begin_with_a_dash(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signers = (verify.Signer.from_seed(number.to_bytes(32, "big")) for number in range(1_000))
    key = next(signer.key_id for signer in signers if signer.key_id.startswith("-"))
    code, out, _ = run(capsys, receipt, "--key", key)
    assert (code, "is not among the trusted keys (1)" in out) == (1, True)


def test_without_a_key_it_says_whose_key_it_took(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, receipt)
    assert code == 0
    assert "is the receipt's own, and nobody vouches for it\n" in out
    assert err.startswith("No key was given: each was checked with the key that it names itself.")


def test_with_the_coordinator(receipt: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    bare = receipt.with_name("bare.json")
    bare.write_text(json.dumps({**json.loads(receipt.read_text()), "inclusion": None}))
    code, out, _ = run(capsys, receipt, bare, "--coordinator", url)
    assert (code, out.count("✓  inclusion    it is entry")) == (0, 2)


def test_with_the_ledgers_key_alone(
    receipt: Path, client: CoordinatorClient, capsys: pytest.CaptureFixture[str]
) -> None:
    vkey = client.ledger.vkey()
    policy = receipt.with_name("trusted.policy")
    policy.write_text(f"log {vkey}\nquorum none\n")
    for source in (receipt, receipt.with_suffix(".tlog-proof")):
        for trust in (["--vkey", vkey], ["--policy", str(policy)]):
            code, out, _ = run(capsys, source, *trust)
            assert code == 0
            assert "that the ledger has it vouches for that" in out
    witness = str(verify.VerifierKey("witness.example", "cosignature/v1", STRANGER))
    code, out, _ = run(capsys, receipt, "--vkey", vkey, "--witness", witness)
    assert (code, "No witness signed" in out) == (1, True)


def test_what_was_changed_is_not_valid(receipt: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    whole = json.loads(receipt.read_text())
    receipt.write_text(json.dumps({**whole, "price": whole["price"] + 1}))
    code, out, _ = run(capsys, receipt, "--coordinator", url, "--json")
    told = json.loads(out)
    assert (code, told["valid"]) == (1, False)
    failed = [check["name"] for check in told["checks"] if check["ok"] is False]
    assert failed == ["signature", "arithmetic", "inclusion"]


def test_files_that_hold_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "receipt.json"
    for content in ["", "{", "[]", '{"signature":"x"}', '{"a":1,"a":2}', "c2sp.org/tlog-proof@v1\n", "\udcff"]:
        path.write_text(content, errors="surrogateescape")
        assert run(capsys, path)[0] == 1
    assert run(capsys, tmp_path / "missing.json")[0] == 2
    assert run(capsys, path, "--key", "short")[0] == 2
    assert run(capsys, path, "--witness", "w")[0] == 2


def test_the_vectors_say_the_same_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, expected in (("valid", 0), ("invalid", 1)):
        for vector in VECTORS[kind]:
            path = tmp_path / "receipt.json"
            path.write_text(json.dumps(vector["receipt"]))
            assert run(capsys, path, "--key", VECTORS["keys"][0])[0] == expected, vector["name"]


def test_the_help_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["verify", "--help"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 0
    assert "You say whom you trust" in capsys.readouterr().out
