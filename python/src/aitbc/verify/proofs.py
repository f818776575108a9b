"""Proofs that an entry is in a log, and that a log only grew (RFC 9162, C2SP tlog-proof)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .canonical import canonical_json, parse_canonical_json
from .notes import TlogError, malformed, parse_note, quoted, read_base64, read_decimal, read_hash, read_text
from .policies import Checkpoint, Policy, open_checkpoint, parse_checkpoint
from .statements import entry_of

HEADER = "c2sp.org/tlog-proof@v1"


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256 of a byte 0 and the entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of a byte 1 and its children's hashes."""
    return hashlib.sha256(b"\1" + left + right).digest()


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """The root of the tree over leaf hashes; the SHA-256 of nothing where there is none."""
    tree = CompactTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


class CompactTree:
    """A tree that grows, of which only the roots of its complete subtrees are kept."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Adds a leaf hash."""
        self._roots.append(leaf)
        self.size += 1
        number = self.size
        while number % 2 == 0:
            right, left = self._roots.pop(), self._roots.pop()
            self._roots.append(node_hash(left, right))
            number //= 2

    def root(self) -> bytes:
        """The root over all of them."""
        if not self._roots:
            return hashlib.sha256(b"").digest()
        *rest, root = self._roots
        for left in reversed(rest):
            root = node_hash(left, root)
        return root


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(each) == 32 for each in hashes)


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf is where it is said to be (RFC 9162 section 2.1.3.2).

    Args:
        index: place of the leaf, counted from 0
        size: number of leaves of the tree
        leaf: hash of the leaf, 32 bytes
        proof: hashes of 32 bytes, the leaf's sibling first
        root: of the tree, from a checkpoint that is trusted
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    fn, sn, found = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return False
        if fn % 2 == 1 or fn == sn:
            found = node_hash(sibling, found)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            found = node_hash(found, sibling)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and found == root


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of ``new`` leaves begins with that of ``old`` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *proof):
        return False
    if old == 0 and old_root != hashlib.sha256(b"").digest():
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    fn, sn = old - 1, new - 1
    while fn % 2 == 1:
        fn, sn = fn // 2, sn // 2
    older = newer = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn % 2 == 1 or fn == sn:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            newer = node_hash(newer, sibling)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and older == old_root and newer == new_root


@dataclass(frozen=True)
class TlogProof:
    """A proof that an entry is in a log, to be verified offline."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    """The signed note that it leads to."""
    extra: bytes | None = None
    """The entry, in those that coordinators give out. Nobody vouches for it but the proof itself."""


def parse_tlog_proof(source: str | bytes) -> TlogProof:
    """Reads a ``.tlog-proof`` file, and verifies nothing.

    Raises:
        TlogError: MALFORMED
    """
    head, blank, checkpoint = read_text(source).partition("\n\n")
    if not blank:
        raise malformed("There is no blank line")
    header, *fields = head.split("\n")
    if header != HEADER:
        raise malformed(f"The first line is not {HEADER}")
    extra: bytes | None = None
    if fields and fields[0].startswith("extra "):
        extra = read_base64(fields.pop(0)[6:])
        if not extra:
            raise malformed("Extra data that is empty is left out")
    if not fields or not fields[0].startswith("index "):
        raise malformed(f"Expected a line «index …», found {quoted(fields[0] if fields else '')}")
    index = read_decimal(fields[0][6:])
    hashes = tuple(read_hash(line) for line in fields[1:])
    parse_checkpoint(parse_note(checkpoint).text)
    return TlogProof(index, hashes, checkpoint, extra)


def inclusion_proof_of(published: Mapping[str, Any]) -> TlogProof:
    """The proof in the ``inclusion`` of a published receipt or grant.

    Raises:
        TlogError: MALFORMED where it can't be read, or one part of it contradicts another
    """
    try:
        inclusion = published["inclusion"]
        proof = inclusion["inclusionProof"]
        envelope, index = str(proof["checkpoint"]["envelope"]), inclusion["logIndex"]
        hashes, root = [_decoded(each) for each in proof["hashes"]], _decoded(proof["rootHash"])
        body, size = _decoded(inclusion["canonicalizedBody"]), proof["treeSize"]
        other_index = proof["logIndex"]
    except (KeyError, TypeError, ValueError) as error:
        raise malformed("inclusion is not in its form") from error
    checkpoint = parse_checkpoint(parse_note(envelope).text)
    claims = {
        "logIndex": index == other_index,
        "treeSize": size == str(checkpoint.size),
        "rootHash": root == checkpoint.root,
        "canonicalizedBody": body == canonical_json(entry_of(published)),
    }
    for name, holds in claims.items():
        if not holds:
            raise malformed(f"the {name} of inclusion is another one than the rest of it says")
    if not isinstance(index, str) or not re.fullmatch("0|[1-9][0-9]{0,15}", index):
        raise malformed("the logIndex of inclusion is no index")
    return TlogProof(int(index), tuple(hashes), envelope)


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("it is not base64") from error


def verify_proof(proof: TlogProof, entry: bytes, policy: Policy) -> Checkpoint:
    """Verifies that an entry is in a log, on the word of those whom the policy names.

    Returns:
        the checkpoint that it was proved with

    Raises:
        TlogError: as :func:`open_checkpoint`; NOT_INCLUDED when the proof does not lead from the entry to the root
    """
    return verify_leaf(proof, leaf_hash(entry), policy)


def verify_leaf(proof: TlogProof, leaf: bytes, policy: Policy) -> Checkpoint:
    """The same for the hash of an entry."""
    checkpoint = open_checkpoint(proof.checkpoint, policy)
    size, root = checkpoint.size, checkpoint.root
    if not verify_inclusion(index=proof.index, size=size, leaf=leaf, proof=proof.hashes, root=root):
        raise TlogError("NOT_INCLUDED", f"The entry is not the one with index {proof.index} of {size}")
    return checkpoint


def statement_in(proof: TlogProof) -> dict[str, Any]:
    """The receipt, or another statement, that a ``.tlog-proof`` file has with it.

    Raises:
        TlogError: MALFORMED where there is none
    """
    if proof.extra is None:
        raise malformed("There is no receipt in the proof")
    try:
        statement: dict[str, Any] = parse_canonical_json(proof.extra)
    except ValueError as error:
        raise malformed(f"What is in the proof is no receipt: {error}") from error
    return statement
