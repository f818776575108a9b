"""Verifies receipts by docs/auditor.md, "Verify by hand", and by nothing else: needs rfc8785 and cryptography.

    by_hand.py KEY... < RECEIPTS   names, for each line of JSON, the checks that do not hold
    by_hand.py --prices FILE       names the vectors of prices that this program judges otherwise than they say
"""

import base64
import datetime
import json
import re
import sys

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHECKS = ["shape", "version", "numbers", "strings", "algorithm", "key", "signature", "attestation", "arithmetic"]
MAX_SAFE = 2**53 - 1
MAX_DEPTH = 500
MISSING = object()


# What is read


class NotAReceipt(Exception):
    pass


def unique_members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotAReceipt("a name stands twice")
    return members


def refuse_constant(name):
    raise NotAReceipt(f"{name} is not JSON")


def read(text):
    try:
        value = json.loads(text, object_pairs_hook=unique_members, parse_constant=refuse_constant)
        check_value(value)
    except (ValueError, RecursionError) as error:
        raise NotAReceipt(str(error)) from error
    if isinstance(value, dict):
        value.pop("inclusion", None)
    return value


def check_value(value, depth=0):
    if isinstance(value, str):
        value.encode()  # Refuses lone surrogates.
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if abs(value) > sys.float_info.max:
            raise NotAReceipt("a number beyond a double")
    elif isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise NotAReceipt("nested too deep")
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str):
                name.encode()
            check_value(member, depth + 1)


def canonical(value):
    """RFC 8785 knows doubles only: an integer of JSON that is beyond 2^53 is one, too."""
    return rfc8785.dumps(as_doubles(value))


