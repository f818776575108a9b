"""What completed jobs are accounted for with, accounts, and what is public of both."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Mapping
from typing import Any

from .. import _http
from .._http import Call
from ..errors import NotFoundError, TimeoutError
from ..models import (
    Account,
    AddressDay,
    AddressDetail,
    Block,
    BlockDetail,
    ExplorerStats,
    Grant,
    Miner,
    MinerDay,
    Overview,
    PublicKey,
    PublicModel,
    PublishedGrant,
    PublishedPayout,
    PublishedReceipt,
    Receipt,
    SearchResult,
    TrackedPayout,
    Transaction,
    TransactionDetail,
)
from .requests import AsyncPaged, AsyncResource


class _AsyncStatements(AsyncResource):
    """What the ledger publishes."""

    _path = ""

    async def proof(self, statement_id: str) -> str:
        """A ``.tlog-proof`` file: the statement, and the proof of its place in the ledger.

        Raises:
            NotFoundError: with a ``retry_after`` while it is not published yet
        """
        return await self._requests.text(Call(f"{self._path}/{_http.segment(statement_id)}/proof"))

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


class AsyncReceipts(_AsyncStatements):
    """What completed jobs are accounted for with. ``jobs.receipt`` has that of a job."""

    _path = "/v1/receipts"

    async def get(self, receipt_id: str) -> PublishedReceipt:
        """The receipt, and its place in the ledger once that was published."""
        return await self._requests.model(PublishedReceipt, Call(f"{self._path}/{_http.segment(receipt_id)}"))

    def list(
        self,
        *,
        client: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[Receipt]:
        """All receipts, or those of an address that paid (``client``) or was paid (``provider``), newest first."""
        query = _http.given(client=client, provider=provider, limit=limit, cursor=cursor)
        return self._requests.paged(Receipt, self._path, query)


class AsyncGrants(_AsyncStatements):
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
        body = _http.given(to=to, amount=amount, reason=reason)
        call = _http.create(self._path, body, idempotency_key=idempotency_key)
        return await self._requests.model(Grant, call)

    async def get(self, grant_id: str) -> PublishedGrant:
        """The grant, and its place in the ledger once that was published."""
        return await self._requests.model(PublishedGrant, Call(f"{self._path}/{_http.segment(grant_id)}"))

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[Grant]:
        """Grants to anyone, newest first."""
        return self._requests.paged(Grant, self._path, _http.given(limit=limit, cursor=cursor))


class AsyncPayouts(_AsyncStatements):
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
        body = _http.given(to=to, amount=amount, method=method, reference=reference)
        call = _http.create(self._path, body, idempotency_key=idempotency_key)
        return await self._requests.model(TrackedPayout, call)

    async def get(self, payout_id: str) -> PublishedPayout:
        """The payout with what was said about it, and its place in the ledger once that was published."""
        return await self._requests.model(PublishedPayout, Call(f"{self._path}/{_http.segment(payout_id)}"))

    def list(
        self,
        *,
        account: str | None = None,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[TrackedPayout]:
        """Newest first: all, those to an account, or those of a status."""
        query = _http.given(account=account, status=status, limit=limit, cursor=cursor)
        return self._requests.paged(TrackedPayout, self._path, query)

    async def confirm(self, payout_id: str, *, signature: Mapping[str, Any] | None = None) -> TrackedPayout:
        """Confirms a payout. Needs a key of the account that was paid, or its signature.

        Args:
            signature: of ``aitbc.verify.sign_payout_answer``

        Raises:
            ConflictError: PAYOUT_INVALID_STATUS when it is withdrawn
        """
        return await self._change(payout_id, "confirm", _http.given(signature=signature))

    async def dispute(
        self, payout_id: str, *, reason: str, signature: Mapping[str, Any] | None = None
    ) -> TrackedPayout:
        """Disputes a payout. Needs what ``confirm`` needs.

        Args:
            reason: why, in ASCII. Everyone can read it.

        Raises:
            ConflictError: PAYOUT_INVALID_STATUS when it is confirmed or withdrawn
        """
        return await self._change(payout_id, "dispute", _http.given(reason=reason, signature=signature))

    async def withdraw(self, payout_id: str, *, reason: str) -> TrackedPayout:
        """Takes a payout back, so that its credits are owed again. Needs the key of an administrator.

        Raises:
            ConflictError: PAYOUT_INVALID_STATUS when it is confirmed
        """
        return await self._change(payout_id, "withdraw", {"reason": reason})

    async def _change(self, payout_id: str, change: str, body: dict[str, Any]) -> TrackedPayout:
        call = _http.post(f"{self._path}/{_http.segment(payout_id)}/{change}", body)
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
        query = _http.given(status=status, limit=limit, cursor=cursor)
        return self._requests.paged(Miner, "/v1/account/miners", query)

    async def get(self, address: str) -> Account:
        """The account at an address. Needs the key of an administrator."""
        return await self._requests.model(Account, Call(f"/v1/accounts/{_http.segment(address)}"))


class AsyncExplorer(AsyncResource):
    """Blocks, transactions, receipts and statistics that are public. Needs no key."""

    def blocks(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[Block]:
        """Newest first."""
        query = _http.given(limit=limit, cursor=cursor)
        return self._requests.paged(Block, "/explorer/blocks", query)

    async def block(self, block: int | str) -> BlockDetail:
        """A block by its height, or its hash in hex.

        Raises:
            NotFoundError: BLOCK_NOT_FOUND
        """
        path = f"/explorer/blocks/{_http.segment(str(block))}"
        return await self._requests.model(BlockDetail, Call(path))

    def transactions(
        self,
        *,
        address: str | None = None,
        block: int | str | None = None,
        type: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[Transaction]:
        """Newest first: all, or those of an address, a block or a type such as ``grant``."""
        query = _http.given(address=address, block=block, type=type, limit=limit, cursor=cursor)
        return self._requests.paged(Transaction, "/explorer/transactions", query)

    async def transaction(self, hash: str) -> TransactionDetail:
        """A transaction by its hash in hex, or by its index.

        Raises:
            NotFoundError: TRANSACTION_NOT_FOUND
        """
        path = f"/explorer/transactions/{_http.segment(hash)}"
        return await self._requests.model(TransactionDetail, Call(path))

    def receipts(
        self,
        *,
        client: str | None = None,
        provider: str | None = None,
        miner: str | None = None,
        model: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[Receipt]:
        """Newest first: all, or those of an address, a miner or a model."""
        query = _http.given(client=client, provider=provider, miner=miner, model=model, limit=limit, cursor=cursor)
        return self._requests.paged(Receipt, "/explorer/receipts", query)

    async def address(self, address: str) -> AddressDetail:
        """What the ledger says of an address: zeros of one that it does not name."""
        path = f"/explorer/addresses/{_http.segment(address)}"
        return await self._requests.model(AddressDetail, Call(path))

    async def address_days(self, address: str) -> builtins.list[AddressDay]:
        """What an address earned and paid by day, with its balance, oldest first."""
        path = f"/explorer/addresses/{_http.segment(address)}/days"
        return (await self._requests.paged(AddressDay, path, {}).page()).items

    async def miner_days(self, miner_id: str) -> builtins.list[MinerDay]:
        """How much of each of the last 90 days a miner was there, and what it earned, oldest first."""
        path = f"/explorer/miners/{_http.segment(miner_id)}/days"
        return (await self._requests.paged(MinerDay, path, {}).page()).items

    async def overview(self) -> Overview:
        """The state of the network at a glance."""
        return await self._requests.model(Overview, Call("/explorer/overview"))

    def models(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[PublicModel]:
        """The models that live miners offer, by name, with price and speed."""
        return self._requests.paged(PublicModel, "/explorer/models", _http.given(limit=limit, cursor=cursor))

    async def search(self, text: str) -> builtins.list[SearchResult]:
        """What goes by a hash, a height, an index, an id or an address."""
        call = Call("/explorer/search", query={"q": text})
        return await self._requests.models(SearchResult, call, "results")

    async def stats(self) -> ExplorerStats:
        """The counts of ``stats()``, with series for charts."""
        return await self._requests.model(ExplorerStats, Call("/explorer/stats"))
