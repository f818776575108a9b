"""Ed25519 keys, their signatures and the addresses that belong to them."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

P = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, P - 1, _ORDER_8, P - _ORDER_8})
_D = -121665 * pow(121666, -1, P) % P


def encode_key(data: bytes) -> str:
    """Bytes in base64url without padding, as keys and signatures are written."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_key(text: Any) -> bytes | None:
    """The bytes of the one spelling that they have in unpadded base64url; None for anything else."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if encode_key(data) == text else None


def is_public_key(text: Any) -> bool:
    """Whether a text names a key that signatures can be trusted under.

    It is the canonical encoding of a point of the curve, and not one of the eight of small order, under which one
    signature fits every message.
    """
    data = decode_key(text)
    return data is not None and len(data) == 32 and _is_point(data)


def _y(data: bytes) -> int:
    return int.from_bytes(data, "little") & (2**255 - 1)


def _is_sound(data: bytes) -> bool:
    return _y(data) < P and _y(data) not in _SMALL_ORDER


@lru_cache(maxsize=256)
def _is_point(data: bytes) -> bool:
    if not _is_sound(data):
        return False
    y = _y(data)
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    return pow(square, (P - 1) // 2, P) == 1


def verify_ed25519(message: bytes, signature: bytes, key_id: str) -> bool:
    """Whether a signature of 64 bytes verifies; False for what is malformed.

    Where RFC 8032 leaves a choice: the equation without the cofactor, and neither the key nor R of small order.

    Args:
        key_id: the raw public key, 32 bytes, in unpadded base64url
    """
    key = decode_key(key_id)
    if key is None or len(signature) != 64 or not is_public_key(key_id) or not _is_sound(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Signer:
    """Makes Ed25519 signatures with one key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_id = encode_key(raw)
        """The raw public key, 32 bytes, in unpadded base64url."""

    @classmethod
    def generate(cls) -> Signer:
        """A signer with a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Signer:
        """The signer of the 32 bytes that RFC 8032 calls the private key."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: bytes) -> Signer:
        """The signer of a key as PKCS #8 in PEM.

        Raises:
            ValueError: where it holds something else
        """
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("it holds no Ed25519 key")
        return cls(key)

    def to_pem(self) -> bytes:
        """The private key as PKCS #8 in PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature over the bytes themselves, not prehashed."""
        return self._key.sign(message)

    def signature(self, message: bytes) -> dict[str, str]:
        """A signature as the protocol writes it."""
        return {"alg": "Ed25519", "key_id": self.key_id, "sig": encode_key(self.sign(message))}


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_PREFIX = [ord(letter) >> 5 for letter in "ait"] + [0] + [ord(letter) & 31 for letter in "ait"]
_BECH32M = 0x2BC830A3


def _checksum(words: list[int]) -> int:
    checksum = 1
    for word in words:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
            if top >> bit & 1:
                checksum ^= generator
    return checksum


def _address(data: bytes) -> str:
    number = int.from_bytes(hashlib.sha256(data).digest()[:20], "big")
    words = [number >> shift & 31 for shift in range(155, -1, -5)]
    rest = _checksum([*_PREFIX, *words, *[0] * 6]) ^ _BECH32M
    words += [rest >> shift & 31 for shift in range(25, -1, -5)]
    return "ait1" + "".join(_BECH32[word] for word in words)


def address_from_public_key(key_id: str) -> str:
    """The address that belongs to a key: bech32m (BIP-350) with the prefix ``ait``.

    Raises:
        ValueError: where ``key_id`` is not 32 bytes in unpadded base64url
    """
    data = decode_key(key_id)
    if data is None or len(data) != 32:
        raise ValueError("Not a public key: 32 bytes in unpadded base64url")
    return _address(data)


def address_from_label(label: str) -> str:
    """The address of somebody who has a name instead of a key."""
    return _address(f"aitbc:{label}".encode())


def is_address(text: Any) -> bool:
    """Whether a text is an address: ``ait1…`` in small letters, its checksum right."""
    if not isinstance(text, str) or not re.fullmatch(f"ait1[{_BECH32}]{{38}}", text):
        return False
    return _checksum([*_PREFIX, *(_BECH32.index(letter) for letter in text[4:])]) == _BECH32M
