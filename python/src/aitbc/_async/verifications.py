"""What verifiers find of answers, and what is known of miners by that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._http import Call, given, post, read_json, segment
from ..models import (
    DisclosedScores,
    Draw,
    MinerEvidence,
    PublishedVerification,
    VerificationOutcome,
    VerificationStatement,
    VerificationTask,
)
from .receipts import AsyncStatements
from .requests import AsyncPaged, AsyncResource


class AsyncVerifications(AsyncStatements):
    """Answers that verifiers read, to tell whether they come from the model that was asked for."""

    _path = "/v1/verifications"

    async def claim(
        self,
        verifier_id: str,
        *,
        weights: Sequence[str],
        engine: Mapping[str, str],
        wait: float | None = None,
    ) -> VerificationTask | None:
        """An answer to read, or None when none came within ``wait`` seconds.

        Needs a key with the scope ``verifier`` or ``miner``. Not repeated when an answer is lost, as the verification
        is leased already.

        Args:
            weights: those that the verifier can read with: ``sha256:…``
            engine: its ``name`` and ``build``
        """
        body = given(verifier_id=verifier_id, weights=list(weights), engine=dict(engine), wait=wait)
        call = Call(f"{self._path}/claim", "POST", body=body, wait=wait or 0)
        response, data = await self._requests.send(call)
        return None if response.status_code == 204 else VerificationTask.model_validate(read_json(response, data))

    async def submit_scores(
        self,
        verification_id: str,
        *,
        verifier_id: str,
        tokens: Sequence[Mapping[str, Any]],
        engine: Mapping[str, str],
        retokenized: bool,
        signature: Mapping[str, Any] | None = None,
    ) -> VerificationOutcome:
        """Posts what the verifier's model says of each token. Sent again, it changes nothing.

        Args:
            tokens: for each token of the answer ``full``, ``nucleus`` and ``below_best``
            retokenized: whether the tokens were made from the text, so that they may not be those that were sampled
        """
        scores = given(verifier_id=verifier_id, engine=dict(engine), retokenized=retokenized, signature=signature)
        body = {**scores, "tokens": [dict(token) for token in tokens]}
        return await self._change(verification_id, "scores", body)

    async def fail(self, verification_id: str, *, verifier_id: str, reason: str) -> VerificationOutcome:
        """Gives back an answer that the verifier can't score."""
        return await self._change(verification_id, "fail", {"verifier_id": verifier_id, "reason": reason})

    def list(
        self,
        *,
        miner: str | None = None,
        judgement: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPaged[VerificationStatement]:
        """What verifiers found, newest first: all, of one miner, or of a judgement."""
        query = given(miner=miner, judgement=judgement, limit=limit, cursor=cursor)
        return self._requests.paged(VerificationStatement, self._path, query)

    async def get(self, verification_id: str) -> PublishedVerification:
        """What a verifier found, and its place in the ledger once that was published.

        Raises:
            NotFoundError: while the verification has not ended
        """
        return await self._requests.model(PublishedVerification, Call(f"{self._path}/{segment(verification_id)}"))

    async def scores(self, verification_id: str) -> DisclosedScores:
        """The numbers of all tokens. Needs a key of the miner's owner, of the job's client or of an administrator.

        Raises:
            NotFoundError: when there are none that this key may see
        """
        call = Call(f"{self._path}/{segment(verification_id)}/scores")
        return await self._requests.model(DisclosedScores, call)

    async def appeal(self, verification_id: str, *, reason: str | None = None) -> VerificationOutcome:
        """Has another verifier read an accused answer again. Needs a key of the miner's owner.

        Sent again, it returns the same appeal.

        Args:
            reason: why, in ASCII. Everyone can read it.

        Raises:
            ConflictError: VERIFICATION_NOT_APPEALABLE when the verification counts against nobody
        """
        return await self._change(verification_id, "appeal", given(reason=reason))

    async def _change(self, verification_id: str, change: str, body: dict[str, Any]) -> VerificationOutcome:
        call = post(f"{self._path}/{segment(verification_id)}/{change}", body)
        return await self._requests.model(VerificationOutcome, call)


class AsyncEvidence(AsyncResource):
    """What is known of miners by their verified answers."""

    def list(
        self, *, miner: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPaged[MinerEvidence]:
        """The records of miners by miner and passport: all, or those of one miner."""
        return self._requests.paged(MinerEvidence, "/v1/evidence", given(miner=miner, limit=limit, cursor=cursor))

    def draws(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPaged[Draw]:
        """The draws by which answers were chosen, newest first."""
        return self._requests.paged(Draw, "/v1/draws", given(limit=limit, cursor=cursor))
