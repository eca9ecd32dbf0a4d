"""A publication: everything IoT Core needs to be told for one publish.

Owns the value that crosses the publishing seam.
Does not: know how it is sent (`gateway/iot`) or kept (the outbox).
Source: IoT data plane, operation Publish.
"""

from __future__ import annotations

from typing import NamedTuple

from wire.address import Address
from wire.topic import Topic


class Publication(NamedTuple):
    """One publish to one topic.

    Attributes:
        address: Whom it is for; metrics and answers speak of addresses.
        topic: The address's topic.
        payload: The bytes subscribers receive.
        content_type: MQTT 5 content type.
        qos: 0 or 1.
        retain: Whether the broker keeps it as the topic's retained message.
        message_expiry_s: Seconds after which the broker drops it undelivered, or None.
    """

    address: Address
    topic: Topic
    payload: bytes
    content_type: str
    qos: int
    retain: bool
    message_expiry_s: int | None

    def __repr__(self) -> str:
        return f"Publication({self.topic}, {len(self.payload)} bytes)"
