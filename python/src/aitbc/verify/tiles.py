"""Tiles of a log (C2SP tlog-tiles): where they are, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..errors import LedgerError
from .proofs import node_hash

TILE_WIDTH = 256


def tile_width(level: int, index: int, size: int) -> int:
    """How many hashes a tile of a tree of ``size`` leaves has."""
    return min(TILE_WIDTH, (size >> 8 * level) - index * TILE_WIDTH)


def tile_path(level: int | str, index: int, width: int) -> str:
    """``tile/0/x001/x234/067.p/112``."""
    digits = f"{index % 1000:03}"
    while index >= 1000:
        index //= 1000
        digits = f"x{index % 1000:03}/{digits}"
    return f"tile/{level}/{digits}" + (f".p/{width}" if width < TILE_WIDTH else "")


def decode_tile(path: str, data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile; the first ones where there are more."""
    if len(data) % 32 or not width * 32 <= len(data) <= TILE_WIDTH * 32:
        raise LedgerError("TILE_INVALID", f"{path} has {len(data)} bytes, and not {width} hashes")
    return [data[at : at + 32] for at in range(0, width * 32, 32)]


def decode_bundle(path: str, data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle, each behind its length in two bytes; the first ones where there are more."""
    entries: list[bytes] = []
    at = 0
    while at < len(data) and len(entries) < TILE_WIDTH:
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        at += 2 + length
        if len(entry) < length or at > len(data):
            break
        entries.append(entry)
    if at != len(data) or len(entries) < width:
        raise LedgerError("ENTRIES_INVALID", f"{path} is no bundle of {width} entries")
    return entries[:width]


def join_nodes(parts: Sequence[tuple[int, Sequence[bytes]]]) -> bytes:
    """The root over hashes of several levels of tiles, those of the highest level being the leftmost."""
    nodes: list[tuple[int, bytes]] = []
    for level, hashes in sorted(parts, key=lambda part: -part[0]):
        for right in hashes:
            node = (8 * level, right)
            while nodes and nodes[-1][0] == node[0]:
                height, left = nodes.pop()
                node = (height + 1, node_hash(left, node[1]))
            nodes.append(node)
    if not nodes:
        return hashlib.sha256(b"").digest()
    root = nodes.pop()[1]
    while nodes:
        root = node_hash(nodes.pop()[1], root)
    return root
