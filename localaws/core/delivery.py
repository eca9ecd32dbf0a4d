"""A QoS 1 message in flight: sent to a session and not acknowledged yet.

Owns what must be remembered until PUBACK. Does not count time and does not send.

Source: MQTT 5.0 section 4.4; aws-iot-facts 3.11 (retry).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from localaws.core.message import Message


class Outcome(StrEnum):
    """What became of a message whose sender waits for it."""

    ACKNOWLEDGED = "acknowledged"
    LOST = "lost"
    """The connection ended, or the broker gave up, before PUBACK."""


class Confirmation:
    """What the sender of one message holds until it is settled.

    Attributes:
        outcome: None until it is settled; settled once.
        on_settled: Called once with the outcome, inside the broker: it must only take note.
    """

    __slots__ = ("on_settled", "outcome")

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.on_settled: Callable[[Outcome], None] | None = None

    def settle(self, outcome: Outcome) -> None:
        """Settle it, unless it is settled."""
        if self.outcome is None:
            self.outcome = outcome
            if self.on_settled is not None:
                self.on_settled(outcome)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message in flight; all sessions that got it in one fan-out share the object.

    Attributes:
        first_at: Epoch seconds when it was sent first.
        sent_at: Epoch seconds when it was sent last.
        confirmation: Of a direct message that somebody waits for. Such a message ends with its
            connection: it is never stored and never sent again later.
    """

    message: Message
    first_at: float
    sent_at: float
    confirmation: Confirmation | None = None
