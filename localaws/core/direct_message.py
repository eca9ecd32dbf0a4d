"""Direct messages: to one connected client, without any subscription.

Owns the checks on the receiver's side and the sending. The sender's own permission
(`iot:SendDirectMessage`) and the wait for a confirmation are the caller's.

Source: aws-iot-facts 2.3.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from localaws.core.delivery import Confirmation, Delivery
from localaws.core.message import Message

if TYPE_CHECKING:
    from localaws.core.broker import Broker


class DirectRefusal(StrEnum):
    """Why a direct message was not sent."""

    UNKNOWN = "neither a connection nor a session"
    OFFLINE = "a session without a connection"
    DENIED = "the receiver may not iot:Receive the topic"
    THROTTLED = "the receiver's publishes per second or unacknowledged messages are used up"
    TOO_LARGE = "larger than the receiver takes"


@dataclass(frozen=True, slots=True)
class DirectSent:
    """A direct message is on its way.

    Attributes:
        confirmation: Settled by PUBACK or the connection's end; None where none was asked for.
        packet_id: Of the PUBLISH; 0 where no confirmation was asked for.
    """

    confirmation: Confirmation | None = None
    packet_id: int = 0


def send_direct(
    broker: "Broker", client_id: str, message: Message, *, confirm: bool, now: float
) -> DirectSent | DirectRefusal:
    """Send a message to one client: QoS 1 and a confirmation, or QoS 0 and none."""
    session = broker.sessions.get(client_id)
    if session is None:
        return DirectRefusal.UNKNOWN
    connection = session.connection
    if connection is None:
        return DirectRefusal.OFFLINE
    if not broker.routes.may_receive(connection, message.topic, now):
        return DirectRefusal.DENIED
    prepared = message.prepared(connection.version, qos=1 if confirm else 0, retain=False, now=now)
    largest = connection.largest_packet_bytes
    if largest is not None and prepared.size > largest:
        return DirectRefusal.TOO_LARGE
    if confirm and len(session.inflight) >= session.window:
        return DirectRefusal.THROTTLED
    if connection.allowance is not None and not connection.allowance.take(now):
        return DirectRefusal.THROTTLED
    if not confirm:
        broker.fan_out.send(connection, prepared.whole)
        return DirectSent()
    confirmation = Confirmation()
    packet_id = session.send(Delivery(message, now, now, confirmation))
    broker.fan_out.send(connection, prepared.numbered(packet_id))
    return DirectSent(confirmation, packet_id)
