"""Requests signed the way each known client signs them, for the tests of verification.

Owns one function for each row of the table of clients. Does not use the verifier, so that the two
can disagree: query strings are put together by hand, and botocore signs where it can.

Source: facts 1.8.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

from localaws.core.signature import AccessKey
from localaws.core.signed_request import Request
from wire.secret import Secret

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "20260102T030405Z"
REGION = "us-east-1"
HOST = "abc-ats.iot.us-east-1.amazonaws.com"
TOKEN = "FwoGZXIvYXdzE//+a=="
USER = AccessKey(access_key_id="AKIAEXAMPLE", secret=Secret("s3cr3t"))
SESSION = AccessKey(
    access_key_id="ASIAEXAMPLE",
    secret=Secret("s3cr3t"),
    session_token=Secret(TOKEN),
    expires_at=NOW.replace(hour=4),
)


def signature_of(
    *,
    query: str,
    signed: Mapping[str, str],
    stamp: str = STAMP,
    service: str = "iotdevicegateway",
    region: str = REGION,
) -> str:
    """Return the signature of `GET /mqtt` over a canonical query, computed step by step."""
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    empty = hashlib.sha256(b"").hexdigest()
    canonical = f"GET\n/mqtt\n{query}\n{lines}\n{';'.join(signed)}\n{empty}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = b"AWS4s3cr3t"
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def unsigned_query(
    key: AccessKey,
    *,
    service: str = "iotdevicegateway",
    stamp: str = STAMP,
    region: str = REGION,
    signed_headers: str = "host",
    expires: int | None = None,
) -> str:
    """Return the sorted query that is signed, as aws-iot-device-sdk v1 writes it."""
    credential = quote(f"{key.access_key_id}/{stamp[:8]}/{region}/{service}/aws4_request", safe="")
    life = "" if expires is None else f"&X-Amz-Expires={expires}"
    return (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={stamp}{life}"
        f"&X-Amz-SignedHeaders={quote(signed_headers, safe='')}"
    )


def handshake(query: str, *, host: str = HOST, connection: str = "Upgrade") -> Request:
    """Return a handshake as it arrives."""
    headers = {"host": host, "connection": connection, "upgrade": "websocket"}
    return Request(method="GET", path="/mqtt", query=query, headers=headers)


def token_of(key: AccessKey) -> str:
    """Return the query parameter of the key's session token, or nothing."""
    if key.session_token is None:
        return ""
    return f"&X-Amz-Security-Token={quote(key.session_token.reveal(), safe='')}"


def sdk_v1(key: AccessKey, *, host: str = HOST) -> Request:
    """Sign as aws-iot-device-sdk v1: `host[:port]`, token last."""
    query = unsigned_query(key)
    signed = signature_of(query=query, signed={"host": host.lower()})
    return handshake(f"{query}&X-Amz-Signature={signed}{token_of(key)}", host=host)


def crt_browser(key: AccessKey) -> Request:
    """Sign as aws-crt in browsers: the name without its port."""
    query = unsigned_query(key)
    signed = signature_of(query=query, signed={"host": "localhost"})
    return handshake(f"{query}&X-Amz-Signature={signed}{token_of(key)}", host="localhost:8081")


def crt_native(key: AccessKey) -> Request:
    """Sign as awscrt: `connection;host`, the token before the signature and not signed."""
    query = unsigned_query(key, signed_headers="connection;host")
    signed = signature_of(query=query, signed={"connection": "Upgrade", "host": HOST})
    return handshake(f"{query}{token_of(key)}&X-Amz-Signature={signed}")


def aws4fetch(key: AccessKey) -> Request:
    """Sign as aws4fetch: its own order on the wire, form-encoded, the port kept."""
    host = "127.0.0.1:8081"
    signed = signature_of(query=unsigned_query(key), signed={"host": host})
    credential = f"{key.access_key_id}/20260102/{REGION}/iotdevicegateway/aws4_request"
    query = (
        f"X-Amz-Date={STAMP}&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        f"&X-Amz-Credential={quote_plus(credential)}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={signed}{token_of(key)}"
    )
    return handshake(query, host=host)


def with_expires(key: AccessKey, seconds: int) -> Request:
    """Sign as botocore's query signer and many samples: X-Amz-Expires is signed."""
    query = unsigned_query(key, expires=seconds)
    signed = signature_of(query=query, signed={"host": HOST})
    return handshake(f"{query}&X-Amz-Signature={signed}{token_of(key)}")


def as_iotdata(key: AccessKey) -> Request:
    """Sign for the service name of the HTTP API, which works on handshakes too."""
    query = unsigned_query(key, service="iotdata")
    signed = signature_of(query=query, signed={"host": HOST}, service="iotdata")
    return handshake(f"{query}&X-Amz-Signature={signed}{token_of(key)}")


def token_signed(key: AccessKey) -> Request:
    """Sign the token as other AWS services want it, which IoT refuses."""
    query = unsigned_query(key)
    head, tail = query.split("&X-Amz-SignedHeaders")
    full = f"{head}{token_of(key)}&X-Amz-SignedHeaders{tail}"
    return handshake(f"{full}&X-Amz-Signature={signature_of(query=full, signed={'host': HOST})}")


CLIENTS = (sdk_v1, crt_browser, crt_native, aws4fetch, as_iotdata)
"""Every way of signing a handshake that must be accepted."""


def changed(request: Request, old: str, new: str) -> Request:
    """Return a request with one text in its query replaced."""
    assert old in request.query
    return replace(request, query=request.query.replace(old, new))
