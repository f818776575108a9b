"""Verifiers in Python, and what everyone reads of what they found, against a real coordinator."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import COMMAND, Program

from aitbc import ConflictError, CoordinatorClient, NotFoundError, models, verify
from aitbc._miner.identity import Identity
from aitbc._miner.passports import signed_passport
from aitbc.verify import attestation_bytes, canonical_json, text_hash
from aitbc.verify.ed25519 import Signer

MINER, MODEL = "lab", "sky"
PROMPT = "Why is the sky blue?"
TEXT = "Light of the sun is scattered by the air, and blue light is scattered most."
WEIGHTS = f"sha256:{'ab' * 32}"
ENGINE = {"name": "llama.cpp", "build": "b7000"}
SIGNER = Signer.from_seed(bytes([7] * 32))

SPREAD = {"logprob": -9.0, "entropy": 1.0, "variance": 1.0}
"""Of a token that the model would not have said."""
TOKENS = [{"full": SPREAD, "nucleus": SPREAD, "below_best": 8.0}] * 30


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, CoordinatorClient]]:
    """Clients by their scope, of a coordinator that draws all answers."""
    data = tmp_path_factory.mktemp("verifications")
    serve = ["serve", "--port", "0", "--data", str(data), "--log-level", "error"]
    program = Program(
        [*COMMAND, *serve, "--verify-share", "1", "--ledger-interval", "0.2"], r"listens on (http://[^,\s]+)"
    )
    url = program.match[1]
    made = {scope: CoordinatorClient(url, key_of(data, scope)) for scope in ("client", "miner", "verifier")}
    yield made
    for client in made.values():
        client.close()
    program.stop()


def key_of(data: Path, scope: str) -> str:
    create = [*COMMAND, "--json", "keys", "create", "--data", str(data), "--scope", scope]
    key: str = json.loads(subprocess.run(create, capture_output=True, check=True).stdout)["key"]
    return key


def answer(client: CoordinatorClient, owner: CoordinatorClient) -> models.Receipt:
    job_id = client.jobs.submit(prompt=PROMPT, model=MODEL).job_id
    salt = owner.jobs.claim(job_id, MINER).salt
    hashes = {"prompt_hash": text_hash(salt, PROMPT), "artifact_hash": text_hash(salt, TEXT)}
    signature = SIGNER.signature(attestation_bytes({"job_id": job_id, "model": MODEL, **hashes}))
    return owner.jobs.complete(
        job_id,
        MINER,
        result=TEXT,
        signature=signature,
        finish_reason="stop",
        effective_parameters={"temperature": 0.8},
    )


def next_task(clients: dict[str, CoordinatorClient]) -> models.VerificationTask:
    """Answers until a verifier gets one: the first draw marks where drawing begins, so the first may be before it."""
    while True:
        answer(clients["client"], clients["miner"])
        task = clients["verifier"].verifications.claim("own", weights=[WEIGHTS], engine=ENGINE, wait=2)
        if task is not None:
            return task


@pytest.fixture(scope="module")
def task(clients: dict[str, CoordinatorClient]) -> models.VerificationTask:
    passport: dict[str, Any] = {"weights": {"value": WEIGHTS, "source": "hashed"}}
    signed = signed_passport(passport, MODEL, Identity(MINER, SIGNER))
    clients["miner"].miners.register(
        MINER,
        capabilities=[MODEL],
        public_key=SIGNER.key_id,
        models=[{"model": MODEL, "passport": signed}],
    )
    return next_task(clients)


def test_what_a_verifier_found_is_listed_proven_and_disclosed_and_the_owner_appeals(
    clients: dict[str, CoordinatorClient], task: models.VerificationTask
) -> None:
    client, owner, verifier = clients["client"], clients["miner"], clients["verifier"]
    assert (task.answer.text, task.request["prompt"]) == (TEXT, PROMPT)
    found = task.verification_id
    with pytest.raises(NotFoundError):
        client.verifications.get(found)
    outcome = verifier.verifications.submit_scores(
        found, verifier_id="own", tokens=TOKENS, engine=ENGINE, retokenized=True
    )
    assert (outcome.status, outcome.judgement) == ("ended", "accused")

    proof = client.verifications.wait_for_proof(found)
    published = client.verifications.get(found)
    assert published.inclusion is not None
    statement = published.statement
    assert (statement.miner_id, statement.judgement, statement.tokens) == (MINER, "accused", 30)
    keys = [key.key_id for key in client.signing_keys.list()]
    assert verify.verify_statement(statement.to_dict(), keys).failed == []
    assert proof.startswith("c2sp.org/tlog-proof@v1\n")

    accused = list(client.verifications.list(miner=MINER, judgement="accused"))
    assert [each.to_dict() for each in accused] == [statement.to_dict()]
    assert list(client.verifications.list(miner="nobody")) == []
    (record,) = client.evidence.list(miner=MINER)
    assert (record.passport, record.answers, record.accused) == (statement.passport, 1, 1)
    assert statement.draw in [draw.size for draw in client.evidence.draws()]

    disclosed = owner.verifications.scores(found)
    numbers = canonical_json([token.to_dict() for token in disclosed.tokens])
    assert hashlib.sha256(disclosed.salt.encode() + numbers).hexdigest() == statement.scores_hash
    with pytest.raises(NotFoundError):
        verifier.verifications.scores(found)

    appeal = owner.verifications.appeal(found, reason="Our template is another one")
    assert (appeal.status, appeal.judgement) == ("waiting", None)
    assert owner.verifications.appeal(found) == appeal


def test_an_answer_that_a_verifier_can_not_score_is_given_back(
    clients: dict[str, CoordinatorClient], task: models.VerificationTask
) -> None:
    verifier = clients["verifier"]
    given = next_task(clients).verification_id
    assert given != task.verification_id
    outcome = verifier.verifications.fail(given, verifier_id="own", reason="No memory")
    assert outcome.verification_id == given
    with pytest.raises(ConflictError):
        verifier.verifications.submit_scores(given, verifier_id="own", tokens=TOKENS, engine=ENGINE, retokenized=True)


def test_a_verifier_that_has_no_such_weights_gets_no_answer(clients: dict[str, CoordinatorClient]) -> None:
    weights = [f"sha256:{'cd' * 32}"]
    assert clients["verifier"].verifications.claim("own", weights=weights, engine=ENGINE) is None
