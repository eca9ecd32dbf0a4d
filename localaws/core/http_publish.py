"""A publish over HTTP, from its request to the message it stands for.

Owns the reading of `POST /topics/{topic}`: the topic out of the raw path, every query parameter and
every `x-amz-mqtt5-*` header, and the refusals for what does not fit. Does not authenticate,
authorize or deliver.

Refusals that AWS documents only in part: the answer to a payload over 128 KB (413, the generic
documented code), and to MQTT 5 properties over their limits (400). Both unverified.

Source: the `iot-data` service model, Publish; facts 2.1, 2.2, 2.5 and 3.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from localaws.core import http_parameters as read
from localaws.core.http_parameters import Unfit, invalid, too_large
from localaws.core.message import Message, expiry
from localaws.core.quotas import DEFAULTS, Quotas
from localaws.core.topics import check_published
from wire.errors import InvalidTopic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.core.refusal import Refusal
    from localaws.core.signed_request import Request

PREFIX: Final = "/topics/"
_PARAMETERS: Final = frozenset({"qos", "retain", "contentType", "responseTopic", "messageExpiry"})


def read_publish(
    request: Request, *, principal: str, now: float, quotas: Quotas = DEFAULTS
) -> Message | Refusal:
    """Read a publish.

    Args:
        request: `POST /topics/{topic}`; slashes in the topic may be escaped or not.
        principal: Who publishes, for rules (`principal()`).
        now: Epoch seconds, which message expiry counts from.
        quotas: The limits in force.

    Returns:
        The message, or InvalidRequestException / RequestEntityTooLargeException.
    """
    if quotas.payload_bytes is not None and len(request.body) > quotas.payload_bytes:
        return too_large(quotas)
    try:
        return _message(request, principal=principal, now=now, quotas=quotas)
    except Unfit as unfit:
        return invalid(unfit.problem)


def _message(request: Request, *, principal: str, now: float, quotas: Quotas) -> Message:
    sent = read.query_of(request, _PARAMETERS)
    topic = _topic(read.path_part(request, PREFIX), quotas)
    retain = read.flag(sent, "retain")
    if retain and topic.startswith("$"):
        raise Unfit("A reserved topic cannot hold a retained message.")
    return Message(
        topic=topic,
        payload=request.body,
        qos=_qos(sent),
        retain=retain,
        expires_at=expiry(_expiry_s(sent), now),
        payload_format_indicator=read.payload_format(request),
        content_type=read.content_type(sent, quotas),
        response_topic=read.response_topic(sent, quotas),
        correlation_data=read.correlation_data(request, quotas),
        user_properties=read.user_properties(request, quotas),
        principal=principal,
    )


def _topic(text: str, quotas: Quotas) -> str:
    try:
        return check_published(text, quotas)
    except InvalidTopic as problem:
        raise Unfit(f"The topic is invalid: {problem.problem}.") from None


def _qos(sent: Mapping[str, str]) -> int:
    text = sent.get("qos", "0")
    if text not in ("0", "1"):
        raise Unfit("qos must be 0 or 1.")
    return int(text)


def _expiry_s(sent: Mapping[str, str]) -> int | None:
    text = sent.get("messageExpiry")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise Unfit("messageExpiry must be a number of seconds, 0 or more.")
    return int(text)
