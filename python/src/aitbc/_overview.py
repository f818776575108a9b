"""The overview of the network as ``/explorer/live`` tells it: whole at first, then what changed."""

from __future__ import annotations

from collections.abc import Sequence

from .models.base import JsonObject

LENGTHS = {"rates": 150, "transactions": 12, "blocks": 8}
"""Items that an overview has at most."""


def changed_overview(known: JsonObject, change: JsonObject) -> JsonObject:
    """The overview after a change, which has only the new and changed items of the lists in ``LENGTHS``."""
    rates = [*known["rates"], *change.get("rates", [])]
    return {
        **known,
        **change,
        "rates": rates[-LENGTHS["rates"] :],
        "transactions": _merged(change.get("transactions", []), known["transactions"], "hash")[
            : LENGTHS["transactions"]
        ],
        "blocks": _merged(change.get("blocks", []), known["blocks"], "height")[: LENGTHS["blocks"]],
    }


def _merged(changed: Sequence[JsonObject], known: Sequence[JsonObject], key: str) -> list[JsonObject]:
    """New items go before the known ones, and changed items take their places."""
    by_key = {item[key]: item for item in changed}
    known_keys = {item[key] for item in known}
    added = [item for item in changed if item[key] not in known_keys]
    return [*added, *(by_key.get(item[key], item) for item in known)]
