"""A direct message over HTTP: its request, and what AWS answers when it cannot be delivered.

Owns the reading of `POST /connections/{clientId}/messages` and the wording of its refusals. Does
not authorize, send or wait.

AWS's own sentences are not known; the codes are the service model's. Unverified: which code a
message gets that is larger than the receiver takes (413 here).

Source: the `iot-data` service model, SendDirectMessage; facts 2.1 and 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from localaws.core import http_parameters as read
from localaws.core.direct_message import DirectRefusal
from localaws.core.http_parameters import Unfit, invalid, too_large
from localaws.core.message import Message
from localaws.core.quotas import DEFAULTS, Quotas
from localaws.core.refusal import Refusal
from wire.errors import InvalidTopic
from wire.topic import check_topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.core.signed_request import Request

PREFIX: Final = "/connections/"
SUFFIX: Final = "/messages"

DEFAULT_TIMEOUT_S: Final = 5
MAX_TIMEOUT_S: Final = 15
"""How long a confirmation may be waited for. Source: the `iot-data` service model."""

_PARAMETERS: Final = frozenset({"topic", "contentType", "responseTopic", "confirmation", "timeout"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRequest:
    """A direct message to be sent.

    Attributes:
        client_id: The receiver.
        message: What to send; its QoS follows from `confirm`.
        confirm: Wait for the receiver's PUBACK.
        timeout_s: How long.
    """

    client_id: str
    message: Message
    confirm: bool
    timeout_s: int


def read_direct(
    request: Request, *, principal: str, quotas: Quotas = DEFAULTS
) -> DirectRequest | Refusal:
    """Read a direct message.

    Args:
        request: `POST /connections/{clientId}/messages`.
        principal: Who sends it.
        quotas: The limits in force.

    Returns:
        What is asked for, or InvalidRequestException / RequestEntityTooLargeException.
    """
    if quotas.payload_bytes is not None and len(request.body) > quotas.payload_bytes:
        return too_large(quotas)
    try:
        sent = read.query_of(request, _PARAMETERS)
        confirm = read.flag(sent, "confirmation")
        return DirectRequest(
            client_id=read.client_id_of(request, PREFIX, SUFFIX),
            message=Message(
                topic=_topic(sent, quotas),
                payload=request.body,
                qos=1 if confirm else 0,
                payload_format_indicator=read.payload_format(request),
                content_type=read.content_type(sent, quotas),
                response_topic=read.response_topic(sent, quotas),
                correlation_data=read.correlation_data(request, quotas),
                user_properties=read.user_properties(request, quotas),
                principal=principal,
            ),
            confirm=confirm,
            timeout_s=read.whole(sent, "timeout", DEFAULT_TIMEOUT_S, least=1, most=MAX_TIMEOUT_S),
        )
    except Unfit as unfit:
        return invalid(unfit.problem)


def direct_refusal(why: DirectRefusal) -> Refusal:
    """Return what AWS answers when the broker would not send a direct message."""
    status, code, message = _ANSWERS[why]
    return Refusal(status, code, message, str(why))


def unconfirmed() -> Refusal:
    """Return the answer to a message whose PUBACK did not come in time, or never will."""
    return Refusal(
        504, "GatewayTimeoutException", "The client did not confirm the message in time."
    )


_ANSWERS: Final[Mapping[DirectRefusal, tuple[int, str, str]]] = {
    DirectRefusal.UNKNOWN: (404, "ResourceNotFoundException", "The client is not connected."),
    DirectRefusal.OFFLINE: (
        404,
        "ResourceNotFoundException",
        "The client is not connected, but has a persistent session.",
    ),
    DirectRefusal.DENIED: (403, "ForbiddenException", "Forbidden"),
    DirectRefusal.THROTTLED: (429, "ThrottlingException", "Rate exceeded"),
    DirectRefusal.TOO_LARGE: (
        413,
        "RequestEntityTooLargeException",
        "The message is larger than the client takes.",
    ),
}


def _topic(sent: Mapping[str, str], quotas: Quotas) -> str:
    topic = sent.get("topic", "")
    if topic.startswith("$"):
        raise Unfit("The topic is invalid: a direct message cannot have a reserved topic.")
    try:
        return check_topic(topic, max_bytes=quotas.topic_bytes, max_slashes=quotas.topic_slashes)
    except InvalidTopic as problem:
        raise Unfit(f"The topic is invalid: {problem.problem}.") from None
