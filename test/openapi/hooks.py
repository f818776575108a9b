"""What the reference can't say in a schema, so that requests made from it are as it means them."""

import json
import os
import re

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
ADDRESS = re.compile("ait1[02-9ac-hj-np-z]{38}")
CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MESSAGE = json.dumps({"content": None, "tool_calls": [CALL]})
EMBEDDINGS = json.dumps({"embeddings": ["AACAPw=="]})
# Keys by scope.
KEYS = json.loads(os.environ["KEYS"])


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
        return KEYS.get(next(iter(named), "client"))

    def set(self, case, data, ctx):
        if ctx.operation.definition.raw.get("security"):
            case.headers["X-Api-Key"] = data


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    case.path_parameters = taken(case.path_parameters)
    case.query = taken(case.query)
    if isinstance(case.body, (dict, list)):
        case.body = meant(f"{case.operation.method.upper()} {case.operation.path}", taken(case.body))


def meant(route, body):
    # A file of requests is text in UTF-8.
    if route == "POST /v1/files":
        return {**body, "file": '{"custom_id":"1"}\n'}
    # A proof is a signature of this very request, and not every 32 bytes are a key: this one is of RFC 8032.
    if route == "POST /v1/miners/register":
        registration = {name: value for name, value in body.items() if name != "proof"}
        key = {"public_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        return {**registration, **(key if "public_key" in body else {})}
    # A result of these types is JSON within a text.
    results = {"message": MESSAGE, "embeddings": EMBEDDINGS}
    if route == "POST /v1/jobs/{id}/complete" and body.get("result_type") in results:
        return {**body, "result": results[body["result_type"]]}
    return body


@schemathesis.hook
def filter_failure(ctx, failure, case, response):
    """Drops the refusal of what the engine can't do, which is documented state: the echo backend has no logprobs."""
    return not (isinstance(failure, RejectedPositiveData) and b'"unsupported_by_engine"' in response.content)


def taken(value):
    """Gives each address the checksum that it ends with. Leaves away members that no object may have."""
    if isinstance(value, dict):
        return {name: taken(part) for name, part in value.items() if name != "__proto__"}
    if isinstance(value, list):
        return [taken(part) for part in value]
    if isinstance(value, str) and ADDRESS.fullmatch(value):
        return address([CHARSET.index(character) for character in value[4:36]])
    return value


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

