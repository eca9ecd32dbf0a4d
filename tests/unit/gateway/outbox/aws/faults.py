"""Faults: what goes wrong with which call, as a plan that Hypothesis can draw and shrink.

Owns the kinds of faults, the plan of one simulation, and counting calls. Does not: call anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hypothesis import strategies as st


class Kind(StrEnum):
    """What goes wrong."""

    REFUSED = "refused before it had an effect"
    LOST = "done, and the answer was lost"
    SILENT = "never arrived, and the caller waited in vain"
    LATE = "done, after the caller had given up waiting"
    SLOW = "done, slowly"
    PARTIAL = "one entry of a batch was not taken"
    CRASH_BEFORE = "the gateway died before it was sent"
    CRASH_LATE = "the gateway died, and it had its effect later"
    CRASH_AFTER = "it had its effect, and the gateway died before the answer came"
    THROTTLED = "IoT Core takes no more at this rate"
    DENIED = "IoT Core refuses for good"
    OFFLINE = "the client that is to confirm is not connected"


CRASHES: Final = (Kind.CRASH_BEFORE, Kind.CRASH_LATE, Kind.CRASH_AFTER)
_ANY: Final = (Kind.REFUSED, Kind.LOST, Kind.SILENT, Kind.LATE, Kind.SLOW, *CRASHES)
_BATCH: Final = (*_ANY, Kind.PARTIAL)

KINDS: Final = {
    "put_item": _ANY,
    # Carried out late, it would overwrite what was done since: decision 0011, "not promised".
    "batch_write_item": tuple(kind for kind in _BATCH if kind is not Kind.LATE),
    "get_item": (Kind.REFUSED, Kind.SLOW, *CRASHES),
    "tell": _ANY,
    "claim": _ANY,
    "release": _ANY,
    "put_off": _ANY,
    "settle": _ANY,
    "close": _ANY,
    "mark": _ANY,
    "want": _ANY,
    "replace": _ANY,
    "redeliver": _ANY,
    "take_over": _ANY,
    "delete_item": _ANY,
    "query": (Kind.REFUSED, Kind.SLOW, *CRASHES),
    "send": _BATCH,
    "receive": (Kind.LOST, Kind.SLOW, Kind.CRASH_AFTER),
    "extend": _BATCH,
    "delete": _BATCH,
    "publish": (
        Kind.REFUSED,
        Kind.LOST,
        Kind.SILENT,
        Kind.SLOW,
        Kind.THROTTLED,
        Kind.DENIED,
        Kind.CRASH_BEFORE,
        Kind.CRASH_AFTER,
    ),
    "deliver": (
        Kind.REFUSED,
        Kind.LOST,
        Kind.SILENT,
        Kind.SLOW,
        Kind.THROTTLED,
        Kind.OFFLINE,
        Kind.CRASH_BEFORE,
        Kind.CRASH_AFTER,
    ),
}
"""What can go wrong with which call; updates of an item are named for their purpose. Queries and receives that find nothing do not count as calls:
they are most, and nothing follows from them."""

_LIKELY: Final = ("claim", "settle", "publish", "deliver", "send", "put_item", "receive", "mark")
SERVICES: Final = ("dynamodb", "sqs", "iot")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong once.

    Attributes:
        operation: With which call; a name of `KINDS`, or `any`.
        number: The how manyth of these, from 0.
        kind: What.
    """

    operation: str
    number: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that refuses everything for a while.

    Attributes:
        service: One of `SERVICES`.
        from_s: From when on, seconds.
        for_s: For how long, seconds.
        gateway: For which gateway, or None for all of them.
    """

    service: str
    from_s: float
    for_s: float
    gateway: int | None = None


class Plan:
    """What goes wrong in one simulation.

    Attributes:
        calls: The calls so far, in order.
        over: Whether nothing goes wrong any more.
        hits: How many calls something went wrong with.

    Args:
        faults: What goes wrong once.
        outages: What is away for a while.
    """

    def __init__(self, faults: Sequence[Fault] = (), outages: Sequence[Outage] = ()) -> None:
        self.calls: list[str] = []
        self._faults = {(f.operation, f.number): f.kind for f in faults}
        self._outages = outages
        self._counts: Counter[str] = Counter()
        self.over = False
        self.hits: Counter[str] = Counter()

    def fate(self, operation: str) -> Kind | None:
        """Count a call, and say what goes wrong with it."""
        number, all_together = self._counts[operation], len(self.calls)
        self._counts[operation] += 1
        self.calls.append(operation)
        if self.over:
            return None
        return self._faults.get((operation, number)) or self._faults.get(("any", all_together))

    def away(self, service: str, now: float, gateway: int) -> bool:
        """Tell whether a service refuses everything that a gateway asks."""
        return not self.over and any(
            o.service == service
            and o.gateway in (None, gateway)
            and o.from_s <= now < o.from_s + o.for_s
            for o in self._outages
        )

    def end(self) -> None:
        """Let nothing go wrong any more."""
        self.over = True


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Draw a fault; of what happens often, more."""
    operation = draw(st.sampled_from([*_LIKELY, *KINDS]))
    kind = draw(st.sampled_from(KINDS[operation]))
    return Fault(operation, draw(st.integers(0, 7) | st.integers(0, 25)), kind)


def outages() -> st.SearchStrategy[Outage]:
    """Draw an outage; the long ones outlast every retry and a claim."""
    return st.builds(
        Outage,
        st.sampled_from(SERVICES),
        st.sampled_from([0.0, 0.5, 3.0, 12.0]),
        st.sampled_from([2.0, 12.0, 45.0]),
        st.sampled_from([None, 0, 0, 1]),
    )
