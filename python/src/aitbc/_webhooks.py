"""Verifies what webhooks are told, as Standard Webhooks says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import AitbcError
from .models import WebhookMessage

_SECRET = "whsec_"  # noqa: S105
_KEY = "whpk_"


class WebhookVerificationError(AitbcError):
    """A delivery that the coordinator did not send, or not now."""


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secrets: str | Sequence[str],
    *,
    tolerance: float = 300.0,
    now: float | None = None,
) -> WebhookMessage:
    """Checks a delivery and gives its message.

    Args:
        body: the request's body exactly as it came: parsing and writing JSON again changes it
        headers: of the request; names in any case
        secrets: the webhook's secret (``whsec_…``) or the coordinator's webhook key (``whpk_…``); of several, one
            must fit
        tolerance: seconds that the time of the delivery may be from ``now``
        now: seconds since the epoch; the system's clock where it is not given

    Raises:
        WebhookVerificationError: when no signature fits, or the delivery is older than the tolerance
        ValueError: when a secret is neither
    """
    content = body.encode() if isinstance(body, str) else body
    found = {name.lower(): value for name, value in headers.items()}
    try:
        identity, timestamp = found["webhook-id"], found["webhook-timestamp"]
        signatures = found["webhook-signature"].split(" ")
    except KeyError as error:
        raise WebhookVerificationError(f"The delivery has no header {error.args[0]}") from error
    if not timestamp.isdecimal() or abs((time.time() if now is None else now) - int(timestamp)) > tolerance:
        raise WebhookVerificationError(f"The delivery is not of the last {tolerance:g} s")
    signed = f"{identity}.{timestamp}.".encode() + content
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        if any(_fits(secret, signature, signed) for signature in signatures):
            return WebhookMessage.model_validate_json(content)
    raise WebhookVerificationError("No signature of the delivery fits")


def _fits(secret: str, signature: str, signed: bytes) -> bool:
    version, _, text = signature.partition(",")
    try:
        given = base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    if secret.startswith(_SECRET):
        expected = hmac.new(base64.b64decode(secret[len(_SECRET) :]), signed, hashlib.sha256).digest()
        return version == "v1" and hmac.compare_digest(given, expected)
    if secret.startswith(_KEY):
        return version == "v1a" and _verify_ed25519(secret[len(_KEY) :], given, signed)
    raise ValueError("A webhook is verified with a secret (whsec_…) or a public key (whpk_…)")


def _verify_ed25519(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, signed)
    except InvalidSignature:
        return False
    return True
