"""The parameters of a request to the IoT HTTP data plane: query, path and `x-amz-mqtt5-*` headers.

Owns reading each of them, and the refusal for one that does not fit. Does not know operations
(`http_publish`, `http_direct`, `http_retained` and `http_connection` do).

Source: the `iot-data` service model; facts 2.1, 2.2, 2.5 and 3.11. AWS's own sentences for a
parameter that does not fit are not documented.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from localaws.core.quotas import DEFAULTS, Quotas
from localaws.core.refusal import Refusal
from wire.errors import InvalidTopic
from wire.topic import check_topic

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from localaws.core.signed_request import Request

MAX_CLIENT_ID_CHARS: Final = 128
"""Longest client id. Source: the `iot-data` service model, ClientId."""

_FORMATS: Final = {"UNSPECIFIED_BYTES": 0, "UTF8_DATA": 1}
_FLAGS: Final = {"true": True, "false": False}


class Unfit(Exception):
    """A parameter that does not fit; becomes InvalidRequestException and never leaves the core."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def invalid(problem: str) -> Refusal:
    """Return InvalidRequestException."""
    return Refusal(400, "InvalidRequestException", problem)


def too_large(quotas: Quotas = DEFAULTS) -> Refusal:
    """Return the refusal of a payload over 128 KB; the code is the generic one, unverified."""
    return Refusal(
        413,
        "RequestEntityTooLargeException",
        f"The payload is too large: the limit is {quotas.payload_bytes} bytes.",
    )


def query_of(request: Request, names: Collection[str]) -> dict[str, str]:
    """Return the named query parameters that are there; each may stand once.

    Raises:
        Unfit: The query cannot be read, or a parameter is repeated.
    """
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise Unfit("The query string is not UTF-8, or has too many fields.") from None
    sent = {name: value for name, value in pairs if name in names}
    if sum(name in names for name, _ in pairs) != len(sent):
        raise Unfit("A query parameter is repeated.")
    return sent


def path_part(request: Request, prefix: str, suffix: str = "") -> str:
    """Return what stands between prefix and suffix of the raw path, decoded.

    Raises:
        Unfit: It is not UTF-8.
    """
    try:
        return unquote(request.path.removeprefix(prefix).removesuffix(suffix), errors="strict")
    except UnicodeDecodeError:
        raise Unfit("The path is not UTF-8.") from None


def client_id_of(request: Request, prefix: str, suffix: str = "") -> str:
    """Return the client id in a path.

    Raises:
        Unfit: It is none.
    """
    client_id = path_part(request, prefix, suffix)
    if not 1 <= len(client_id) <= MAX_CLIENT_ID_CHARS or client_id.startswith("$"):
        raise Unfit("clientId must have 1 to 128 characters and not begin with $.")
    return client_id


def flag(sent: Mapping[str, str], name: str) -> bool:
    """Return a switch, False if it is not there.

    Raises:
        Unfit: It is neither true nor false.
    """
    found = _FLAGS.get(sent.get(name, "false").lower())
    if found is None:
        raise Unfit(f"{name} must be true or false.")
    return found


def whole(sent: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within bounds.

    Raises:
        Unfit: It is none.
    """
    text = sent.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Unfit(f"{name} must be a whole number.")
    if not least <= int(text) <= most:
        raise Unfit(f"{name} must be between {least} and {most}.")
    return int(text)


def response_topic(sent: Mapping[str, str], quotas: Quotas) -> str | None:
    """Return the response topic, None if there is none.

    Raises:
        Unfit: It is no topic.
    """
    topic = sent.get("responseTopic")
    if topic is None:
        return None
    try:
        return check_topic(topic, max_bytes=quotas.topic_bytes, max_slashes=quotas.topic_slashes)
    except InvalidTopic as problem:
        raise Unfit(f"responseTopic is invalid: {problem.problem}.") from None


def content_type(sent: Mapping[str, str], quotas: Quotas) -> str | None:
    """Return the content type, None if there is none.

    Raises:
        Unfit: It is too long.
    """
    found = sent.get("contentType")
    if found is not None and _more(len(found.encode()), quotas.content_type_bytes):
        raise Unfit(f"contentType is over {quotas.content_type_bytes} bytes.")
    return found


def payload_format(request: Request) -> int | None:
    """Return the payload format indicator, None if there is none.

    Raises:
        Unfit: It is unknown.
    """
    name = request.headers.get("x-amz-mqtt5-payload-format-indicator")
    if name is None:
        return None
    if name not in _FORMATS:
        raise Unfit(f"payloadFormatIndicator must be one of {', '.join(_FORMATS)}.")
    return _FORMATS[name]


def correlation_data(request: Request, quotas: Quotas) -> bytes | None:
    """Return the correlation data, None if there is none.

    Raises:
        Unfit: It is not base64, or too long.
    """
    text = request.headers.get("x-amz-mqtt5-correlation-data")
    if text is None:
        return None
    found = _decoded("correlationData", text)
    if _more(len(found), quotas.correlation_bytes):
        raise Unfit(f"correlationData is over {quotas.correlation_bytes} bytes.")
    return found


def user_properties(request: Request, quotas: Quotas) -> tuple[tuple[str, str], ...]:
    """Return the user properties.

    Raises:
        Unfit: They are not base64 of JSON of texts, or too long together.
    """
    text = request.headers.get("x-amz-mqtt5-user-properties")
    if text is None:
        return ()
    try:
        found = json.loads(_decoded("userProperties", text))
        # A JSON text inside JSON is what boto3 sends when it is given a string. Source: facts 2.5.
        found = json.loads(found) if isinstance(found, str) else found
    except (ValueError, RecursionError):
        raise Unfit("userProperties must be base64 of JSON.") from None
    pairs = tuple(_pairs(found))
    size = sum(len(name.encode()) + len(value.encode()) for name, value in pairs)
    if _more(size, quotas.user_properties_bytes):
        raise Unfit(f"userProperties are over {quotas.user_properties_bytes} bytes.")
    return pairs


def _pairs(found: object) -> list[tuple[str, str]]:
    objects = found if isinstance(found, list) else [found]
    pairs: list[tuple[str, str]] = []
    for one in objects:
        if not isinstance(one, dict):
            raise Unfit("userProperties must be an array of objects.")
        for name, value in one.items():
            if not isinstance(value, str) or not _is_utf8(name) or not _is_utf8(value):
                raise Unfit("Every user property must be a UTF-8 text.")
            pairs.append((name, value))
    return pairs


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can write
        return False
    return True


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unfit(f"{name} must be base64.") from None


def _more(size: int, limit: int | None) -> bool:
    return limit is not None and size > limit
