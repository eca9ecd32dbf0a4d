"""A publish over HTTP, from its request to the message it stands for.

Owns the reading of `POST /topics/{topic}`: the topic out of the raw path, every query parameter and
every `x-amz-mqtt5-*` header, and the refusals for what does not fit. Does not authenticate,
authorize or deliver.

Refusals that AWS documents only in part: the answer to a payload over 128 KB (413, the generic
documented code), and to MQTT 5 properties over their limits (400). Both unverified.

Source: the `iot-data` service model, Publish; facts 2.1, 2.2, 2.5 and 3.11.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote

from localaws.core.message import Message, expiry
from localaws.core.refusal import Refusal
from localaws.core.topics import check_published
from wire.errors import InvalidTopic
from wire.limits import MAX_PAYLOAD_BYTES
from wire.topic import check_topic

if TYPE_CHECKING:
    from localaws.core.signed_request import Request

MAX_USER_PROPERTIES_BYTES: Final = 8 * 1024
"""Most bytes of all names and values together. Source: IoT Core MQTT 5 quotas."""

MAX_CORRELATION_BYTES: Final = 8 * 1024
"""Most bytes of correlation data. Source: IoT Core MQTT 5 quotas."""

MAX_CONTENT_TYPE_BYTES: Final = 256
"""Most bytes of a content type. Source: IoT Core MQTT 5 quotas."""

_PREFIX: Final = "/topics/"
_FORMATS: Final = {"UNSPECIFIED_BYTES": 0, "UTF8_DATA": 1}
_FLAGS: Final = {"true": True, "false": False}
_PARAMETERS: Final = frozenset({"qos", "retain", "contentType", "responseTopic", "messageExpiry"})


class _Unfit(Exception):
    """A parameter that does not fit; becomes InvalidRequestException and never leaves here."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def read_publish(request: Request, *, principal: str, now: float) -> Message | Refusal:
    """Read a publish.

    Args:
        request: `POST /topics/{topic}`; slashes in the topic may be escaped or not.
        principal: Who publishes, for rules (`principal()`).
        now: Epoch seconds, which message expiry counts from.

    Returns:
        The message, or InvalidRequestException / RequestEntityTooLargeException.
    """
    if len(request.body) > MAX_PAYLOAD_BYTES:
        return too_large()
    try:
        return _message(request, principal=principal, now=now)
    except _Unfit as unfit:
        return invalid(unfit.problem)


def invalid(problem: str) -> Refusal:
    """Return InvalidRequestException; AWS's own sentences are not documented."""
    return Refusal(400, "InvalidRequestException", problem)


def too_large() -> Refusal:
    """Return the refusal of a payload over 128 KB."""
    return Refusal(
        413,
        "RequestEntityTooLargeException",
        f"The payload is too large: the limit is {MAX_PAYLOAD_BYTES} bytes.",
    )


def _message(request: Request, *, principal: str, now: float) -> Message:
    sent = _query(request.query)
    topic = _topic(request.path)
    retain = _flag(sent, "retain")
    if retain and topic.startswith("$"):
        raise _Unfit("A reserved topic cannot hold a retained message.")
    response_topic = sent.get("responseTopic")
    if response_topic is not None:
        _checked("responseTopic", response_topic)
    content_type = sent.get("contentType")
    if content_type is not None and len(content_type.encode()) > MAX_CONTENT_TYPE_BYTES:
        raise _Unfit(f"contentType is over {MAX_CONTENT_TYPE_BYTES} bytes.")
    return Message(
        topic=topic,
        payload=request.body,
        qos=_qos(sent),
        retain=retain,
        expires_at=expiry(_expiry_s(sent), now),
        payload_format_indicator=_payload_format(request),
        content_type=content_type,
        response_topic=response_topic,
        correlation_data=_correlation_data(request),
        user_properties=_user_properties(request),
        principal=principal,
    )


def _query(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=32)
    except ValueError:
        raise _Unfit("The query string is not UTF-8, or has too many fields.") from None
    sent = {name: value for name, value in pairs if name in _PARAMETERS}
    if sum(name in _PARAMETERS for name, _ in pairs) != len(sent):
        raise _Unfit("A query parameter is repeated.")
    return sent


def _topic(path: str) -> str:
    try:
        topic = unquote(path.removeprefix(_PREFIX), errors="strict")
    except UnicodeDecodeError:
        raise _Unfit("The topic is not UTF-8.") from None
    try:
        return check_published(topic)
    except InvalidTopic as problem:
        raise _Unfit(f"The topic is invalid: {problem.problem}.") from None


def _checked(name: str, topic: str) -> None:
    try:
        check_topic(topic)
    except InvalidTopic as problem:
        raise _Unfit(f"{name} is invalid: {problem.problem}.") from None


def _qos(sent: dict[str, str]) -> int:
    text = sent.get("qos", "0")
    if text not in ("0", "1"):
        raise _Unfit("qos must be 0 or 1.")
    return int(text)


def _flag(sent: dict[str, str], name: str) -> bool:
    flag = _FLAGS.get(sent.get(name, "false").lower())
    if flag is None:
        raise _Unfit(f"{name} must be true or false.")
    return flag


def _expiry_s(sent: dict[str, str]) -> int | None:
    text = sent.get("messageExpiry")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise _Unfit("messageExpiry must be a number of seconds, 0 or more.")
    return int(text)


def _payload_format(request: Request) -> int | None:
    name = request.headers.get("x-amz-mqtt5-payload-format-indicator")
    if name is None:
        return None
    if name not in _FORMATS:
        raise _Unfit(f"payloadFormatIndicator must be one of {', '.join(_FORMATS)}.")
    return _FORMATS[name]


def _correlation_data(request: Request) -> bytes | None:
    text = request.headers.get("x-amz-mqtt5-correlation-data")
    if text is None:
        return None
    found = _decoded("correlationData", text)
    if len(found) > MAX_CORRELATION_BYTES:
        raise _Unfit(f"correlationData is over {MAX_CORRELATION_BYTES} bytes.")
    return found


def _user_properties(request: Request) -> tuple[tuple[str, str], ...]:
    text = request.headers.get("x-amz-mqtt5-user-properties")
    if text is None:
        return ()
    try:
        found = json.loads(_decoded("userProperties", text))
        # A JSON text inside JSON is what boto3 sends when it is given a string. Source: facts 2.5.
        found = json.loads(found) if isinstance(found, str) else found
    except (ValueError, RecursionError):
        raise _Unfit("userProperties must be base64 of JSON.") from None
    pairs = tuple(_pairs(found))
    if sum(len(name.encode()) + len(value.encode()) for name, value in pairs) > (
        MAX_USER_PROPERTIES_BYTES
    ):
        raise _Unfit(f"userProperties are over {MAX_USER_PROPERTIES_BYTES} bytes.")
    return pairs


def _pairs(found: object) -> list[tuple[str, str]]:
    objects = found if isinstance(found, list) else [found]
    pairs: list[tuple[str, str]] = []
    for one in objects:
        if not isinstance(one, dict):
            raise _Unfit("userProperties must be an array of objects.")
        for name, value in one.items():
            if not isinstance(value, str) or not _is_utf8(name) or not _is_utf8(value):
                raise _Unfit("Every user property must be a UTF-8 text.")
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
        raise _Unfit(f"{name} must be base64.") from None