def as_doubles(value):
    if isinstance(value, dict):
        return {name: as_doubles(member) for name, member in value.items()}
    if isinstance(value, list):
        return [as_doubles(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_SAFE:
        return float(value)
    return value


def spelled(number):
    return canonical(number).decode()


# Kinds


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_amount(value):
    return is_number(value) and value >= 0


def is_whole(value):
    return is_amount(value) and value == int(value) and value <= MAX_SAFE


def is_text(value):
    return isinstance(value, str) and value != ""


def is_hash(value):
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def is_object(value):
    return isinstance(value, dict)


def decoded(text):
    """The bytes of the one spelling that they have in base64url; None for anything else."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else None


def is_bytes(count):
    return lambda value: (data := decoded(value)) is not None and len(data) == count


BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def is_address(value):
    """BIP-350."""
    if not isinstance(value, str) or len(value) != 42 or not re.fullmatch(f"ait1[{BECH32}]+", value):
        return False
    words = [BECH32.index(letter) for letter in value[4:]]
    checksum = 1
    for word in [ord(letter) >> 5 for letter in "ait"] + [0] + [ord(letter) & 31 for letter in "ait"] + words:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
            if top >> bit & 1:
                checksum ^= generator
    return checksum == 0x2BC830A3


FIELDS = {
    **dict.fromkeys(["version", "receipt_id", "job_id", "unit_type", "model", "coordinator_id", "nonce"], is_text),
    **dict.fromkeys(["provider", "client"], is_address),
    **dict.fromkeys(["prompt_hash", "artifact_hash"], is_hash),
    **dict.fromkeys(["units", "price"], is_amount),
    **dict.fromkeys(["started_at", "completed_at", "duration_ms"], is_whole),
    **dict.fromkeys(["metadata", "signature"], is_object),
}
SIGNATURE = {"alg": is_text, "key_id": is_bytes(32), "sig": is_bytes(64)}


def has_kinds(value, kinds):
    return all(name in value and is_kind(value[name]) for name, is_kind in kinds.items())


def is_signature(value):
    return is_object(value) and set(value) == set(SIGNATURE) and has_kinds(value, SIGNATURE)


def has_shape(receipt):
    return (
        is_object(receipt)
        and "type" not in receipt
        and has_kinds(receipt, FIELDS)
        and is_signature(receipt["signature"])
    )


# Numbers and texts


def leaves(value):
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from leaves(member)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def is_exact(value):
    return re.fullmatch(r"-?\d+(\.\d{1,6})?", spelled(value)) is not None and abs(value) <= MAX_SAFE


# Ed25519

P = 2**255 - 19
ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {0, 1, P - 1, ORDER_8, P - ORDER_8}


def is_sound_point(data):
    y = int.from_bytes(data, "little") & (2**255 - 1)
    return y < P and y not in SMALL_ORDER


def is_public_key(text):
    """Canonical, not of small order, and a point of the curve."""
    data = decoded(text)
    if data is None or len(data) != 32 or not is_sound_point(data):
        return False
    y = int.from_bytes(data, "little") & (2**255 - 1)
    d = -121665 * pow(121666, -1, P)
    square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
    return pow(square, (P - 1) // 2, P) == 1


def is_signed(message, signature):
    key, sig = decoded(signature["key_id"]), decoded(signature["sig"])
    if not is_public_key(signature["key_id"]) or not is_sound_point(sig[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(sig, message)
        return True
    except (InvalidSignature, ValueError):
        return False


def signed_bytes(receipt):
    return canonical({name: value for name, value in receipt.items() if name != "signature" and value is not None})


def is_attested(receipt):
    signatures = receipt["metadata"].get("signatures", MISSING)
    if signatures is MISSING:
        return True
    statement = canonical({name: receipt[name] for name in ["job_id", "model", "prompt_hash", "artifact_hash"]})
    return isinstance(signatures, list) and all(
        is_signature(each) and each["alg"] == "Ed25519" and is_signed(statement, each) for each in signatures
    )


def is_trusted(key_id, completed_at, keys):
    if not is_public_key(key_id):
        return False
    for key in keys:
        entry = {"key_id": key} if isinstance(key, str) else key
        if entry["key_id"] != key_id:
            continue
        if entry.get("use", "receipts") != "receipts" or entry.get("alg", "Ed25519") != "Ed25519":
            continue
        retired_at = entry.get("retired_at")
        if retired_at is None:
            return True
        try:
            retired = datetime.datetime.fromisoformat(retired_at)
        except ValueError:
            continue
        if is_number(completed_at) and completed_at <= retired.timestamp():
            return True
    return False


# Time, units and price


def micro(number):
    whole, _, decimals = spelled(number).partition(".")
    return int(whole + decimals.ljust(6, "0"))


def adds_up(receipt):
    metadata, usage = receipt["metadata"], receipt["metadata"].get("usage")
    found = {}
    for source, names, is_kind in [
        (metadata, ["rate", "rate_per_1000", "max_price"], is_amount),
        (metadata, ["token_limit", "unbilled_ms"], is_whole),
        (usage if is_object(usage) else {}, ["prompt_tokens", "completion_tokens"], is_whole),
    ]:
        for name in names:
            value = source.get(name)
            if value is None:
                continue
            if not is_kind(value):
                return False
            found[name] = value

    duration = int(receipt["duration_ms"])
    span = int(max(receipt["completed_at"] - receipt["started_at"], 0)) * 1000
    if abs(duration + int(found.get("unbilled_ms", 0)) - span) >= 1000:
        return False

    units, is_by_tokens = micro(receipt["units"]), receipt["unit_type"] == "token"
    if receipt["unit_type"] == "gpu_second" and units != duration * 1000:
        return False
    if is_by_tokens:
        tokens = int(found.get("prompt_tokens", 0)) + int(found.get("completion_tokens", 0))
        if units != int(min(tokens, found.get("token_limit", tokens))) * 1000000:
            return False

    price = micro(receipt["price"])
    if units == 0 and price != 0:
        return False
    limit = micro(found["max_price"]) if "max_price" in found else None
    if is_by_tokens and "rate_per_1000" in found:
        full = (2 * units * micro(found["rate_per_1000"]) + 1000000000) // 2000000000
    elif "rate" in found:
        full = (2 * units * micro(found["rate"]) + 1000000) // 2000000
    else:
        return limit is None or price <= limit
    return price == (full if limit is None else min(full, limit))


def failed_checks(text, keys):
    try:
        receipt = read(text)
    except NotAReceipt:
        receipt = None
    fields = receipt if is_object(receipt) else {}
    signature = fields.get("signature") if is_object(fields.get("signature")) else {}
    shape = has_shape(receipt)
    numbers = all(is_exact(leaf) for leaf in leaves(receipt) if is_number(leaf))
    holds = {
        "shape": shape,
        "version": fields.get("version") == "1.0",
        "numbers": numbers,
        "strings": all(leaf.isascii() for leaf in leaves(receipt) if isinstance(leaf, str)),
        "algorithm": signature.get("alg") == "Ed25519",
        "key": is_trusted(signature.get("key_id"), fields.get("completed_at"), keys),
        "signature": shape and is_signed(signed_bytes(receipt), receipt["signature"]),
        "attestation": shape and is_attested(receipt),
        # Where a number is not exact there is no price to speak of.
        "arithmetic": shape and (not numbers or adds_up(receipt)),
    }
    return [name for name in CHECKS if not holds[name]]


def main(arguments):
    if arguments[0] == "--prices":
        with open(arguments[1], encoding="utf-8") as file:
            vectors = json.load(file)["prices"]
        wrong = [vector["name"] for vector in vectors if adds_up(vector["receipt"]) != vector["adds_up"]]
        print(json.dumps({"read": len(vectors), "wrong": wrong}))
        return
    for line in sys.stdin:
        print(json.dumps(failed_checks(line, arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
