"""Canonical JSON (RFC 8785) of I-JSON (RFC 7493): what is signed, hashed and entered into the ledger."""

from __future__ import annotations

import json
import math
import sys
from typing import Any, NoReturn

import rfc8785

from .._json import is_list, is_mapping, is_object

MAX_SAFE = 2**53 - 1
MAX_DEPTH = 500


def canonical_json(value: Any) -> bytes:
    """The canonical JSON of a value, in UTF-8.

    Numbers are doubles here, as RFC 8785 has them: an integer beyond 2^53 is the nearest one.

    Raises:
        ValueError: for what is not JSON, such as a lone surrogate or NaN, and for more than 500 levels
    """
    return rfc8785.dumps(plain(value))


def plain(value: Any, depth: int = 0) -> Any:
    """A copy that is nothing but JSON.

    Raises:
        ValueError: for what is not JSON
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _well_formed(value)
    if isinstance(value, int):
        return value if abs(value) <= MAX_SAFE else _double(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not JSON")
        return value
    if not is_object(value) and not is_list(value):
        raise ValueError(f"a {type(value).__name__} is not JSON")
    if depth > MAX_DEPTH:
        raise ValueError(f"nesting beyond {MAX_DEPTH} levels is not JSON")
    # Loops, since a comprehension may take a frame of its own, and the interpreter has about 1,000.
    if is_list(value):
        items: list[Any] = []
        for item in value:
            items.append(plain(item, depth + 1))
        return items
    members: dict[str, Any] = {}
    for name, member in value.items():
        if not isinstance(name, str):
            raise ValueError("a name that is no text is not JSON")
        members[_well_formed(name)] = plain(member, depth + 1)
    return members


def _well_formed(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError("a lone surrogate is not JSON") from error
    return text


def _double(value: int) -> float:
    if abs(value) > sys.float_info.max:
        raise ValueError("a number beyond the range of a double is not JSON")
    return float(value)


def parse_strict_json(source: str | bytes) -> Any:
    """Parses I-JSON. Parsers differ in which of two equal names they take, so a text with such is no JSON here.

    Args:
        source: text, or its bytes in UTF-8

    Raises:
        ValueError: for what is not JSON, repeats a name in an object, has a lone surrogate or too large a number
    """
    text = source if isinstance(source, str) else source.decode("utf-8")
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse)
        return plain(value)
    except RecursionError as error:
        raise ValueError(f"nesting beyond {MAX_DEPTH} levels is not JSON") from error


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in an object")
    return members


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def parse_canonical_json(source: str | bytes) -> Any:
    """Parses canonical JSON, such as an entry of the ledger, and refuses any other spelling of the same value.

    Raises:
        ValueError: for what is not JSON, or is not canonical
    """
    data = source.encode() if isinstance(source, str) else source
    value = parse_strict_json(data)
    if canonical_json(value) != data:
        raise ValueError("it is not canonical JSON (RFC 8785)")
    return value


def data_of(source: Any) -> Any:
    """What is to be verified as plain JSON: a text is parsed, a model is what the coordinator told.

    Raises:
        ValueError: for what is not JSON
    """
    if isinstance(source, str | bytes):
        return parse_strict_json(source)
    to_dict = getattr(source, "to_dict", None)
    if callable(to_dict):
        return plain(to_dict())
    return plain(dict(source) if is_mapping(source) else source)
