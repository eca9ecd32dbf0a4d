"""What the gateway asks of an outbox, whatever it is made of.

Owns the interface: add, claim, settle, extend, and looking things up.
Does not: keep anything (`gateway/outbox/sqlite` does), or decide about attempts.
An engine made of a shared queue and a table fits behind it: docs/decisions/0007-outbox.md.
Source: docs/design.md, "The outbox".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from gateway.core.kept_event import KeptEvent
from gateway.core.report import Page, Report, State
from gateway.core.settlement import Outcome, Reason


class Claim(NamedTuple):
    """A delivery that is to be made now, and by nobody else.

    Attributes:
        event: The event, with its payload.
        position: Which of its addresses.
    """

    event: KeptEvent
    position: int


@dataclass(frozen=True, slots=True)
class Added:
    """The event is kept."""


@dataclass(frozen=True, slots=True)
class Known:
    """The same event was kept before.

    Attributes:
        report: Where that one stands.
    """

    report: Report


@dataclass(frozen=True, slots=True)
class Changed:
    """Another event with this id was kept before."""


Addition: TypeAlias = Added | Known | Changed
"""What an outbox made of one event."""

ADDED = Added()
CHANGED = Changed()


class Deliverer(Protocol):
    """Whoever makes the deliveries of an outbox."""

    def wake(self) -> None:
        """Learn that `claim` may give something; must return at once."""

    def settled(self, event: KeptEvent, position: int) -> None:
        """Learn that a delivery is settled, for whatever reason; must return at once."""


class Outbox(Protocol):
    """Keeps accepted events, gives their deliveries out in order, and remembers how they ended.

    The promises, for every engine:

    - What `add` returned as added survives the loss of this process, and comes back from `claim`
      until it is settled.
    - `claim` gives the oldest unsettled delivery of a topic, and none of that topic after it
      before that one is settled or put off, then it comes first again.
    - A delivery that was claimed and neither settled nor put off when the process ended is given
      again: at least once, and in order if repeats are ignored.
    """

    async def add(self, events: Sequence[KeptEvent]) -> tuple[Addition, ...]:
        """Keep events; return what became of each, in their order, once that is durable.

        Raises:
            OutboxFull: There is no room for all of them; none was kept.
            OutboxUnavailable: Nothing can be kept now; none was.
        """

    def attach(self, deliverer: Deliverer) -> None:
        """Name who makes the deliveries; there is one."""

    def claim(self) -> Claim | None:
        """Return a delivery to be made now, or None: then `wake` says when to ask again."""

    def settle(self, claim: Claim, outcome: Outcome) -> None:
        """Note how a claimed delivery ended.

        Its topic goes on at once if it was published: that this becomes durable only soon costs a
        repeat after a crash, and no more. If it failed, its topic goes on once that is durable.
        """

    def extend(self, claim: Claim, delay_s: float, reason: Reason) -> None:
        """Put a claimed delivery off: its next attempt is after `delay_s`, nothing overtakes it."""

    def give_back(self, claim: Claim) -> None:
        """Take back a claimed delivery of which no attempt was made; it comes first again."""

    async def find(self, service: str, event_id: str) -> Report | None:
        """Return where an event stands, or None if there is none.

        Raises:
            OutboxUnavailable: It cannot be looked up now.
        """

    async def outcome(self, service: str, event_id: str, timeout_s: float) -> Report | None:
        """Return the same once the event is settled, or what is known after `timeout_s`.

        Raises:
            OutboxUnavailable: It cannot be looked up now.
        """

    async def search(
        self, service: str, *, state: State | None, limit: int, after: str | None
    ) -> Page:
        """Return a service's events, newest first; a page may be short and still have a next one.

        Raises:
            InvalidQuery: `after` is nothing that a page said.
            OutboxUnavailable: They cannot be looked up now.
        """

    async def redeliver(self, service: str, event_id: str) -> Report:
        """Put an event back to every address where it failed, expired or was cancelled.

        Raises:
            UnknownEvent, WrongState: It cannot be.
            OutboxFull, OutboxUnavailable: Not now.
        """

    async def cancel(self, service: str, event_id: str) -> Report:
        """Settle every delivery of an event that was not sent as cancelled.

        Raises:
            UnknownEvent, WrongState: It cannot be.
            OutboxUnavailable: Not now.
        """

    def rests_for_s(self) -> float:
        """Return for how long nothing is to be sent, seconds: 0 while something is on its way."""

    def trouble(self) -> str | None:
        """Return why nothing can be kept now, as a short word, or None if all is well."""
