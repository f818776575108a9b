"""Whether time, units and price of a receipt fit together. All of it is in whole numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._json import is_list, is_object
from .canonical import MAX_SAFE, canonical_json
from .shapes import is_amount, is_number, is_whole

MICRO = 1_000_000
_PLAIN_DECIMAL = re.compile(r"-?\d+(\.\d{1,6})?", re.ASCII)


def spelled(number: float) -> str:
    """A number as canonical JSON spells it."""
    return canonical_json(number).decode()


def is_exact(number: float) -> bool:
    """Whether it has at most 6 decimals, no exponent, and is at most 2^53 - 1 in size."""
    return abs(number) <= MAX_SAFE and _PLAIN_DECIMAL.fullmatch(spelled(number)) is not None


def micro_units(number: float) -> int:
    """A number that is exact in millionths."""
    whole, _, decimals = spelled(number).partition(".")
    return int(whole + decimals.ljust(6, "0"))


def unsafe_numbers(value: Any) -> list[str]:
    """Places of numbers that are not exact."""
    return _places(value, lambda leaf: is_number(leaf) and not is_exact(leaf))


def non_ascii_texts(value: Any) -> list[str]:
    """Places of texts and names that are not ASCII: equal ones may have several forms in Unicode."""
    return _places(value, lambda leaf: isinstance(leaf, str) and not leaf.isascii())


def _places(value: Any, is_faulty: Callable[[Any], bool]) -> list[str]:
    # Where nothing is wrong, as nearly always, no places are put together.
    if not any(is_faulty(leaf) for leaf in _leaves(value)):
        return []
    return [place for place, leaf in _placed_leaves(value) if is_faulty(leaf)]


def _leaves(value: Any) -> Iterator[Any]:
    todo = [value]
    while todo:
        value = todo.pop()
        if is_object(value):
            yield from value
            todo += value.values()
        elif is_list(value):
            todo += value
        else:
            yield value


def _placed_leaves(value: Any) -> Iterator[tuple[str, Any]]:
    todo: list[tuple[str, Any]] = [("", value)]
    while todo:
        place, value = todo.pop()
        if is_object(value) or is_list(value):
            members = value.items() if is_object(value) else enumerate(value)
            inner = [(f"{place}.{name}" if place else f"{name}", name, member) for name, member in members]
            yield from ((where, name) for where, name, _ in inner if isinstance(name, str))
            todo += [(where, member) for where, _, member in reversed(inner)]
        else:
            yield place, value


def miscalculations(receipt: Mapping[str, Any]) -> list[str]:
    """What does not add up, in words. Every number of the receipt must be exact.

    - time: ``duration_ms`` and ``metadata.unbilled_ms`` are less than 1,000 ms away from the whole seconds between
      ``started_at`` and ``completed_at``
    - units: of ``gpu_second`` the duration; of ``token`` the counted tokens, at most ``metadata.token_limit``
    - price: units by ``metadata.rate``, or tokens by ``metadata.rate_per_1000``, to the nearest millionth, halves
      up, and at most ``metadata.max_price``
    """
    found, faults = _numbers(receipt["metadata"])
    if faults:
        return faults
    return _time_faults(receipt, found) + _unit_faults(receipt, found) + _price_faults(receipt, found)


def _numbers(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    found: dict[str, Any] = {}
    faults: list[str] = []

    def read(source: Mapping[str, Any], names: tuple[str, ...], *, whole: bool, prefix: str) -> None:
        for name in names:
            value = source.get(name)
            if value is None:
                continue
            if is_whole(value) if whole else is_amount(value):
                found[name] = value
            else:
                faults.append(f"{prefix}{name} is not a {'whole ' if whole else ''}number of at least 0")

    read(metadata, ("unbilled_ms", "token_limit"), whole=True, prefix="metadata.")
    read(metadata, ("rate", "rate_per_1000", "max_price"), whole=False, prefix="metadata.")
    usage = metadata.get("usage")
    if is_object(usage):
        read(usage, ("prompt_tokens", "completion_tokens"), whole=True, prefix="metadata.usage.")
    return found, faults


def _time_faults(receipt: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    span = int(max(receipt["completed_at"] - receipt["started_at"], 0))
    passed = int(receipt["duration_ms"]) + int(found.get("unbilled_ms", 0))
    if abs(passed - span * 1000) < 1000:
        return []
    return [f"{passed} ms passed, but {span} s lie between start and completion"]


def _unit_faults(receipt: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    kind, duration = receipt["unit_type"], int(receipt["duration_ms"])
    if kind == "token":
        counted = int(found.get("prompt_tokens", 0)) + int(found.get("completion_tokens", 0))
        expected = min(counted, int(found.get("token_limit", counted))) * MICRO
        source = "the tokens that were counted are"
    elif kind == "gpu_second":
        expected, source = duration * 1000, f"{duration} ms are"
    else:
        return []
    if micro_units(receipt["units"]) == expected:
        return []
    return [f"{source} {expected / MICRO:g} {kind}, not {receipt['units']}"]


def _price_faults(receipt: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    units, price = micro_units(receipt["units"]), micro_units(receipt["price"])
    faults = [f"0 units cost {receipt['price']}"] if units == 0 and price != 0 else []
    limit = micro_units(found["max_price"]) if "max_price" in found else None
    if receipt["unit_type"] == "token" and "rate_per_1000" in found:
        full = _cost(units, found["rate_per_1000"], 1000 * MICRO)
    elif "rate" in found:
        full = _cost(units, found["rate"], MICRO)
    else:
        if limit is not None and price > limit:
            faults.append(f"{receipt['price']} is more than the limit of {found['max_price']}")
        return faults
    due = full if limit is None else min(full, limit)
    if price != due:
        faults.append(f"{receipt['units']} {receipt['unit_type']} cost {due / MICRO:g}, not {receipt['price']}")
    return faults


def _cost(units: int, rate: float, divisor: int) -> int:
    return (2 * units * micro_units(rate) + divisor) // (2 * divisor)
