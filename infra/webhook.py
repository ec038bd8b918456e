"""The Lambda function that notifies an address when a backfill ends, with a signature as Standard Webhooks defines it.

The function consists of this file alone and the libraries of the runtime. EventBridge sends it an event, whose id
becomes the message's id, so that a receiver recognises a message that it gets twice.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

TIMEOUT = 20.0
"""Seconds until a receiver has to answer; Standard Webhooks recommends 15 to 30."""
GONE = 410
PREFIX = "whsec_"


class Gone(Exception):
    """The receiver answered with status 410: it wants no more messages, so the delivery is not repeated."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect: the message is for the address that was configured, and no other."""


def handler(event: Mapping[str, Any], _context: Any) -> None:
    """Deliver an event's message. Raises `Gone` for status 410, and `URLError` if the receiver does not accept it."""
    body = json.dumps(message(event), ensure_ascii=False, allow_nan=False).encode()
    headers = sign(f"msg_{event['id']}", int(time.time()), body, _secrets())
    request = urllib.request.Request(  # noqa: S310, the template takes https alone
        os.environ["URL"], body, {"content-type": "application/json", "user-agent": "faunalens", **headers}
    )
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=TIMEOUT) as response:
            print(f"webhook: {headers['webhook-id']} was taken ({response.status})")
    except urllib.error.HTTPError as error:
        if error.code == GONE:
            raise Gone("the receiver answered 410") from error
        raise


def message(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the message: `type`, `timestamp` and `data`, without places and photos."""
    detail = event["detail"]
    asked = json.loads(detail["input"])
    return {
        "type": "backfill.succeeded" if detail["status"] == "SUCCEEDED" else "backfill.failed",
        "timestamp": event["time"],
        "data": {
            "run": asked["run"],
            "study": asked["study"],
            "photos": asked["photos"],
            "results": asked["results"],
            "status": detail["status"].lower(),
            "started": _moment(detail["startDate"]),
            "stopped": _moment(detail["stopDate"]),
        },
    }


def sign(identity: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers of a message, with a signature for each of `secrets` (Base64). `timestamp`: Unix seconds."""
    signed = f"{identity}.{timestamp}.".encode() + body
    keys = (base64.b64decode(secret.removeprefix(PREFIX)) for secret in secrets)
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _secrets() -> list[str]:
    """Return the present secret and the previous one, since a receiver may need some time to switch to a new secret."""
    import boto3

    client, found = boto3.client("secretsmanager"), []
    for stage in ("AWSCURRENT", "AWSPREVIOUS"):
        try:
            found.append(client.get_secret_value(SecretId=os.environ["SECRET"], VersionStage=stage)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            if stage == "AWSCURRENT":
                raise
    return found


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1e3, UTC).isoformat(timespec="seconds")
