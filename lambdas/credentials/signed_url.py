"""The presigned URL that opens the MQTT connection.

Owns SigV4 query signing as IoT's device gateway wants it: over `GET /mqtt` with the host header and
an empty body, and with the session token *outside* the signature, appended after it. botocore's
presigner would sign the token, and IoT refuses that; for the rest this makes the same URL, byte for
byte, which the tests prove against it.

IoT takes the URL for about 5 minutes around `X-Amz-Date` whatever `X-Amz-Expires` says.

Source: AWS IoT developer guide, "MQTT over WSS with SigV4"; aws-sdk-js#1456.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from wire import sigv4
from wire.limits import HANDSHAKE_WINDOW_S

if TYPE_CHECKING:
    from datetime import datetime

    from lambdas.credentials.client_role import ClientCredentials

SIGNING_NAME: Final = "iotdevicegateway"
"""Service name in the credential scope. Source: botocore's iot-data model; every AWS IoT SDK."""

_DEFAULT_PORTS: Final = {"wss": 443, "ws": 80}


def signed_url(endpoint: str, *, region: str, credentials: ClientCredentials, now: datetime) -> str:
    """Return the endpoint with a signature in its query.

    Args:
        endpoint: ``wss://<host>[:<port>]/mqtt``, lower-case, without a query.
        region: The endpoint's region.
        credentials: Fresh from STS.
        now: The time, UTC.
    """
    timestamp = now.strftime("%Y%m%dT%H%M%SZ")
    scope = sigv4.Scope(day=timestamp[:8], region=region, service=SIGNING_NAME)
    query = sigv4.canonical_query(
        (
            ("X-Amz-Algorithm", sigv4.ALGORITHM),
            ("X-Amz-Credential", f"{credentials.access_key_id}/{scope}"),
            ("X-Amz-Date", timestamp),
            ("X-Amz-Expires", str(HANDSHAKE_WINDOW_S)),
            ("X-Amz-SignedHeaders", "host"),
        )
    )
    request = sigv4.canonical_request(
        method="GET",
        path=urlsplit(endpoint).path,
        query=query,
        headers={"host": _host(endpoint)},
        signed_headers=("host",),
        payload_sha256=sigv4.EMPTY_SHA256,
    )
    text = sigv4.string_to_sign(timestamp=timestamp, scope=scope, request=request)
    key = sigv4.signing_key(credentials.secret_access_key.reveal(), scope)
    token = sigv4.uri_encode(credentials.session_token.reveal())
    signature = sigv4.signature(key, text)
    return f"{endpoint}?{query}&X-Amz-Signature={signature}&X-Amz-Security-Token={token}"


def _host(endpoint: str) -> str:
    """Return the Host header that a browser will send: without the scheme's default port."""
    parts = urlsplit(endpoint)
    return parts.netloc.removesuffix(f":{_DEFAULT_PORTS[parts.scheme]}")
