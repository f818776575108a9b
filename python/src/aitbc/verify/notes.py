"""Signed notes and the keys that verify them (C2SP signed-note and tlog-cosignature)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..errors import AitbcError
from .canonical import MAX_SAFE
from .ed25519 import decode_key, encode_key, is_public_key, verify_ed25519

TlogErrorCode: TypeAlias = Literal[
    "MALFORMED",
    "UNSUPPORTED_KEY",
    "UNSIGNED",
    "BAD_SIGNATURE",
    "WRONG_ORIGIN",
    "TOO_FEW_COSIGNATURES",
    "NOT_INCLUDED",
]

SignatureType: TypeAlias = Literal["Ed25519", "cosignature/v1"]
TYPE_BYTES: dict[SignatureType, int] = {"Ed25519": 1, "cosignature/v1": 4}
_TYPES: dict[int, SignatureType] = {1: "Ed25519", 4: "cosignature/v1"}
MAX_SIGNATURES = 100
"""Go's reader stops at as many."""


class TlogError(AitbcError):
    """A note, a checkpoint, a policy or a proof that can't be read, or does not hold.

    - ``MALFORMED``: text or bytes are not of the format, or not its one spelling
    - ``UNSUPPORTED_KEY``: a well-formed verifier key of a type that is not known here
    - ``UNSIGNED``: no known key has signed, or not the log's
    - ``BAD_SIGNATURE``: a signature names a known key and does not verify with it
    - ``WRONG_ORIGIN``: the checkpoint is another log's
    - ``TOO_FEW_COSIGNATURES``: fewer cosigners than the policy demands
    - ``NOT_INCLUDED``: the inclusion proof does not lead from the leaf to the root
    """

    def __init__(self, code: TlogErrorCode, message: str) -> None:
        self.code: TlogErrorCode = code
        super().__init__(message)


def malformed(message: str) -> TlogError:
    return TlogError("MALFORMED", message)


def quoted(text: str) -> str:
    return json.dumps(text[:80], ensure_ascii=False)


def read_text(source: str | bytes) -> str:
    """Text without control characters other than newlines, as all the text formats here demand."""
    try:
        text = source if isinstance(source, str) else source.decode()
        text.encode()
    except UnicodeError as error:
        raise malformed("It is not UTF-8") from error
    if re.search(r"[\x00-\x09\x0b-\x1f]", text):
        raise malformed("Control characters other than newlines are not allowed")
    return text


def read_base64(text: str) -> bytes:
    """Standard base64 with padding, of which the unused bits are zero."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise malformed(f"{quoted(text)} is not base64") from error
    if base64.b64encode(data).decode() != text:
        raise malformed(f"{quoted(text)} is not base64")
    return data


def read_hash(text: str) -> bytes:
    data = read_base64(text)
    if len(data) != 32:
        raise malformed(f"{quoted(text)} has {len(data)} bytes instead of 32")
    return data


def read_decimal(text: str) -> int:
    """A decimal without leading zeros, up to 2^53 - 1."""
    if not re.fullmatch("0|[1-9][0-9]{0,15}", text) or int(text) > MAX_SAFE:
        raise malformed(f"{quoted(text)} is no decimal from 0 to 2^53 - 1 without leading zeros")
    return int(text)


def check_key_name(name: str) -> None:
    """Names of keys have characters, but neither spaces nor ``+``."""
    if name == "" or "+" in read_text(name) or any(letter.isspace() for letter in name):
        raise malformed(f"{quoted(name)} can't be a key's name: it needs characters, but neither spaces nor +")


@dataclass(frozen=True)
class VerifierKey:
    """A key that signatures of notes can be verified with."""

    name: str
    """Whose key it is; for a log its origin, by custom."""
    type: SignatureType
    public_key: str
    """32 raw bytes in unpadded base64url."""

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if not is_public_key(self.public_key):
            raise malformed(f"{quoted(self.public_key)} is no Ed25519 public key")

    @property
    def _material(self) -> bytes:
        return bytes([TYPE_BYTES[self.type]]) + (decode_key(self.public_key) or b"")

    @property
    def key_hash(self) -> str:
        """What C2SP calls the key ID: 8 small hex digits."""
        return hashlib.sha256(self.name.encode() + b"\n" + self._material).hexdigest()[:8]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_hash}+{base64.b64encode(self._material).decode()}"


def parse_vkey(text: str) -> VerifierKey:
    """Reads a verifier key: name, key ID and key with ``+`` between them.

    Raises:
        TlogError: MALFORMED, also where the key ID is not that of name and key; UNSUPPORTED_KEY for other types
    """
    match = re.fullmatch(r"([^+]+)\+([0-9a-f]{8})\+(.+)", read_text(text))
    if match is None:
        raise malformed(f"{quoted(text)} is no verifier key: name+hash+key")
    name, key_hash, encoded = match.groups()
    data = read_base64(encoded)
    kind = _TYPES.get(data[0])
    if kind is None:
        raise TlogError("UNSUPPORTED_KEY", f"Keys of type {data[0]} are not supported")
    if len(data) != 33:
        raise malformed("An Ed25519 public key has 32 bytes")
    key = VerifierKey(name, kind, encode_key(data[1:]))
    if key.key_hash != key_hash:
        raise malformed(f"The key ID is {key.key_hash}, not {key_hash}")
    return key


@dataclass(frozen=True)
class NoteSignature:
    """One signature of a note. Nothing is said of whether it verifies."""

    name: str
    key_hash: str
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A signed note."""

    text: str
    """What is signed. Ends in a newline."""
    signatures: list[NoteSignature]


