"""What completed jobs are accounted for with, and accounts."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Mapping
from typing import Any

from .._http import Call, create, given, post, segment
from ..errors import NotFoundError, TimeoutError
from ..models import (
    Account,
    Grant,
    Miner,
    PublicKey,
    PublishedGrant,
    PublishedPayout,
    PublishedReceipt,
    Receipt,
    TrackedPayout,
)
from .requests import AsyncPaged, AsyncResource


class AsyncStatements(AsyncResource):
    """What the ledger publishes."""

    _path = ""

    async def proof(self, statement_id: str) -> str:
        """A ``.tlog-proof`` file: the statement, and the proof of its place in the ledger.

        Raises:
            NotFoundError: with a ``retry_after`` while it is not published yet
        """
        return await self._requests.text(Call(f"{self._path}/{segment(statement_id)}/proof"))

    async def wait_for_proof(self, statement_id: str, *, timeout: float = 60) -> str:
        """The same as soon as the ledger has published it.

        Raises:
            TimeoutError: when it had not after ``timeout`` seconds
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                return await self.proof(statement_id)
            except NotFoundError as error:
                if error.retry_after is None:
                    raise
                delay = error.retry_after or 1.0
                if time.monotonic() + delay > deadline:
                    message = f"The ledger had not published {statement_id} after {timeout:g} s"
                    raise TimeoutError(message, timeout) from error
            await asyncio.sleep(delay)


class AsyncReceipts(AsyncStatements):
    """What completed jobs are accounted for with. ``jobs.receipt`` has that of a job."""

    _path = "/v1/receipts"

    async def get(self, receipt_id: str) -> PublishedReceipt:
        """The receipt, and its place in the ledger once that was published."""
        return await self._requests.model(PublishedReceipt, Call(f"{self._path}/{segment(receipt_id)}"))

    def list(
        self,
        *,
        client: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[Receipt]:
        """All receipts, or those of an address that paid (``client``) or was paid (``provider``), newest first."""
        query = given(client=client, provider=provider, limit=limit, cursor=cursor)
        return self._requests.paged(Receipt, self._path, query)


class AsyncGrants(AsyncStatements):
    """Credits that administrators give."""

    _path = "/v1/grants"

    async def create(
        self, *, to: str, amount: float, reason: str | None = None, idempotency_key: str | None = None
    ) -> Grant:
        """Gives credits to an address. Needs the key of an administrator. Sent again, it never gives twice.

        Args:
            amount: credits, at most 6 decimals
            reason: what for, in ASCII. Everyone can read it.
        """
        body = given(to=to, amount=amount, reason=reason)
        call = create(self._path, body, idempotency_key=idempotency_key)
        return await self._requests.model(Grant, call)

    async def get(self, grant_id: str) -> PublishedGrant:
        """The grant, and its place in the ledger once that was published."""
        return await self._requests.model(PublishedGrant, Call(f"{self._path}/{segment(grant_id)}"))

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[Grant]:
        """Grants to anyone, newest first."""
        return self._requests.paged(Grant, self._path, given(limit=limit, cursor=cursor))


class AsyncPayouts(AsyncStatements):
    """What operators paid providers outside of the network, and what the providers said to that."""

    _path = "/v1/payouts"

    async def create(
        self,
        *,
        to: str,
        amount: float,
        method: str,
        reference: str | None = None,
        idempotency_key: str | None = None,
    ) -> TrackedPayout:
        """Records that you paid a provider. Needs the key of an administrator. Sent again, it is never recorded twice.

        Args:
            amount: credits, at most 6 decimals
            method: by what means, such as ``SEPA transfer``, in ASCII. Everyone can read it.
            reference: by what the provider finds the payment. Everyone can read it.

        Raises:
            ConflictError: PAYOUT_TOO_LARGE when the provider has not so many credits to be paid out
        """
        body = given(to=to, amount=amount, method=method, reference=reference)
        call = create(self._path, body, idempotency_key=idempotency_key)
        return await self._requests.model(TrackedPayout, call)

    async def get(self, payout_id: str) -> PublishedPayout:
        """The payout with what was said about it, and its place in the ledger once that was published."""
        return await self._requests.model(PublishedPayout, Call(f"{self._path}/{segment(payout_id)}"))

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[TrackedPayout]:
        """Newest first: all, those to an account, or those of a status."""
        query = given(account=account, status=status, limit=limit, cursor=cursor)
        return self._requests.paged(TrackedPayout, self._path, query)

    async def confirm(self, payout_id: str, *, signature: Mapping[str, Any] | None = None) -> TrackedPayout:
        """Confirms a payout. Needs a key of the account that was paid, or its signature.

        Args:
            signature: of ``aitbc.verify.sign_payout_answer``

        Raises:
            ConflictError: PAYOUT_INVALID_STATUS when it is withdrawn
        """
        return await self._change(payout_id, "confirm", given(signature=signature))

    async def dispute(
        self, payout_id: str, *, reason: str, signature: Mapping[str, Any] | None = None
    ) -> TrackedPayout:
        """Disputes a payout. Needs what ``confirm`` needs.

        Args:
            reason: why, in ASCII. Everyone can read it.

        Raises:
            ConflictError: PAYOUT_INVALID_STATUS when it is confirmed or withdrawn
        """
        return await self._change(payout_id, "dispute", given(reason=reason, signature=signature))

    async def withdraw(self, payout_id: str, *, reason: str) -> TrackedPayout:
        """Takes a payout back, so that its credits are owed again. Needs the key of an administrator.

        Raises:
            ConflictError: PAYOUT_INVALID_STATUS when it is confirmed
        """
        return await self._change(payout_id, "withdraw", {"reason": reason})

    async def _change(self, payout_id: str, change: str, body: dict[str, Any]) -> TrackedPayout:
        call = post(f"{self._path}/{segment(payout_id)}/{change}", body)
        return await self._requests.model(TrackedPayout, call)


class AsyncSigningKeys(AsyncResource):
    """The public keys that receipts are verified with."""

    async def list(self) -> builtins.list[PublicKey]:
        """The keys that the coordinator signs receipts with, and those it used to."""
        return await self._requests.models(PublicKey, Call("/v1/keys"), "keys")


class AsyncAccounts(AsyncResource):
    """What accounts have, in credits."""

    async def own(self) -> Account:
        """The account of this client's key."""
        return await self._requests.model(Account, Call("/v1/account"))

    def miners(
        self, *, status: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPaged[Miner]:
        """The miners of this client's account, by id. Needs a key with the scope ``miner``."""
        query = given(status=status, limit=limit, cursor=cursor)
        return self._requests.paged(Miner, "/v1/account/miners", query)

    async def get(self, address: str) -> Account:
        """The account at an address. Needs the key of an administrator."""
        return await self._requests.model(Account, Call(f"/v1/accounts/{segment(address)}"))
