"""What AWS answers when it refuses, and the bytes it says it with.

Owns the refusal as a value and its three wire shapes: the IoT device gateway's JSON (handshakes
and the HTTP data plane), the query APIs' XML and the JSON APIs' errors. Does not decide anything
(signature, assume_role, principal and http_publish do) and does not write to sockets.

Source: facts 1.6 and 2.6 in docs/fidelity.md (captured answers); AWS API references, "Common Errors".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

EXPOSED_HEADERS: Final = (
    "x-amzn-ErrorMessage",
    "x-amzn-RequestId",
    "x-amzn-ErrorType",
    "Date",
)
"""What scripts may read of a refusal from the device gateway, one header line each.
Source: captures in odelot/aws-mqtt-websockets#54 and aws-iot-device-sdk-cpp-v2#221."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request AWS would not honour.

    Attributes:
        status: HTTP status, 400 to 599.
        code: AWS's error code without trailing colon, e.g. ``ForbiddenException``.
        message: AWS's sentence, exact where the source gives it.
        explanation: Which rule decided, for logs; never sent to the peer.
    """

    status: int
    code: str
    message: str
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer ready to be written.

    Attributes:
        status: HTTP status.
        headers: Name and value pairs in order; a name may repeat.
        body: The exact body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def iot_answer(refusal: Refusal, *, trace_id: str, now: datetime) -> Answer:
    """Return a refusal as the IoT device gateway words it, for handshakes and the HTTP data plane.

    Args:
        refusal: What was refused and why.
        trace_id: A fresh UUID; it is both the body's traceId and the request id.
        now: Aware UTC time for the Date header.

    Returns:
        JSON `{"message": …, "traceId": …}` without blanks, and headers that botocore takes the
        error code from (`x-amzn-ErrorType`, with the trailing colon that AWS sends).
    """
    return _iot(
        refusal.status,
        {"message": refusal.message, "traceId": trace_id},
        trace_id=trace_id,
        extra=(
            ("x-amzn-ErrorType", f"{refusal.code}:"),
            ("access-control-allow-origin", "*"),
            *(("access-control-expose-headers", name) for name in EXPOSED_HEADERS),
        ),
        now=now,
    )


def iot_ok(*, trace_id: str, now: datetime) -> Answer:
    """Return the device gateway's answer to a publish that went well, 65 bytes of JSON."""
    return iot_document({"message": "OK", "traceId": trace_id}, trace_id=trace_id, now=now)


def iot_document(body: Mapping[str, object], *, trace_id: str, now: datetime) -> Answer:
    """Return a document as the device gateway's HTTP API answers with it."""
    return _iot(200, body, trace_id=trace_id, extra=(), now=now)


def iot_empty(*, trace_id: str, now: datetime) -> Answer:
    """Return the device gateway's answer that has nothing to say. Source: facts 2.1."""
    headers = (
        ("content-length", "0"),
        ("date", format_datetime(now, usegmt=True)),
        ("x-amzn-RequestId", trace_id),
    )
    return Answer(200, headers, b"")


def query_answer(refusal: Refusal, *, request_id: str, namespace: str) -> Answer:
    """Return a refusal as AWS's query APIs word it (STS, IAM, SNS, older SQS): XML.

    Args:
        refusal: What was refused and why.
        request_id: A fresh UUID.
        namespace: The API's XML namespace, e.g. ``https://sts.amazonaws.com/doc/2011-06-15/``.
    """
    kind = "Sender" if refusal.status < 500 else "Receiver"
    body = (
        f'<ErrorResponse xmlns="{escape(namespace)}"><Error><Type>{kind}</Type>'
        f"<Code>{escape(refusal.code)}</Code><Message>{escape(_printable(refusal.message))}</Message>"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
    headers = (("content-type", "text/xml"), ("x-amzn-RequestId", request_id))
    return Answer(refusal.status, headers, body)


def json_answer(refusal: Refusal, *, request_id: str) -> Answer:
    """Return a refusal as AWS's JSON APIs word it (SQS, DynamoDB, REST-JSON services).

    Args:
        refusal: What was refused and why.
        request_id: A fresh UUID.
    """
    body = json.dumps({"__type": refusal.code, "message": refusal.message}).encode()
    headers = (
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", refusal.code),
    )
    return Answer(refusal.status, headers, body)


def _iot(
    status: int,
    body: Mapping[str, object],
    *,
    trace_id: str,
    extra: tuple[tuple[str, str], ...],
    now: datetime,
) -> Answer:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    headers = (
        ("content-type", "application/json"),
        ("content-length", str(len(text))),
        ("date", format_datetime(now, usegmt=True)),
        ("x-amzn-RequestId", trace_id),
        *extra,
    )
    return Answer(status, headers, text)


def _printable(text: str) -> str:
    """Drop what XML 1.0 cannot hold: a refusal may quote the caller's own text."""
    return "".join(sign for sign in text if sign in "\t\n\r" or sign >= " ")
