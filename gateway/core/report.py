"""A report: what became of one event, address by address.

Owns the states of an event and of its deliveries, and how the former follows from the latter.
Does not: know HTTP (`gateway/routes/events.py`) or how a report came about (`gateway/intake.py`).
Source: docs/design.md, "Event states".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from wire.address import Address
from wire.envelope import format_time


class State(StrEnum):
    """Where one event, or its delivery to one address, stands."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    COLLAPSED = "collapsed"

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen on its own."""
        return self not in (State.ACCEPTED, State.SCHEDULED)


SENDABLE: Final = frozenset({State.FAILED, State.EXPIRED, State.CANCELLED})
"""Where a delivery ended that may be asked for again."""

_PRECEDENCE: Final = (
    State.ACCEPTED,
    State.SCHEDULED,
    State.FAILED,
    State.EXPIRED,
    State.CANCELLED,
    State.PUBLISHED,
    State.DELIVERED,
    State.COLLAPSED,
)
"""An event stands where the first of these is that one of its deliveries stands: what still has to
happen comes before what went wrong, and that before what went well."""


class Failure(Protocol):
    """What went wrong with the last attempt of a delivery."""

    @property
    def code(self) -> str:
        """A stable word for machines."""

    @property
    def detail(self) -> str:
        """What IoT Core or the network said."""

    @property
    def retryable(self) -> bool:
        """Whether the same publish may succeed later."""

    def members(self) -> Mapping[str, object]:
        """Return it as members of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one event for one address.

    Attributes:
        address: The address.
        state: Where it stands.
        attempts: Publishes tried so far, for what is known: a restart forgets those of a delivery
            that is not settled.
        failure: What went wrong with the last attempt; None if nothing did. Where it was published
            all the same: why the receipt that was asked for did not come.
        settled_at: When it came to its state; None while it is not settled.
        next_attempt_at: When it will be tried again, or for the first time if it is scheduled;
            None where nothing waits for a time.
    """

    address: Address
    state: State
    attempts: int = 0
    failure: Failure | None = None
    settled_at: datetime | None = None
    next_attempt_at: datetime | None = None

    def members(self) -> dict[str, object]:
        """Return it as members of an answer."""
        found: dict[str, object] = {"state": self.state}
        if self.attempts:
            found["attempts"] = self.attempts
        if self.settled_at is not None:
            found["settledAt"] = format_time(self.settled_at)
        if self.next_attempt_at is not None:
            found["nextAttemptAt"] = format_time(self.next_attempt_at)
        if self.failure is not None and self.state is State.PUBLISHED:
            found["noReceipt"] = {"code": self.failure.code, "detail": self.failure.detail}
        elif self.failure is not None:
            found["error"] = dict(self.failure.members())
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one event.

    Attributes:
        id: The event's id.
        deliveries: One for each address, in the event's order; empty where only the state of the
            event is told.
        accepted_at: When it was taken; None where the intake does not say.
        deliver_at: When it is due, if that was asked for.
        remembered: The state of an event whose deliveries are not told: they were pruned, or
            nothing has happened to them yet.
    """

    id: str
    deliveries: tuple[Delivery, ...]
    accepted_at: datetime | None = None
    deliver_at: datetime | None = None
    remembered: State | None = None

    @property
    def state(self) -> State:
        """Where the event stands; one failed delivery makes a settled event failed."""
        if self.remembered is not None:
            return self.remembered
        states = {delivery.state for delivery in self.deliveries}
        return next(state for state in _PRECEDENCE if state in states)

    @property
    def settled(self) -> bool:
        """Whether nothing more will happen on its own."""
        return self.state.settled

    @property
    def failures(self) -> tuple[Failure, ...]:
        """What went wrong where it counts, in the order of the addresses."""
        return tuple(
            d.failure for d in self.deliveries if d.state is State.FAILED and d.failure is not None
        )

    @property
    def nothing_published(self) -> bool:
        """Whether the event reached no topic at all, so that sending it again repeats nothing."""
        return len(self.failures) == len(self.deliveries)

    def addresses(self) -> Mapping[str, object]:
        """Return the deliveries as members of an answer, by address."""
        return {str(d.address): d.members() for d in self.deliveries}

    def members(self) -> dict[str, object]:
        """Return the whole report as members of an answer."""
        found: dict[str, object] = {"id": self.id, "status": self.state}
        if self.accepted_at is not None:
            found["acceptedAt"] = format_time(self.accepted_at)
        if self.deliver_at is not None:
            found["deliverAt"] = format_time(self.deliver_at)
        if self.deliveries:
            found["addresses"] = self.addresses()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some reports of a longer list.

    Attributes:
        reports: Newest first.
        after: What to ask for the page after this one with; None on the last.
    """

    reports: tuple[Report, ...]
    after: str | None = None
