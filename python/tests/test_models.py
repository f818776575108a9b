"""The models have what the coordinator's reference says that it answers, and the errors its codes."""

from __future__ import annotations

import json
import typing
import urllib.request
from typing import Any

import pytest
from pydantic import BaseModel

from aitbc import errors, models
from aitbc.models.events import ChunkData, RestartData, ResultData, StatusData


@pytest.fixture(scope="module")
def reference(coordinator: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{coordinator}/openapi.json") as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def answer_of(document: dict[str, Any], route: str, member: str | None = None) -> dict[str, Any]:
    """The schema of what a route answers, of one item where that is a list."""
    method, path = route.split()
    responses = document["paths"][path][method.lower()]["responses"]
    content = next(responses[status]["content"] for status in ("200", "201") if status in responses)
    schema = resolved(document, content["application/json"]["schema"])
    for alternative in schema.get("anyOf", []):
        if resolved(document, alternative).get("type") == "object":
            schema = resolved(document, alternative)
    if member is not None:
        schema = resolved(document, schema["properties"][member])
    return resolved(document, schema["items"]) if schema.get("type") == "array" else schema


def allows_null(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return kinds == "null" or "null" in kinds or any(allows_null(each) for each in schema.get("anyOf", []))


def shape_of(model: type[BaseModel]) -> dict[str, bool]:
    """The members of a model, and whether each is always there."""
    return {field.alias or name: field.is_required() for name, field in model.model_fields.items()}


ROUTES: list[tuple[type[models.Model], str, str | None]] = [
    (models.Job, "GET /v1/jobs/{id}", None),
    (models.JobSummary, "GET /v1/jobs", None),
    (models.MinerJob, "POST /v1/miners/{id}/claims", "jobs"),
    (models.JobOutcome, "POST /v1/jobs/{id}/fail", None),
    (models.PostedChunks, "POST /v1/jobs/{id}/chunks", None),
    (models.Miner, "GET /v1/miners", None),
    (models.MinerDetail, "GET /v1/miners/{id}", None),
    (models.HeartbeatAnswer, "POST /v1/miners/{id}/heartbeat", None),
    (models.Receipt, "GET /v1/receipts", None),
    (models.PublishedReceipt, "GET /v1/receipts/{id}", None),
    (models.Grant, "GET /v1/grants", None),
    (models.PublishedGrant, "GET /v1/grants/{id}", None),
    (models.TrackedPayout, "GET /v1/payouts", None),
    (models.PublishedPayout, "GET /v1/payouts/{id}", None),
    (models.VerificationTask, "POST /v1/verifications/claim", None),
    (models.VerificationOutcome, "POST /v1/verifications/{id}/scores", None),
    (models.VerificationStatement, "GET /v1/verifications", None),
    (models.PublishedVerification, "GET /v1/verifications/{id}", None),
    (models.DisclosedScores, "GET /v1/verifications/{id}/scores", None),
    (models.MinerEvidence, "GET /v1/evidence", None),
    (models.Draw, "GET /v1/draws", None),
    (models.PublicKey, "GET /v1/keys", "keys"),
    (models.ApiKey, "GET /v1/api-keys", None),
    (models.ApiKeyWithSecret, "POST /v1/api-keys", None),
    (models.Invitation, "GET /v1/invitations", None),
    (models.InvitationWithToken, "POST /v1/invitations", None),
    (models.UsageRow, "GET /v1/usage", None),
    (models.EarningsRow, "GET /v1/earnings", None),
    (models.AuditEntry, "GET /v1/audit-log", None),
    (models.OperatorProblem, "GET /v1/operator/problems", None),
    (models.ConfiguredOption, "GET /v1/operator/configuration", None),
    (models.Account, "GET /v1/account", None),
    (models.Health, "GET /health", None),
    (models.NetworkStats, "GET /v1/stats", None),
    (models.ExplorerStats, "GET /explorer/stats", None),
    (models.Overview, "GET /explorer/overview", None),
    (models.PublicModel, "GET /explorer/models", None),
    (models.Block, "GET /explorer/blocks", None),
    (models.BlockDetail, "GET /explorer/blocks/{id}", None),
    (models.Transaction, "GET /explorer/transactions", None),
    (models.TransactionDetail, "GET /explorer/transactions/{hash}", None),
    (models.AddressDetail, "GET /explorer/addresses/{address}", None),
    (models.AddressDay, "GET /explorer/addresses/{address}/days", None),
    (models.MinerDay, "GET /explorer/miners/{id}/days", None),
    (models.SearchResult, "GET /explorer/search", "results"),
    (models.FileObject, "GET /v1/files/{id}", None),
    (models.Batch, "GET /v1/batches/{id}", None),
    (models.Webhook, "GET /v1/webhooks", None),
    (models.CreatedWebhook, "POST /v1/webhooks", None),
    (models.WebhookSecret, "GET /v1/webhooks/secret", None),
    (models.WebhookDelivery, "GET /v1/webhooks/{id}/deliveries", None),
]


@pytest.mark.parametrize(("model", "route", "member"), ROUTES, ids=lambda value: getattr(value, "__name__", None))
def test_a_model_has_what_its_route_answers(
    model: type[models.Model], route: str, member: str | None, reference: dict[str, Any]
) -> None:
    check(model, answer_of(reference, route, member), reference)


def check(model: type[BaseModel], schema: dict[str, Any], document: dict[str, Any]) -> None:
    """The same members, of which the same may be missing or null; and so on inside of them."""
    required = schema.get("required", [])
    expected = {name: name in required for name in schema["properties"]}
    # An older coordinator does not say it.
    expected.pop("suspended", None)
    assert {name: is_there for name, is_there in shape_of(model).items() if name != "suspended"} == expected
    for name, field in model.model_fields.items():
        inner = resolved(document, schema["properties"][field.alias or name])
        kinds = typing.get_args(field.annotation) or (field.annotation,)
        if field.is_required() and Any not in kinds:
            assert (type(None) in kinds) == allows_null(inner), f"{model.__name__}.{name} may be null"
        for kind in kinds:
            for each in typing.get_args(kind) or (kind,):
                if isinstance(each, type) and issubclass(each, BaseModel):
                    options = [resolved(document, option) for option in inner.get("anyOf", [inner])]
                    found = next(option for option in options if option.get("type") != "null")
                    check(each, resolved(document, found.get("items", found)), document)


def test_the_request_for_a_job_has_all_that_it_may_have(reference: dict[str, Any]) -> None:
    schema = reference["components"]["schemas"]["SubmitJob"]
    assert set(models.JobRequest.__annotations__) == set(schema["properties"])
    constraints = schema["properties"]["constraints"]["properties"]
    assert set(models.JobConstraints.__annotations__) == set(constraints)


def test_events_have_what_the_reference_says(reference: dict[str, Any]) -> None:
    described = json.dumps(reference["paths"]["/v1/jobs/{id}/events"])
    for data in (StatusData, ChunkData, RestartData, ResultData):
        for name in data.model_fields:
            assert f'"{name}"' in described or f"`{name}`" in described, f"{data.__name__}.{name}"


def test_every_code_is_known(reference: dict[str, Any]) -> None:
    default = reference["paths"]["/v1/jobs"]["get"]["responses"]["default"]
    problem = resolved(reference, default["content"]["application/problem+json"]["schema"])
    assert set(typing.get_args(errors.ErrorCode)) == set(problem["properties"]["error_code"]["enum"])
