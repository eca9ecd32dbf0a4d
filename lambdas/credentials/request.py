"""Reading a credential request out of an API Gateway event.

Owns the route, the bearer token and the body, in payload format 2.0. Does not verify the token.

The body is optional, and so is its one member `device`: no body means a device is made up.

Source: API Gateway developer guide, "AWS Lambda proxy integrations for HTTP APIs"; RFC 6750
section 2.1; docs/design.md, "Credential API".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Final

from lambdas.credentials.errors import (
    BadRequest,
    MethodNotAllowed,
    MissingToken,
    NoSuchRoute,
    UnexpectedEvent,
)
from wire.address import check_device
from wire.errors import InvalidDevice

PATH: Final = "/credentials"
METHOD: Final = "POST"
MAX_BODY_BYTES: Final = 4_096
"""Largest body, bytes; the longest device leaves it nearly empty."""

_MEMBERS: Final = frozenset({"device"})
_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def check_route(event: Mapping[str, object]) -> None:
    """Check that the event is a call of this API's one route.

    Raises:
        NoSuchRoute, MethodNotAllowed: It is another one.
        UnexpectedEvent: It is no HTTP API event in payload format 2.0.
    """
    http = _mapping(_mapping(event, "requestContext"), "http")
    method, path, route = http.get("method"), event.get("rawPath"), event.get("routeKey")
    if event.get("version") != "2.0" or not isinstance(method, str) or not isinstance(path, str):
        raise UnexpectedEvent("the event is not in payload format 2.0")
    # Under a named stage or a path mapping rawPath has a prefix; the matched route has not.
    matched = route.partition(" ")[2] if isinstance(route, str) and " " in route else path
    if matched != PATH:
        raise NoSuchRoute(f"This API has one route, {METHOD} {PATH}.")
    if method != METHOD:
        raise MethodNotAllowed(f"{PATH} takes {METHOD} only.")


def bearer_token(event: Mapping[str, object]) -> str:
    """Return the bearer token, unverified.

    Raises:
        MissingToken: There is no Authorization header, or it is of another scheme.
    """
    found = _BEARER.fullmatch(_header(event, "authorization"))
    if found is None:
        raise MissingToken("Send the token as Authorization: Bearer <token>.")
    return found[1]


def requested_device(event: Mapping[str, object]) -> str | None:
    """Return the device that the body asks for, or None where it asks for none.

    Raises:
        BadRequest: The body is not the JSON object this API takes.
    """
    text = _body(event)
    if not text.strip():
        return None
    kind = _header(event, "content-type").partition(";")[0].strip().lower()
    if kind not in ("", "application/json"):
        raise BadRequest("The body must be application/json.")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    if not body.keys() <= _MEMBERS:
        raise BadRequest('The body may have one member only, "device".')
    device = body.get("device")
    if device is None:
        return None
    if not isinstance(device, str):
        raise BadRequest("Member device must be a text.")
    try:
        return check_device(device)
    except InvalidDevice as error:
        raise BadRequest(f"Member device: {error.problem}.") from None


def _body(event: Mapping[str, object]) -> str:
    body = event.get("body")
    if body is None:
        return ""
    if not isinstance(body, str):
        raise UnexpectedEvent("the event's body is no text")
    try:
        encoded = event.get("isBase64Encoded") is True
        content = base64.b64decode(body, validate=True) if encoded else body.encode()
        text = content.decode()
    except (binascii.Error, UnicodeError):
        raise BadRequest("The body is not UTF-8 text.") from None
    if len(content) > MAX_BODY_BYTES:
        raise BadRequest(f"The body has at most {MAX_BODY_BYTES} bytes.")
    return text


def _header(event: Mapping[str, object], name: str) -> str:
    """Return a header's value; API Gateway gives names in lower case, other callers may not."""
    for key, value in _mapping(event, "headers").items():
        if key.lower() == name and isinstance(value, str):
            return value
    return ""


def _mapping(outer: Mapping[str, object], name: str) -> Mapping[str, object]:
    inner = outer.get(name)
    return inner if isinstance(inner, dict) else {}
