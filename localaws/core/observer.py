"""What others may watch in the broker: messages (rules), connections and denials (logs, metrics).

Owns the shape. The broker calls an observer in the middle of its work: it must return at once and
must not call the broker back; collect, and act afterwards.
"""

from dataclasses import dataclass

from localaws.core.authorizer import ResourceKind
from localaws.core.connection import Connection, Ending
from localaws.core.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A policy said no.

    Attributes:
        client_id: Empty for a caller that is no MQTT client.
        explanation: The statement, or the lack of one, that decided.
    """

    client_id: str
    principal: str
    action: str
    resource_kind: ResourceKind
    name: str
    explanation: str


class Observer:
    """Watch nothing; override what is of interest."""

    def published(self, message: Message, now: float) -> None:
        """See a message that the broker accepted, from anybody, lifecycle events included."""

    def connected(self, connection: Connection, now: float) -> None:
        """See an accepted CONNECT."""

    def disconnected(self, connection: Connection, ending: Ending, now: float) -> None:
        """See the end of a connection that had been accepted, or never got that far."""

    def denied(self, denial: Denial, now: float) -> None:
        """See a denial; Receive is asked when a topic's route is made, not for each message."""

    def dropped(self, client_id: str, why: str, now: float) -> None:
        """See that one message did not reach one client: rate, full queue, too large."""
