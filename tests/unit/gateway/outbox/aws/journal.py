"""The journal of a simulation: what callers were told, what arrived, what was written down.

Owns the record, in one order of moments. Does not: judge it (`laws.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.core.event import Event
from gateway.core.report import Report, State
from gateway.intake import Accepted


class Name(NamedTuple):
    """Which event; two with one id that differ in anything are two.

    Attributes:
        id: Its id.
        body: The number that is its data.
    """

    id: str
    body: int


@dataclass(slots=True)
class Post:
    """Events that a caller sent.

    Attributes:
        events: What was sent.
        sent: The moment.
        at_s: The same as simulated time, seconds.
        answered: The moment of the answer, or None: the gateway died.
        answers: One for each event, or what was raised.
    """

    events: Sequence[Event]
    sent: int
    at_s: float
    answered: int | None = None
    answers: Sequence[object] | Exception | None = None

    def promised(self, *, new: bool = False) -> list[Event]:
        """Return the events that were answered with 202; all, or those that were new."""
        if not isinstance(self.answers, Sequence):
            return []
        pairs = zip(self.events, self.answers, strict=True)
        return [
            event
            for event, answer in pairs
            if isinstance(answer, Accepted) and not (new and answer.duplicate)
        ]


@dataclass(slots=True)
class Request:
    """A caller's wish to cancel or redeliver.

    Attributes:
        verb: Which.
        event_id: Of what.
        sent: The moment.
        answered: The moment of the answer, or None.
        report: What it said, or None where it was refused.
    """

    verb: str
    event_id: str
    sent: int
    answered: int | None = None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Publish:
    """A publish: sent by a gateway, or arrived at IoT Core.

    Attributes:
        moment: When.
        at_s: The same as simulated time, seconds.
        name: Which event.
        address: Where to.
    """

    moment: int
    at_s: float
    name: Name
    address: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """An outcome that was written to the table.

    Attributes:
        moment: When.
        event_id: Of which event.
        generation: Which of its lives.
        position: Of which delivery.
        state: How it ended.
    """

    moment: int
    event_id: str
    generation: int
    position: int
    state: State


@dataclass(slots=True)
class Journal:
    """Everything that happened.

    Attributes:
        posts: Events sent to gateways.
        requests: Cancellations and redeliveries.
        sent: Publishes as they left a gateway.
        arrived: Publishes as IoT Core took them.
        settlements: Outcomes written.
        listed: Ids and states of the list of all events, at the end.
        broken: What was found wrong while it happened.
    """

    posts: list[Post] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    sent: list[Publish] = field(default_factory=list)
    arrived: list[Publish] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    listed: list[tuple[str, State]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _moments: itertools.count[int] = field(default_factory=itertools.count)

    def moment(self) -> int:
        """Return the next moment."""
        return next(self._moments)

    def promises(self) -> dict[Name, int]:
        """Return every event answered with 202, and when first."""
        found: dict[Name, int] = {}
        for post in self.posts:
            for event in post.promised():
                name = name_of(event)
                assert post.answered is not None
                found[name] = min(found.get(name, post.answered), post.answered)
        return found

    def posted(self) -> dict[Name, list[tuple[Event, Post]]]:
        """Return every event that was sent, with its posts."""
        found: dict[Name, list[tuple[Event, Post]]] = {}
        for post in self.posts:
            for event in post.events:
                found.setdefault(name_of(event), []).append((event, post))
        return found


def name_of(event: Event) -> Name:
    """Return which event it is."""
    assert isinstance(event.data, int)
    return Name(event.id, event.data)