def parse_note(source: str | bytes) -> Note:
    """Reads a note, and verifies nothing: :func:`open_note` does both.

    Raises:
        TlogError: MALFORMED
    """
    text = read_text(source)
    end = text.rfind("\n\n")
    if end < 0:
        raise malformed("There is no blank line before the signatures")
    *lines, last = text[end + 2 :].split("\n")
    if last != "":
        raise malformed("The last line does not end in a newline")
    if not lines:
        raise malformed("There is no signature")
    if len(lines) > MAX_SIGNATURES:
        raise malformed(f"There are more than {MAX_SIGNATURES} signatures")
    return Note(text[: end + 1], [_signature_line(line) for line in lines])


def _signature_line(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "\u2014":
        raise malformed(f"{quoted(line)} is no signature line")
    check_key_name(parts[1])
    data = read_base64(parts[2])
    if len(data) <= 4:
        raise malformed("A signature has a key ID and at least one byte")
    return NoteSignature(parts[1], data[:4].hex(), data[4:])


@dataclass(frozen=True)
class VerifiedSignature:
    """A signature that was verified."""

    key: VerifierKey
    time: int | None = None
    """Unix seconds; only of cosignature/v1."""


@dataclass(frozen=True)
class OpenNote:
    """A note of which signatures were verified."""

    text: str
    signatures: list[VerifiedSignature]
    """Those of known keys: at least one, and all of them good."""

    def is_signed_by(self, signer: VerifierKey) -> bool:
        return any(
            each.key.public_key == signer.public_key and each.key.type == signer.type for each in self.signatures
        )


def open_note(source: str | bytes, keys: Sequence[VerifierKey]) -> OpenNote:
    """Reads a note and verifies every signature of a known key. Those of others are passed over.

    Raises:
        TlogError: MALFORMED; BAD_SIGNATURE when one signature of a known key does not verify, however many others
            do; UNSIGNED when there is none of a known key
    """
    note = parse_note(source)
    verified: list[VerifiedSignature] = []
    for signature in note.signatures:
        known = (key for key in keys if (key.name, key.key_hash) == (signature.name, signature.key_hash))
        key = next(known, None)
        if key is not None:
            verified.append(_verified(note.text, signature.signature, key))
    if not verified:
        raise TlogError("UNSIGNED", "No known key has signed")
    return OpenNote(note.text, verified)


def _verified(text: str, signature: bytes, key: VerifierKey) -> VerifiedSignature:
    if key.type == "Ed25519":
        if verify_ed25519(text.encode(), signature, key.public_key):
            return VerifiedSignature(key)
    else:
        time = int.from_bytes(signature[:8], "big")
        message = f"cosignature/v1\ntime {time}\n{text}".encode()
        if time <= MAX_SAFE and verify_ed25519(message, signature[8:], key.public_key):
            return VerifiedSignature(key, time)
    raise TlogError("BAD_SIGNATURE", f"The signature of {key.name} ({key.key_hash}) does not verify")
