"""What an API Gateway HTTP API makes of an HTTP request, and of a function's answer to it.

Owns the payload format 2.0 event, and the reading of a function's result into an HTTP answer.
Does not listen, route, time or call anything; CORS is in `localaws.core.cors`.

Known to differ from payload format 1.0, on purpose: no multi-value maps. Repeated headers and query
parameters are joined with commas, cookies travel apart, and `multiValueHeaders` in a result is
ignored as it is in AWS.

Source: API Gateway developer guide, "AWS Lambda proxy integrations for HTTP APIs".
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, unquote

from localaws.core.refusal import Answer

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""Largest request body; larger ones get 413. Source: API Gateway quotas, "Payload size"."""

TEXT_TYPES: Final = ("application/json", "application/javascript", "application/xml", "text/")
"""Content types whose body reaches the function as text; any other arrives in base64.

Source: seen on AWS, in particular that form posts and untyped bodies arrive encoded.
"""

MESSAGES: Final[Mapping[int, str]] = {
    404: "Not Found",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""The gateway's own answers: 500 for a function that failed or answered nonsense, 503 for one that
could not run or outlived the integration's time-out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """An HTTP request as it came in.

    Attributes:
        method: Verb, upper case.
        path: Path as sent, percent-encoded.
        query: Query string as sent, without `?`.
        headers: Name and value of each field in order, repeated names allowed.
        body: Whole body.
        source_ip: Address of the peer.
        protocol: Such as `HTTP/1.1`.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"

    def header(self, name: str) -> str | None:
        """Return the first value of a field; `name` is in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The API and route a request matched.

    Attributes:
        account: Account that owns the API.
        api_id: Id of the API, also the first label of its domain.
        key: Route key, such as `POST /credentials`.
        domain: Host name the API answers to.
    """

    account: str
    api_id: str
    key: str
    domain: str


def request_event(
    request: HttpRequest, *, route: Route, request_id: str, now: datetime
) -> dict[str, object]:
    """Build the payload format 2.0 event for a request.

    Args:
        request: The request as received.
        route: Where it matched.
        request_id: The gateway's own id for it, also answered in `apigw-requestid`.
        now: Time of arrival, with a zone.
    """
    now = now.astimezone(UTC)
    path = unquote(request.path)
    event: dict[str, object] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": request.query,
        "headers": _joined_headers(request),
        "requestContext": {
            "accountId": route.account,
            "apiId": route.api_id,
            "domainName": route.domain,
            "domainPrefix": route.domain.split(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent") or "",
            },
            "requestId": request_id,
            "routeKey": route.key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
    }
    if cookies := _cookies(request):
        event["cookies"] = cookies
    if request.query:
        event["queryStringParameters"] = _joined_query(request.query)
    return event | _event_body(request)


def answer_of(result: object) -> Answer | None:
    """Read a function's result as format 2.0 does; None where AWS answers 500.

    A result without `statusCode` is itself the JSON body of a 200.
    """
    if not isinstance(result, Mapping) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result)
        return Answer(200, (("content-type", "application/json"),), body.encode())
    status, sent = _status(result["statusCode"]), _answer_body(result)
    headers, cookies = result.get("headers") or {}, result.get("cookies") or []
    if status is None or sent is None or not isinstance(headers, Mapping):
        return None
    if not isinstance(cookies, list):
        return None
    fields = [(str(name).lower(), _header_text(value)) for name, value in headers.items()]
    if not any(name == "content-type" for name, _ in fields):
        fields.append(("content-type", "text/plain; charset=utf-8"))
    fields.extend(("set-cookie", str(cookie)) for cookie in cookies)
    return Answer(status, tuple(fields), sent)


def own_answer(status: int) -> Answer:
    """Make one of the gateway's own answers. Source: `MESSAGES`."""
    body = json.dumps({"message": MESSAGES[status]}, separators=(",", ":")).encode()
    return Answer(status, (("content-type", "application/json"),), body)


def _joined_headers(request: HttpRequest) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        key = name.lower()
        if key != "cookie":
            joined[key] = f"{joined[key]},{value}" if key in joined else value
    joined.setdefault("x-forwarded-for", request.source_ip)
    return joined


def _cookies(request: HttpRequest) -> list[str]:
    return [
        cookie.strip()
        for name, value in request.headers
        if name.lower() == "cookie"
        for cookie in value.split(";")
        if cookie.strip()
    ]


def _joined_query(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _event_body(request: HttpRequest) -> dict[str, object]:
    if not request.body:
        return {"isBase64Encoded": False}
    content_type = (request.header("content-type") or "").strip().lower()
    if content_type.startswith(TEXT_TYPES):
        try:
            return {"body": request.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}


def _status(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if len(text) == 3 and text.isdecimal() and "200" <= text <= "599" else None


def _answer_body(result: Mapping[str, object]) -> bytes | None:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return None
    if not result.get("isBase64Encoded", False):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _header_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
