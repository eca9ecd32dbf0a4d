"""A session: what the broker knows of a client id, with or without a connection.

Owns subscriptions, QoS 1 messages in flight and in the queue, packet ids, and how long it lives.
Does not encode and does not send.

Source: aws-iot-facts 3.6 and 3.11; MQTT 5.0 section 4.1 (session state) and 4.4 (redelivery).
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.core.delivery import Delivery
from localaws.core.message import Message
from localaws.core.mqtt.version import Version
from localaws.core.subscriptions import Subscription

if TYPE_CHECKING:
    from localaws.core.connection import Connection

LAST_PACKET_ID = 65_535
"""Highest packet id; the next one is 1 again."""


@dataclass(frozen=True, slots=True)
class PendingWill:
    """A last will that will be published.

    Attributes:
        due_at: Epoch seconds; earlier if the session ends before.
    """

    message: Message
    due_at: float


class Session:
    """One client id's session.

    Attributes:
        version: Of the connection that made it; the other version cannot go on with it.
        expiry_s: Seconds it lives without a connection; 0 ends it with the connection.
        ends_at: Epoch seconds when it ends, while there is no connection.
        connection: The live connection, or None.
        subscriptions: By the filter as the client wrote it.
        inflight: QoS 1 messages sent and not acknowledged, by packet id, oldest first.
        will: Of a connection that is gone, waiting for its delay (5).
        draining: True while stored messages are sent at AWS's pace; new ones queue behind them.
        drained_at: Epoch seconds when that was done last.
        window: Most messages in flight: the quota, or less if the client wants it.
    """

    __slots__ = (
        "_last_id",
        "_queue",
        "client_id",
        "connection",
        "drained_at",
        "draining",
        "ends_at",
        "expiry_s",
        "inflight",
        "subscriptions",
        "version",
        "will",
        "window",
    )

    def __init__(self, client_id: str, version: Version, *, expiry_s: int) -> None:
        self.client_id = client_id
        self.version = version
        self.expiry_s = expiry_s
        self.ends_at: float | None = None
        self.connection: Connection | None = None
        self.subscriptions: dict[str, Subscription] = {}
        self.inflight: dict[int, Delivery] = {}
        self.will: PendingWill | None = None
        self.draining = False
        self.drained_at = 0.0
        self.window = 0
        self._last_id = 0
        # Made when first needed: an empty deque costs 600 bytes for each of 10,000 clients.
        self._queue: deque[Message] | None = None

    @property
    def queued(self) -> int:
        """Messages waiting."""
        return len(self._queue) if self._queue else 0

    @property
    def may_send(self) -> bool:
        """True when a QoS 1 message can go out at once, ahead of nobody."""
        return len(self.inflight) < self.window and not self._queue

    def send(self, delivery: Delivery) -> int:
        """Put a message in flight and return its packet id."""
        packet_id = self._last_id
        while True:
            packet_id = 1 if packet_id == LAST_PACKET_ID else packet_id + 1
            if packet_id not in self.inflight:
                break
        self._last_id = packet_id
        self.inflight[packet_id] = delivery
        return packet_id

    def enqueue(self, message: Message, limit: int | None) -> bool:
        """Let a message wait; False when the queue is full and it is dropped."""
        if self._queue is None:
            self._queue = deque()
        if limit is not None and len(self._queue) >= limit:
            return False
        self._queue.append(message)
        return True

    def next_queued(self, now: float) -> Message | None:
        """Take the next waiting message that has not expired, if the window has room."""
        while self._queue and len(self.inflight) < self.window:
            message = self._queue.popleft()
            if not message.expired(now):
                return message
        return None

    def acknowledge(self, packet_id: int) -> Delivery | None:
        """Take a message out of flight; None for an id that is not in flight."""
        return self.inflight.pop(packet_id, None)
