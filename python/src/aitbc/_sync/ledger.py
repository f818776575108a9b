"""The coordinator's public log of all receipts and grants."""

from __future__ import annotations

from .._http import Call
from .requests import Resource


class LedgerResource(Resource):
    """The coordinator's own public log of all receipts and grants."""

    def vkey(self) -> str:
        """The verifier key of the ledger, as the coordinator tells it: who trusts that needs no other proof."""
        return (self._requests.text(Call("/ledger/vkey"))).strip()

    def policy(self) -> str:
        """The policy that the coordinator suggests: its ledger's key, and the witnesses that it asks."""
        return self._requests.text(Call("/ledger/policy"))
