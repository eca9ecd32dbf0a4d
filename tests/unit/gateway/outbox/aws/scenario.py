"""Scenarios: what callers and operators do in one simulation, as Hypothesis draws it.

Owns the steps and how they are drawn. Does not: do them (`world.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.unit.gateway.outbox.aws.faults import Fault, Outage, faults, outages

CLIENT = "client:n.1.tab"
TOPICS = ("user:1", "user:2", "group:g", CLIENT)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be posted.

    Attributes:
        id: Its id, or None where the gateway makes one.
        body: With the same id and another body it is another event.
        to: Its addresses; where a client is among them, the event asks for its receipt.
        ttl_s: Its ttl, or None.
        due_s: In how many seconds it is due, or None for at once.
        collapse_key: Its collapse key, or None.
    """

    id: str | None = None
    body: int = 0
    to: tuple[str, ...] = ("user:1",)
    ttl_s: int | None = None
    due_s: float | None = None
    collapse_key: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something done to a gateway.

    Attributes:
        verb: `post`, `again` (the same events once more), `cancel`, `redeliver`, `crash`, `stop`, `start`, or `purge` of the queue.
        gateway: To which; if that one is gone, to the next.
        after_s: How long after the step before; steps may overlap, seconds.
        drafts: What is posted.
        event: Which of the events or posts so far is meant, counted from the last.
    """

    verb: str
    gateway: int = 0
    after_s: float = 0.0
    drafts: tuple[Draft, ...] = ()
    event: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One simulation.

    Attributes:
        steps: What is done.
        skews_ms: How far each gateway's clock is ahead; as many gateways as there are numbers.
        faults: What goes wrong once.
        outages: What is away for a while.
        index_lag_s: How late the table's indexes are, seconds.
        seed: Decides how long calls take.
        poison: Ids of events whose publish kills the gateway, every time.
    """

    steps: tuple[Step, ...]
    skews_ms: tuple[int, ...] = (0, 0)
    faults: tuple[Fault, ...] = ()
    outages: tuple[Outage, ...] = ()
    index_lag_s: float = 0.05
    seed: int = 0
    poison: frozenset[str] = field(default_factory=frozenset)


_WAITS = (0.0, 0.0, 0.0, 0.02, 0.3, 2.0, 7.0, 21.0)


def drafts() -> st.SearchStrategy[Draft]:
    """Draw an event: few topics, ids and keys, so that they meet."""
    return st.builds(
        Draft,
        id=st.sampled_from([None, None, "a", "b", "c"]),
        body=st.sampled_from([0, 0, 0, 1]),
        to=st.sampled_from(
            [*[(topic,) for topic in TOPICS], ("user:1",), ("user:1", "user:2"), (CLIENT, "user:1")]
        ),
        ttl_s=st.sampled_from([None, None, None, 1, 10, 60]),
        due_s=st.sampled_from([None, None, None, None, 1.0, 15.0, 40.0]),
        collapse_key=st.sampled_from([None, None, None, "k"]),
    ).filter(lambda d: d.ttl_s is None or d.due_s is None or d.ttl_s > d.due_s)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Draw a step; most are posts."""
    verb = draw(
        st.sampled_from(
            ["post"] * 5
            + ["again", "again", "cancel", "redeliver", "crash", "stop", "start", "start"]
        )
    )
    return Step(
        verb,
        gateway=draw(st.integers(0, 2)),
        after_s=draw(st.sampled_from(_WAITS)),
        drafts=tuple(draw(st.lists(drafts(), min_size=1, max_size=4))) if verb == "post" else (),
        event=draw(st.integers(0, 3)) if verb in ("again", "cancel", "redeliver") else 0,
    )


def scenarios() -> st.SearchStrategy[Scenario]:
    """Draw a simulation."""
    return st.builds(
        Scenario,
        steps=st.lists(steps(), min_size=3, max_size=14).map(tuple),
        skews_ms=st.sampled_from([(0, 0), (0, 0, 0), (0, 400), (0, -300, 300)]),
        faults=st.lists(faults(), min_size=1, max_size=8).map(tuple),
        outages=st.lists(outages(), max_size=1).map(tuple),
        index_lag_s=st.sampled_from([0.05, 1.5]),
        seed=st.integers(0, 2**16),
    )
