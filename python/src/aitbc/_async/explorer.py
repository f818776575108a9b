"""What is public: blocks, transactions, receipts and statistics."""

from __future__ import annotations

import asyncio
import builtins
import math
from collections.abc import AsyncIterator

from .._http import Call, given, retry_delay, segment
from .._overview import changed_overview
from ..errors import AitbcError, ConnectionError
from ..models import (
    AddressDay,
    AddressDetail,
    Block,
    BlockDetail,
    ExplorerStats,
    MinerDay,
    Overview,
    PublicModel,
    Receipt,
    SearchResult,
    Transaction,
    TransactionDetail,
)
from ..models.base import JsonObject
from .requests import AsyncPaged, AsyncResource


class AsyncExplorer(AsyncResource):
    """Blocks, transactions, receipts and statistics that are public. Needs no key."""

    def blocks(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[Block]:
        """Newest first."""
        query = given(limit=limit, cursor=cursor)
        return self._requests.paged(Block, "/explorer/blocks", query)

    async def block(self, block: int | str) -> BlockDetail:
        """A block by its height, or its hash in hex.

        Raises:
            NotFoundError: BLOCK_NOT_FOUND
        """
        path = f"/explorer/blocks/{segment(str(block))}"
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
        query = given(address=address, block=block, type=type, limit=limit, cursor=cursor)
        return self._requests.paged(Transaction, "/explorer/transactions", query)

    async def transaction(self, hash: str) -> TransactionDetail:
        """A transaction by its hash in hex, or by its index.

        Raises:
            NotFoundError: TRANSACTION_NOT_FOUND
        """
        path = f"/explorer/transactions/{segment(hash)}"
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
        query = given(client=client, provider=provider, miner=miner, model=model, limit=limit, cursor=cursor)
        return self._requests.paged(Receipt, "/explorer/receipts", query)

    async def address(self, address: str) -> AddressDetail:
        """What the ledger says of an address: zeros of one that it does not name."""
        path = f"/explorer/addresses/{segment(address)}"
        return await self._requests.model(AddressDetail, Call(path))

    async def address_days(self, address: str) -> builtins.list[AddressDay]:
        """What an address earned and paid by day, with its balance, oldest first."""
        path = f"/explorer/addresses/{segment(address)}/days"
        return (await self._requests.paged(AddressDay, path, {}).page()).items

    async def miner_days(self, miner_id: str) -> builtins.list[MinerDay]:
        """How much of each of the last 90 days a miner was there, and what it earned, oldest first."""
        path = f"/explorer/miners/{segment(miner_id)}/days"
        return (await self._requests.paged(MinerDay, path, {}).page()).items

    async def overview(self) -> Overview:
        """The state of the network at a glance."""
        return await self._requests.model(Overview, Call("/explorer/overview"))

    async def live(self, *, max_retries: float = math.inf) -> AsyncIterator[Overview]:
        """The overview, and again whenever it changes. A connection that breaks is opened again.

        Args:
            max_retries: tries after one that failed. Without it they have no end.
        """
        requests, retries = self._requests, 0
        while True:
            failure: AitbcError = ConnectionError(requests.settings.base_url, "it ended the stream")
            known: JsonObject | None = None
            try:
                async for told in requests.sent_events("/explorer/live"):
                    if told is not None and told.event == "overview":
                        known = told.json()
                    elif told is not None and told.event == "change" and known is not None:
                        known = changed_overview(known, told.json())
                    else:
                        continue
                    retries = 0
                    yield Overview.model_validate(known)
            except AitbcError as error:
                failure = error
            delay = retry_delay(failure, repeatable=True, retries=retries)
            if delay is None or retries >= max_retries:
                raise failure
            retries += 1
            await asyncio.sleep(delay)

    def models(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[PublicModel]:
        """The models that live miners offer, by name, with price and speed."""
        return self._requests.paged(PublicModel, "/explorer/models", given(limit=limit, cursor=cursor))

    async def search(self, text: str) -> builtins.list[SearchResult]:
        """What goes by a hash, a height, an index, an id or an address."""
        call = Call("/explorer/search", query={"q": text})
        return await self._requests.models(SearchResult, call, "results")

    async def stats(self) -> ExplorerStats:
        """The counts of ``stats()``, with series for charts."""
        return await self._requests.model(ExplorerStats, Call("/explorer/stats"))
