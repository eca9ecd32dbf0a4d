"""Refusals that follow from what the gateway keeps: events, states, room.

Owns these errors' facts and sentences. Does not: decide (`gateway/intake.py`) or know HTTP
statuses (`gateway/problems.py`).
Source: the drawing in `gateway/errors/__init__.py`; docs/design.md, "Event API".
"""

from __future__ import annotations

from gateway.errors.refused import RequestRefused


class UnknownEvent(RequestRefused):
    """No event of this service has this id: it never had one, or it was pruned.

    Attributes:
        event_id: The id, as far as it is one.
    """

    def __init__(self, event_id: str) -> None:
        super().__init__(event_id)
        self.event_id = event_id

    def __str__(self) -> str:
        return "no event of this service has this id"


class ChangedEvent(RequestRefused):
    """The service sent this id before, with another event.

    Attributes:
        event_id: The id.
    """

    def __init__(self, event_id: str) -> None:
        super().__init__(event_id)
        self.event_id = event_id

    def __str__(self) -> str:
        return f"event {self.event_id} was sent before, and it was another event"


class WrongState(RequestRefused):
    """The event stands where this cannot be done with it.

    Attributes:
        event_id: The id.
        state: Where it stands.
        needed: What it would have to be, e.g. ``failed or expired``.
    """

    def __init__(self, event_id: str, *, state: str, needed: str) -> None:
        super().__init__(event_id, state, needed)
        self.event_id = event_id
        self.state = state
        self.needed = needed

    def __str__(self) -> str:
        return f"event {self.event_id} is {self.state}; this needs one that is {self.needed}"


class Overloaded(RequestRefused):
    """The gateway has no room for more events at this moment.

    Attributes:
        limit: Most publishes that may be waiting or on their way.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"there is room for {self.limit} publishes at a time, and too little of it is free"


class TooManyStreams(RequestRefused):
    """As many as may listen to the gateway's stream do.

    Attributes:
        limit: How many may.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"there is room for {self.limit} streams at a time; none is free"


class OutboxFull(RequestRefused):
    """The outbox holds as many unsettled events as it may.

    Attributes:
        limit: Most deliveries it holds.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"the outbox holds {self.limit} deliveries and has no room for this event"


class OutboxUnavailable(RequestRefused):
    """The outbox cannot keep anything right now: its disk is full or broken.

    Attributes:
        why: A short word for machines, e.g. ``disk_full``.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def __str__(self) -> str:
        return f"the outbox cannot keep events right now ({self.why}); nothing was taken"
