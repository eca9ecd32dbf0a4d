"""What an SNS message becomes in IoT: a topic and a payload, or nothing.

Owns the decision. Without `raw`, browsers get what they get from everybody: a CloudEvents envelope.
A message that is one already goes out as it is; any other becomes the `data` of a new one (JSON
as JSON, else as text). With `raw`, the text is published byte for byte. Either way the publish carries
the MQTT user property `viasns`, which keeps the stack's topic rules from taking it back to SNS
(`infra.iot_to_sns`).

An echo is dropped: a message that a topic rule of this namespace took from the very topic it would
go to now. Everybody there has had it. Pure.

Source: docs/decisions/0012-sns-bridges.md; CloudEvents 1.0, JSON format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lambdas.sns_bridge.errors import MessageRefused
from lambdas.sns_bridge.route import ADDRESS_ATTRIBUTE, Route
from lambdas.sns_bridge.sqs_record import Incoming
from wire.address import Address
from wire.envelope import CLOUDEVENTS_JSON, Envelope
from wire.errors import InvalidAddress, InvalidEnvelope
from wire.limits import MAX_PAYLOAD_BYTES

MARK: Final = "viasns"
"""MQTT user property of everything this bridge publishes; its value is the SNS topic's name."""

ORIGIN_TOPIC: Final = "iottopic"
"""Member that the stack's topic rules add: where the message was published."""

TYPE_ATTRIBUTE: Final = "type"
"""SNS message attribute that becomes the event's type."""

DEFAULT_TYPE: Final = "sns.message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One publish to come.

    Attributes:
        topic: The MQTT topic.
        payload: At most 128 KB.
        content_type: MIME type, or None where it is not known.
        user_properties: MQTT 5 user properties.
    """

    topic: str
    payload: bytes
    content_type: str | None
    user_properties: Mapping[str, str]


def publication_of(message: Incoming, route: Route, namespace: str) -> Publication | None:
    """Return what to publish for a message, or None for an echo.

    Raises:
        MessageRefused: It names no address of the route, or is too large.
    """
    try:
        topic = _address(message, route).topic(namespace)
    except InvalidAddress as error:
        raise MessageRefused("bad_address", str(error)) from None
    content = _json(message.text)
    if isinstance(content, dict) and content.get(ORIGIN_TOPIC) == topic:
        return None
    payload = message.text.encode() if route.raw else _enveloped(message, content, route)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MessageRefused(
            "too_large", f"{len(payload)} bytes, IoT Core takes {MAX_PAYLOAD_BYTES}"
        )
    return Publication(
        topic=topic,
        payload=payload,
        content_type=None if route.raw else CLOUDEVENTS_JSON,
        user_properties={MARK: route.topic_name},
    )


def _address(message: Incoming, route: Route) -> Address:
    named = message.attributes.get(ADDRESS_ATTRIBUTE)
    if named is None:
        if route.only_address is None:
            raise MessageRefused(
                "no_address", f"the attribute {ADDRESS_ATTRIBUTE} must name one of {route.pattern}"
            )
        return route.only_address
    address = Address.parse(named)
    if not route.pattern.covers(address):
        raise MessageRefused("foreign_address", f"this bridge ends in {route.pattern}")
    return address


def _enveloped(message: Incoming, content: object, route: Route) -> bytes:
    if _is_event(message.text):
        return message.text.encode()
    return Envelope(
        id=message.id,
        source=f"/sns/{route.topic_name}",
        type=message.attributes.get(TYPE_ATTRIBUTE) or DEFAULT_TYPE,
        time=message.sent_at,
        data=message.text if content is _NO_JSON else content,
    ).encode()


def _is_event(text: str) -> bool:
    try:
        Envelope.decode(text.encode())
    except InvalidEnvelope:
        return False
    return True


_NO_JSON: Final = object()


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _NO_JSON


def _refuse_constant(name: str) -> object:
    raise ValueError(name)  # NaN and the infinities are no JSON, and could not be sent on
