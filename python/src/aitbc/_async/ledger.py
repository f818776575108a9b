"""The coordinator's public log of all receipts and grants, read so that nothing of it needs to be believed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import replace

from .._http import Call
from ..errors import CoordinatorError, LedgerError
from ..models import ConsistencyProof
from ..verify import Checkpoint, Policy, TlogError, leaf_hash, merkle_root, open_checkpoint
from ..verify.tiles import TILE_WIDTH, decode_bundle, decode_tile, join_nodes, tile_path, tile_width
from .requests import AsyncRequests, AsyncResource

NOTE_BYTES = 256 * 1024
ENTRY_BYTES = 2 + 65_535
TILES_KEPT = 64


class AsyncLedgerResource(AsyncResource):
    """The coordinator's own public log of all receipts and grants."""

    async def vkey(self) -> str:
        """The verifier key of the ledger, as the coordinator tells it: who trusts that needs no other proof."""
        return (await self._requests.text(Call("/ledger/vkey"))).strip()

    async def policy(self) -> str:
        """The policy that the coordinator suggests: its ledger's key, and the witnesses that it asks."""
        return await self._requests.text(Call("/ledger/policy"))

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of ``new`` entries begins with that of ``old``, for ``verify_consistency``.

        Returns:
            hashes of 32 bytes

        Raises:
            NotFoundError: BLOCK_NOT_FOUND where the ledger has not so many entries
        """
        call = Call("/ledger/consistency", query={"from": old, "to": new})
        return (await self._requests.model(ConsistencyProof, call)).consistency

    def open(self, *, vkey: str | None = None, policy: Policy | None = None) -> AsyncLedger:
        """A reader of the ledger, which trusts nobody but whom you name.

        Raises:
            ValueError: where nobody is named
            TlogError: for a ``vkey`` that is none
        """
        if policy is None:
            if vkey is None:
                raise ValueError("Whose signature is a checkpoint to have? Give vkey or policy")
            policy = Policy.of(vkey)
        return AsyncLedger(self._requests, policy)


class AsyncLedger:
    """Reads a ledger. Everything that it gives out has been proved to be in the tree that was signed.

    Its methods raise a LedgerError when the ledger serves something else than it has signed.
    """

    def __init__(self, requests: AsyncRequests, policy: Policy) -> None:
        self._requests = AsyncRequests(replace(requests.settings, api_key=None), requests.http)
        self._policy = policy

    async def checkpoint(self) -> Checkpoint:
        """The newest checkpoint, signed as the policy demands. Its ``note`` is what is worth keeping."""
        return self.open_checkpoint(await self._requests.text(Call("/ledger/checkpoint", max_bytes=NOTE_BYTES)))

    def open_checkpoint(self, note: str) -> Checkpoint:
        """A checkpoint that was kept, held to the policy as if it were new."""
        try:
            return open_checkpoint(note, self._policy)
        except TlogError as error:
            raise LedgerError("CHECKPOINT_INVALID", str(error)) from error

    async def entries(
        self, checkpoint: Checkpoint, start: int = 0, end: int | None = None
    ) -> AsyncIterator[tuple[int, bytes]]:
        """The entries of the tree in their order, each with its index, fetched as they are needed.

        Raises:
            ValueError: for a range that is not in the tree
        """
        last = checkpoint.size if end is None else end
        if not 0 <= start <= last <= checkpoint.size:
            raise ValueError(f"A tree of {checkpoint.size} entries has none from {start} up to {last}")
        tiles = AsyncTiles(self._requests, checkpoint)
        for bundle in range(start // TILE_WIDTH, -(-last // TILE_WIDTH)):
            first = bundle * TILE_WIDTH
            for position, entry in enumerate(await tiles.entries(bundle)):
                if start <= first + position < last:
                    yield first + position, entry

    async def verify_growth(self, old: Checkpoint, new: Checkpoint) -> None:
        """Proves that the tree of a new checkpoint begins with that of an old one.

        Raises:
            LedgerError: ROLLED_BACK when it has fewer entries than it had, FORKED when it begins with another tree
        """
        if old.size > new.size:
            raise LedgerError("ROLLED_BACK", f"The log has {new.size} entries, and had {old.size}")
        begun = new.root if old.size == new.size else await AsyncTiles(self._requests, new).root_at(old.size)
        if begun != old.root:
            message = f"The log of {new.size} entries does not begin with the {old.size} that it had"
            raise LedgerError("FORKED", message)


class AsyncTiles:
    """The tiles of a tree: each is held to the one above it, those of the right edge to the root."""

    def __init__(self, requests: AsyncRequests, checkpoint: Checkpoint) -> None:
        self._requests = requests
        self._size, self._root = checkpoint.size, checkpoint.root
        self._edge: dict[int, list[bytes]] | None = None
        self._kept: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    async def entries(self, bundle: int) -> list[bytes]:
        """A bundle of entries, held to the tile of their hashes."""
        width = tile_width(0, bundle, self._size)
        path = tile_path("entries", bundle, width)
        entries = decode_bundle(path, await self._fetch("entries", bundle, width, ENTRY_BYTES), width)
        if [leaf_hash(entry) for entry in entries] != await self.hashes(0, bundle):
            raise LedgerError("ENTRIES_INVALID", f"{path} has other entries than were signed")
        return entries

    async def hashes(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile."""
        width = tile_width(level, index, self._size)
        if width < TILE_WIDTH:
            return (await self._verified_edge())[level]
        if (level, index) not in self._kept:
            hashes = await self._read(level, index, width)
            above = await self.hashes(level + 1, index // TILE_WIDTH)
            if merkle_root(hashes) != above[index % TILE_WIDTH]:
                raise LedgerError("TILE_INVALID", f"{tile_path(level, index, width)} is another one than was signed")
            self._kept[level, index] = hashes
            while len(self._kept) > TILES_KEPT:
                self._kept.popitem(last=False)
        return self._kept[level, index]

    async def root_at(self, size: int) -> bytes:
        """The root of the tree of the first entries."""
        parts: list[tuple[int, list[bytes]]] = []
        level = 0
        while size >> 8 * level:
            width = (size >> 8 * level) % TILE_WIDTH
            if width:
                hashes = await self.hashes(level, size >> 8 * (level + 1))
                parts.append((level, hashes[:width]))
            level += 1
        return join_nodes(parts)

    async def _verified_edge(self) -> dict[int, list[bytes]]:
        if self._edge is None:
            edge: dict[int, list[bytes]] = {}
            level = 0
            while self._size >> 8 * level:
                width = (self._size >> 8 * level) % TILE_WIDTH
                if width:
                    edge[level] = await self._read(level, self._size >> 8 * (level + 1), width)
                level += 1
            if join_nodes(list(edge.items())) != self._root:
                raise LedgerError(
                    "TILE_INVALID", f"The tiles are not those of the {self._size} entries that were signed"
                )
            self._edge = edge
        return self._edge

    async def _read(self, level: int, index: int, width: int) -> list[bytes]:
        return decode_tile(tile_path(level, index, width), await self._fetch(level, index, width, 32), width)

    async def _fetch(self, level: int | str, index: int, width: int, bytes_each: int) -> bytes:
        path = tile_path(level, index, width)
        try:
            return await self._bytes(path, width * bytes_each)
        except CoordinatorError as error:
            if error.status not in (404, 410):
                raise
            missing = LedgerError("MISSING", f"{path} is not there, and the log must have it")
            if width == TILE_WIDTH:
                raise missing from error
        try:
            # A partial tile may be gone once the full one is there.
            return await self._bytes(tile_path(level, index, TILE_WIDTH), TILE_WIDTH * bytes_each)
        except CoordinatorError as error:
            raise missing from error

    async def _bytes(self, path: str, most: int) -> bytes:
        _, body = await self._requests.send(Call(f"/ledger/{path}", max_bytes=most))
        return body
