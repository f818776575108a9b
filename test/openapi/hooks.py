"""What the reference can't say in a schema, so that requests made from it are as it means them."""

import json
import os
import re
from collections import Counter
from uuid import uuid4

import requests
import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
ADDRESS = re.compile("ait1[02-9ac-hj-np-z]{38}")
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGE = json.dumps({"content": None, "tool_calls": [CALL]})
EMBEDDINGS = json.dumps({"embeddings": ["AACAPw=="]})
RECEIVER = "https://receiver.example/hook"
# Keys by scope.
KEYS = json.loads(os.environ["KEYS"])
# Ids of what there is, by the word that comes before them in paths.
THERE = json.loads(os.environ["THERE"])


# The routes by which a provider answers a payout.
ANSWERS = ("/v1/payouts/{id}/confirm", "/v1/payouts/{id}/dispute")


@schemathesis.hook
def before_load_schema(ctx, raw_schema):
    """Drops the answers by default, so that each status must be described by itself."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            operation["responses"].pop("default", None)


@schemathesis.auth(refresh_interval=None)
class KeyOfScope:
    """Sends a key with the scope that the operation names."""

    def get(self, case, ctx):
        named = [scope for one in ctx.operation.definition.raw.get("security", []) for scope in one.get("apiKey", [])]
        # The account of the miner was paid.
        usual = "miner" if ctx.operation.path in ANSWERS else "client"
        return KEYS.get(next(iter(named), usual))

    def set(self, case, data, ctx):
        if ctx.operation.definition.raw.get("security"):
            case.headers["X-Api-Key"] = data


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    route = f"{case.operation.method.upper()} {case.operation.path}"
    case.path_parameters = taken(case.path_parameters)
    case.query = taken(case.query)
    # The cursors of reports are JSON in base64.
    if route in ("GET /v1/usage", "GET /v1/earnings") and case.query:
        case.query.pop("cursor", None)
    if isinstance(case.body, (dict, list)):
        case.body = meant(route, taken(case.body))
    # What takes time is done by every fifth request: to wait, or to have a job of its own rather than be told that the
    # idempotency key is of another request.
    if calls[route] % 5 == 0:
        if "idempotency-key" in (case.headers or {}):
            case.headers["idempotency-key"] = str(uuid4())
    else:
        for part in (case.query, case.body):
            if isinstance(part, dict) and "wait" in part:
                part["wait"] = 0
    calls[route] += 1
    # What is made up is mostly not there: every other request is about what is.
    if calls[route] % 2 == 0:
        aim(case, route)


calls = Counter()


def aim(case, route):
    """Makes a request be about what there is. What it would use up is made for it."""
    if route == "POST /v1/batches":
        case.body = {**case.body, "input_file_id": THERE["files"], "endpoint": "/v1/completions"}
    _, noun, parameter, *action = re.sub("^.* /(v1/)?", "/", route).split("/") + ["", ""]
    if not parameter.startswith("{"):
        return
    name = parameter.strip("{}")
    if noun == "jobs" and action[0] in ("cancel", "claim"):
        case.path_parameters[name] = new_job()
    elif noun == "jobs" and action[0] in ("chunks", "complete", "fail", "release"):
        case.path_parameters[name] = new_job(claimed=True)
    elif route == "DELETE /v1/files/{id}":
        case.path_parameters[name] = new_file()
    elif noun == "payouts" and action[0] in ("confirm", "dispute"):
        # A signature is one of this very answer. Without keys, there is no other way to be the one who was paid.
        if isinstance(case.body, dict):
            case.body.pop("signature", None)
        case.path_parameters[name] = THERE[noun] if "miner" in KEYS else "payout-none"
    elif noun in THERE:
        case.path_parameters[name] = THERE[noun]
    if route.startswith("POST /v1/jobs/{id}/") and isinstance(case.body, dict):
        of_others = ("epoch", "attempt", "signature")
        case.body = {key: value for key, value in case.body.items() if key not in of_others}
        case.body["miner_id"] = LAB["miner_id"]
    if noun == "miners":
        call("POST", "/v1/miners/register", "miner", json=LAB)
        for part in (case.query, case.body):
            if isinstance(part, dict):
                part.pop("epoch", None)


LAB = {"miner_id": "lab", "capabilities": ["held"]}


def new_job(claimed=False):
    job = call("POST", "/v1/jobs", "client", json={"model": "held", "prompt": "Hello"})["job_id"]
    call("POST", "/v1/miners/register", "miner", json=LAB)
    # Requests to suspend it are tried, too, and a suspended miner claims nothing.
    call("POST", "/v1/miners/lab/reinstate", "admin")
    if claimed:
        call("POST", f"/v1/jobs/{job}/claim", "miner", json={"miner_id": "lab"})
    return job


def new_file():
    return call("POST", "/v1/files", "client", data={"purpose": "batch"}, files={"file": ("a.jsonl", "{}")})["id"]


def call(method, path, scope, **request):
    headers = {"X-Api-Key": KEYS[scope]} if scope in KEYS else {}
    answer = session.request(method, os.environ["URL"] + path, headers=headers, timeout=20, **request)
    answer.raise_for_status()
    return answer.json()


session = requests.Session()


def meant(route, body):
    # A file of requests is text in UTF-8.
    if route == "POST /v1/files":
        return {**body, "file": '{"custom_id":"1"}\n'}
    # A proof is a signature of this very request, and so is that of a passport. Not every 32 bytes are a key: this one is
    # of RFC 8032.
    if route == "POST /v1/miners/register":
        registration = {name: value for name, value in body.items() if name != "proof"}
        if isinstance(body.get("models"), list):
            registration["models"] = [without_passport(model) for model in body["models"]]
        key = {"public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        return {**registration, **(key if "public_key" in body else {})}
    # What is delivered goes to a name that could be one.
    if "url" in body or "webhook_url" in body:
        return {name: RECEIVER if name in ("url", "webhook_url") else part for name, part in body.items()}
    # The operator names the tiers, and a key expires in the future.
    if route.startswith(("POST /v1/api-keys", "PATCH /v1/api-keys", "POST /v1/invitations")):
        fixed = {"tier": None, "expires_at": "2100-01-01T00:00:00Z"}
        return {name: fixed.get(name, part) for name, part in body.items()}
    # A result of these types is JSON within a text.
    results = {"message": MESSAGE, "embeddings": EMBEDDINGS}
    if route == "POST /v1/jobs/{id}/complete" and body.get("result_type") in results:
        return {**body, "result": results[body["result_type"]]}
    return body


def without_passport(model):
    return {name: value for name, value in model.items() if name != "passport"} if isinstance(model, dict) else model


@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    """Drops refusals that follow from documented state: the echo backend has no logprobs, and a name no address."""
    states = (b'"unsupported_by_engine"', b'"WEBHOOK_ADDRESS_REFUSED"')
    return not (isinstance(failure, RejectedPositiveData) and any(state in response.content for state in states))


def taken(value):
    """Gives each address the checksum that it ends with, and each named tool a tool. Leaves away members that no object
    may have."""
    if isinstance(value, dict):
        return with_named_tool({name: taken(part) for name, part in value.items() if name != "__proto__"})
    if isinstance(value, list):
        return [taken(part) for part in value]
    if isinstance(value, str) and ADDRESS.fullmatch(value):
        return address([CHARSET.index(character) for character in value[4:36]])
    return value


def with_named_tool(body):
    """Makes a choice of one tool name the first of the tools that there are."""
    choice, tools = body.get("tool_choice"), body.get("tools")
    if not isinstance(choice, dict) or not isinstance(tools, list) or not tools:
        return body
    return {**body, "tool_choice": {"type": "function", "function": {"name": tools[0]["function"]["name"]}}}


def address(words):
    """Bech32m (BIP-350) with the prefix `ait`."""
    prefix = [ord(character) >> 5 for character in "ait"] + [0] + [ord(character) & 31 for character in "ait"]
    check = polymod(prefix + words + [0] * 6) ^ 0x2BC830A3
    checksum = [check >> 5 * (5 - index) & 31 for index in range(6)]
    return "ait1" + "".join(CHARSET[word] for word in words + checksum)


def polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check

