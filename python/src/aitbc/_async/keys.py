"""API keys, invitations, what jobs used and miners earned, and the audit log."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Mapping
from typing import Any

from .._http import Call, create, given, post, segment
from ..models import (
    ApiKey,
    ApiKeyWithSecret,
    AuditEntry,
    ConfiguredOption,
    EarningsRow,
    Invitation,
    InvitationWithToken,
    Notice,
    OperatorProblem,
    UsageRow,
)
from .requests import AsyncPaged, AsyncResource


class AsyncApiKeys(AsyncResource):
    """API keys. Needs a key with the scope ``keys``, which manages those of its account, or an administrator's."""

    async def create(self, *, idempotency_key: str | None = None, **key: Any) -> ApiKeyWithSecret:
        """Creates a key. Its secret is in this answer only. Retries get the same key.

        Args:
            idempotency_key: the same one with the same request is the same key. Made up where it is not given.
            key: ``scopes``, and what else limits it: ``name``, ``allowed_models``, ``budget``, ``expires_at``, …
        """
        call = create("/v1/api-keys", key, idempotency_key=idempotency_key)
        return await self._requests.model(ApiKeyWithSecret, call)

    def list(
        self, *, account: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPaged[ApiKey]:
        """The keys of the own account, or of all for administrators, newest first."""
        return self._requests.paged(ApiKey, "/v1/api-keys", given(account=account, limit=limit, cursor=cursor))

    async def get(self, key_id: str) -> ApiKey:
        """A key by its id."""
        return await self._requests.model(ApiKey, Call(f"/v1/api-keys/{segment(key_id)}"))

    async def current(self) -> ApiKey:
        """The key of this client, with what is left of its budget. Any key may ask this."""
        return await self._requests.model(ApiKey, Call("/v1/api-keys/current"))

    async def change(self, key_id: str, change: Mapping[str, Any]) -> ApiKey:
        """Changes what a key may do. What is absent stays as it is; None removes a limit."""
        call = Call(f"/v1/api-keys/{segment(key_id)}", "PATCH", body=dict(change), repeatable=True)
        return await self._requests.model(ApiKey, call)

    async def rotate(
        self, key_id: str, *, old_valid_seconds: int = 0, idempotency_key: str | None = None
    ) -> ApiKeyWithSecret:
        """Gives a key a new secret. The old one stays valid for as long as said. Retries get the same secret."""
        body = {"old_valid_seconds": old_valid_seconds}
        call = create(f"/v1/api-keys/{segment(key_id)}/rotate", body, idempotency_key=idempotency_key)
        return await self._requests.model(ApiKeyWithSecret, call)

    async def revoke(self, key_id: str) -> ApiKey:
        """Revokes a key. Coordinators refuse it within seconds."""
        return await self._requests.model(ApiKey, Call(f"/v1/api-keys/{segment(key_id)}", "DELETE"))


class AsyncNotices(AsyncResource):
    """What the operator tells the owners of miners. Needs the key of an administrator."""

    async def create(self, text: str, *, idempotency_key: str | None = None, **notice: Any) -> Notice:
        """Tells owners something. Retries never tell it twice.

        Args:
            idempotency_key: the same one with the same notice is the same notice. Made up where it is not given.
            notice: ``miner``, ``owner`` or ``below_version``, which limit who gets it, and ``valid_seconds``
        """
        call = create("/v1/notices", {"text": text, **notice}, idempotency_key=idempotency_key)
        return await self._requests.model(Notice, call)

    async def list(self) -> builtins.list[Notice]:
        """The notices that have not expired, oldest first."""
        return [Notice.model_validate(each) for each in await self._requests.json(Call("/v1/notices"))]

    async def delete(self, notice_id: str) -> None:
        """Deletes a notice."""
        await self._requests.send(Call(f"/v1/notices/{segment(notice_id)}", "DELETE"))


class AsyncInvitations(AsyncResource):
    """Invitations to an account and a key. All but ``redeem`` need the key of an administrator."""

    async def create(self, *, idempotency_key: str | None = None, **invitation: Any) -> InvitationWithToken:
        """Invites people. The token is in this answer only: ``link`` makes a link of it. Retries get the same one."""
        call = create("/v1/invitations", invitation, idempotency_key=idempotency_key)
        return await self._requests.model(InvitationWithToken, call)

    def link(self, token: str) -> str:
        """The link to give to people. The token is in its fragment, which browsers send to no server."""
        return f"{self._requests.settings.base_url}/join#{token}"

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[Invitation]:
        """Newest first."""
        return self._requests.paged(Invitation, "/v1/invitations", given(limit=limit, cursor=cursor))

    async def get(self, invitation_id: str) -> Invitation:
        """An invitation by its id."""
        return await self._requests.model(Invitation, Call(f"/v1/invitations/{segment(invitation_id)}"))

    async def revoke(self, invitation_id: str) -> Invitation:
        """Revokes an invitation. Keys that came of it stay."""
        call = Call(f"/v1/invitations/{segment(invitation_id)}", "DELETE")
        return await self._requests.model(Invitation, call)

    async def redeem(self, token: str, *, nonce: str | None = None) -> ApiKeyWithSecret:
        """Joins: an account's key with its secret. Needs no key.

        Args:
            nonce: a secret random text of 32 characters or more. The same one gets the same key again.
        """
        body = {"token": token, "nonce": nonce or secrets.token_hex(32)}
        return await self._requests.model(ApiKeyWithSecret, post("/v1/invitations/redeem", body))


class AsyncUsage(AsyncResource):
    """What jobs used. Administrators see all accounts."""

    def list(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        group_by: str | None = None,
        account: str | None = None,
        key: str | None = None,
        model: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[UsageRow]:
        """Sums by day, key and model, or by what ``group_by`` names.

        Args:
            since: the first day, such as ``2026-01-24``; 30 days before the last one where it is not given
            until: the last day; today where it is not given
        """
        query = given(to=until, group_by=group_by, account=account, key=key, model=model, limit=limit, cursor=cursor)
        return self._requests.paged(UsageRow, "/v1/usage", {**query, **({"from": since} if since else {})})

    async def csv(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        group_by: str | None = None,
        account: str | None = None,
        key: str | None = None,
        model: str | None = None,
    ) -> str:
        """The first 1,000 rows of ``list`` as CSV with a header."""
        query = given(to=until, group_by=group_by, account=account, key=key, model=model)
        return await self._requests.text(_csv("/v1/usage", {**query, **({"from": since} if since else {})}))


class AsyncEarnings(AsyncResource):
    """What miners earned. Administrators see all accounts."""

    def list(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        group_by: str | None = None,
        account: str | None = None,
        miner: str | None = None,
        model: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[EarningsRow]:
        """Sums by day, miner and model, or by what ``group_by`` names.

        Args:
            since: the first day, such as ``2026-01-24``; 30 days before the last one where it is not given
            until: the last day; today where it is not given
        """
        query = given(
            to=until, group_by=group_by, account=account, miner=miner, model=model, limit=limit, cursor=cursor
        )
        return self._requests.paged(EarningsRow, "/v1/earnings", {**query, **({"from": since} if since else {})})

    async def csv(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        group_by: str | None = None,
        account: str | None = None,
        miner: str | None = None,
        model: str | None = None,
    ) -> str:
        """The first 1,000 rows of ``list`` as CSV with a header."""
        query = given(to=until, group_by=group_by, account=account, miner=miner, model=model)
        return await self._requests.text(_csv("/v1/earnings", {**query, **({"from": since} if since else {})}))


def _csv(path: str, query: dict[str, Any]) -> Call:
    return Call(path, query=query, headers={"accept": "text/csv"})


class AsyncAuditLog(AsyncResource):
    """Administrative actions. Needs the key of an administrator."""

    def list(
        self,
        *,
        action: str | None = None,
        target: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[AuditEntry]:
        """Newest first."""
        query = given(action=action, target=target, limit=limit, cursor=cursor)
        return self._requests.paged(AuditEntry, "/v1/audit-log", query)


class AsyncOperator(AsyncResource):
    """What operators see of their coordinator. Needs the key of an administrator."""

    async def problems(self) -> builtins.list[OperatorProblem]:
        """What is wrong now, alarms first, and what to do about each."""
        return (await self._requests.paged(OperatorProblem, "/v1/operator/problems", {}).page()).items

    async def configuration(self) -> builtins.list[ConfiguredOption]:
        """The options as the coordinator runs. Secrets are hidden."""
        return (await self._requests.paged(ConfiguredOption, "/v1/operator/configuration", {}).page()).items
