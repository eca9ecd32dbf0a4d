"""A report: what became of one event, address by address.

Owns the states of an event and of its deliveries, and how the former follows from the latter.
Does not: know HTTP (`gateway/routes/events.py`) or how a report came about (`gateway/intake.py`).
Source: docs/design.md, "Event states".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import PublishFailed
from wire.address import Address


class State(StrEnum):
    """Where one event, or its delivery to one address, stands."""

    PUBLISHED = "published"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one event for one address.

    Attributes:
        address: The address.
        failure: Why it was not published; None when it was.
    """

    address: Address
    failure: PublishFailed | None = None

    @property
    def state(self) -> State:
        """Published, unless something went wrong."""
        return State.PUBLISHED if self.failure is None else State.FAILED

    def members(self) -> dict[str, object]:
        """Return it as members of an answer."""
        if self.failure is None:
            return {"state": self.state}
        return {"state": self.state, "error": dict(self.failure.members())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one event.

    Attributes:
        id: The event's id.
        deliveries: One for each address, in the event's order.
    """

    id: str
    deliveries: tuple[Delivery, ...]

    @property
    def state(self) -> State:
        """Published when every address was; one failed delivery makes the event failed."""
        published = all(delivery.failure is None for delivery in self.deliveries)
        return State.PUBLISHED if published else State.FAILED

    @property
    def failures(self) -> tuple[PublishFailed, ...]:
        """What went wrong, in the order of the addresses."""
        return tuple(d.failure for d in self.deliveries if d.failure is not None)

    @property
    def nothing_published(self) -> bool:
        """Whether the event reached no topic at all, so that sending it again repeats nothing."""
        return len(self.failures) == len(self.deliveries)

    def addresses(self) -> Mapping[str, object]:
        """Return the deliveries as members of an answer, by address."""
        return {str(d.address): d.members() for d in self.deliveries}
