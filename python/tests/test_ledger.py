"""Reading the ledger, believing nothing but its key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from conftest import COMMAND, Program

import aitbc
from aitbc import verify
from aitbc.verify.tiles import join_nodes


async def make_receipts(url: str) -> None:
    async with aitbc.AsyncCoordinatorClient(url) as client:
        await client.miners.register("m", capabilities=["m"], concurrency=256)
        await client.jobs.submit_batch([{"prompt": "?", "model": "m"}] * 300)
        while jobs := await client.miners.claim_jobs("m", max=256):
            receipts = await asyncio.gather(*(client.jobs.complete(job.job_id, "m", result="!") for job in jobs))
        for receipt in receipts:
            await client.receipts.wait_for_proof(receipt.receipt_id)


@pytest.fixture(scope="module")
def ledger_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A coordinator with 300 receipts: more than a tile."""
    data = tmp_path_factory.mktemp("ledger")
    serve = ["serve", "--port", "0", "--data", str(data), "--log-level", "error"]
    program = Program([*COMMAND, *serve], r"listens on (http://[^,\s]+)")
    asyncio.run(make_receipts(program.match[1]))
    yield program.match[1]
    program.stop()


@pytest.fixture
def reader(ledger_url: str) -> Iterator[aitbc.Ledger]:
    with aitbc.CoordinatorClient(ledger_url) as client:
        yield client.ledger.open(vkey=client.ledger.vkey())


def test_every_entry_is_proved(reader: aitbc.Ledger) -> None:
    checkpoint = reader.checkpoint()
    assert checkpoint.size == 300
    entries = list(reader.entries(checkpoint))
    assert [index for index, _ in entries] == list(range(300))
    assert verify.merkle_root(verify.leaf_hash(entry) for _, entry in entries) == checkpoint.root
    assert all(verify.verify_entry(entry).valid for _, entry in entries[::50])
    assert list(reader.entries(checkpoint, 250, 260)) == entries[250:260]
    with pytest.raises(ValueError, match="none from 299 up to 301"):
        list(reader.entries(checkpoint, 299, 301))


def test_growth_is_proved(reader: aitbc.Ledger) -> None:
    new = reader.checkpoint()
    leaves = [verify.leaf_hash(entry) for _, entry in reader.entries(new)]
    for size in (0, 1, 255, 256, 257, 299, 300):
        old = replace(new, size=size, root=verify.merkle_root(leaves[:size]))
        reader.verify_growth(old, new)
        forked = replace(old, root=b"\1" * 32)
        with pytest.raises(aitbc.LedgerError) as caught:
            reader.verify_growth(forked, new)
        assert caught.value.code == "FORKED"
    with pytest.raises(aitbc.LedgerError) as caught:
        reader.verify_growth(replace(new, size=301), new)
    assert caught.value.code == "ROLLED_BACK"


def test_the_coordinator_proves_growth_too(ledger_url: str, reader: aitbc.Ledger) -> None:
    new = reader.checkpoint()
    leaves = [verify.leaf_hash(entry) for _, entry in reader.entries(new)]
    with aitbc.CoordinatorClient(ledger_url) as client:
        for old in (1, 200, 300):
            proof = client.ledger.consistency(old, 300)
            roots = {"old_root": verify.merkle_root(leaves[:old]), "new_root": new.root}
            assert verify.verify_consistency(old=old, new=300, proof=proof, **roots)
            assert not verify.verify_consistency(old=old, new=300, proof=[*proof, new.root], **roots)
        with pytest.raises(aitbc.NotFoundError) as caught:
            client.ledger.consistency(1, 301)
    assert caught.value.error_code == "BLOCK_NOT_FOUND"


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        ("/ledger/checkpoint", "CHECKPOINT_INVALID"),
        ("/ledger/tile/0/000", "TILE_INVALID"),
        ("/ledger/tile/0/001.p/44", "TILE_INVALID"),
        ("/ledger/tile/1/000.p/1", "TILE_INVALID"),
        ("/ledger/tile/entries/000", "ENTRIES_INVALID"),
        ("/ledger/tile/entries/001.p/44", "ENTRIES_INVALID"),
    ],
)
def test_what_is_not_as_it_was_signed_is_an_error(spoiled: str, code: str, ledger_url: str) -> None:
    through = httpx.Client(base_url=ledger_url)
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told = through.get(request.url.path)
        content = told.content
        if request.url.path == spoiled:
            seen.append(spoiled)
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        return httpx.Response(told.status_code, content=content)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = aitbc.CoordinatorClient(ledger_url, http_client=http)
    ledger = client.ledger.open(vkey=client.ledger.vkey())
    with pytest.raises(aitbc.LedgerError) as caught:
        list(ledger.entries(ledger.checkpoint()))
    through.close()
    assert (caught.value.code, seen) == (code, [spoiled])


def test_a_tree_is_joined_of_tiles() -> None:
    leaves = [bytes([number % 256]) * 32 for number in range(600)]
    tiles = [verify.merkle_root(leaves[:256]), verify.merkle_root(leaves[256:512])]
    assert join_nodes([(0, leaves[512:]), (1, tiles)]) == verify.merkle_root(leaves)
    assert join_nodes([]) == verify.merkle_root([])


def test_somebody_must_be_believed(ledger_url: str, tmp_path: Path) -> None:
    with aitbc.CoordinatorClient(ledger_url) as client:
        with pytest.raises(ValueError, match="Give vkey or policy"):
            client.ledger.open()
        stranger = verify.VerifierKey("elsewhere", "Ed25519", verify.Signer.generate().key_id)
        with pytest.raises(aitbc.LedgerError, match="No known key"):
            client.ledger.open(policy=verify.Policy.of(stranger)).checkpoint()
