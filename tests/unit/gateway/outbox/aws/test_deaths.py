"""Every point at which a gateway may die, row by row of the table in decision 0011.

One gateway does all the work alone and dies at one call: before it is sent, after it had its effect
and before the answer came, or so that it has its effect only when others went on. Ten seconds after, another
one goes on. Everybody who may send the event again does not, and in a second run does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet

from gateway.core.report import State
from gateway.outbox.aws.sweep import WATCH_S
from tests.unit.gateway.outbox.aws.faults import CRASHES, KINDS, Fault, Kind, Outage
from tests.unit.gateway.outbox.aws.laws import check, outcomes_of
from tests.unit.gateway.outbox.aws.scenario import CLIENT, Draft, Scenario, Step
from tests.unit.gateway.outbox.aws.world import World

BEFORE = {
    "put_item": "before 1",
    "send": "between 1 and 2",
    "mark": "between 3 and the mark",
    "claim": "between 4 and 5",
    "publish": "between 5 and 6",
    "deliver": "between 5 and 6",
    "settle": "between 6 and 7",
    "put_off": "between 6 and 7",
    "delete": "between 7 and 8",
    "close": "after the last of several addresses, before the event is closed",
    "get_item": "in redeliver or cancel, before anything is written",
    "redeliver": "in redeliver or cancel, before anything is written",
    "query": "in a sweep, before its claim",
    "take_over": "in a sweep, before its claim",
}
"""The table's row, by the call that the gateway does not come to make."""

AFTER = {
    "put_item": "between 1 and 2",
    "send": "between 2 and 3",
    "mark": "after the mark",
    "receive": "between 4 and 5",
    "claim": "between 5 and 6",
    "publish": "between 6 and 7",
    "deliver": "between 6 and 7",
    "put_off": "between two attempts",
    "settle": "between 7 and 8",
    "delete": "after 8",
    "close": "between 7 and 8",
    "get_item": "in redeliver or cancel, before anything is written",
    "redeliver": "in redeliver, before the send",
    "query": "in a sweep, before its claim",
    "take_over": "in a sweep, after its claim",
}
"""The table's row, by the call that had its effect, and nobody learned of it."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to one event when nobody dies.

    Attributes:
        draft: The event.
        calls: The calls it takes, in order.
        known: How many of these calls another story has, too.
        more: What is done after it was posted.
        faults: What goes wrong once.
        ends: How its deliveries may end.
    """

    draft: Draft
    calls: str
    known: int = 0
    more: tuple[Step, ...] = ()
    faults: tuple[Fault, ...] = ()
    ends: frozenset[State] = frozenset({State.PUBLISHED})

    def play(self, *, death: Fault | None = None, again: bool = False) -> World:
        """Play it, with a death or without; the event is sent again, or is not."""
        post = Step("post", drafts=(self.draft,))
        after = (Step("start", after_s=10.0), *([post] if again else []))
        faults = self.faults if death is None else (*self.faults, death)
        world = World(Scenario((post, *self.more, *after), (0,), faults))
        world.play()
        return world


STORIES = {
    "one address": Story(
        Draft("a"),
        "put_item send receive claim publish settle delete",
    ),
    "two addresses": Story(
        Draft("a", to=("user:1", "user:2")),
        "put_item send receive claim claim publish settle publish settle close delete",
    ),
    "in several batches": Story(
        Draft("a", to=tuple(f"user:{number}" for number in range(11))),
        "put_item send send",
    ),
    "confirmed": Story(
        Draft("a", to=(CLIENT,)),
        "put_item send receive claim deliver settle delete",
        known=4,
        ends=frozenset({State.DELIVERED}),
    ),
    "not confirmed": Story(
        Draft("a", to=(CLIENT,)),
        "put_item send receive claim deliver publish settle delete",
        known=5,
        faults=(Fault("deliver", 0, Kind.OFFLINE),),
        ends=frozenset({State.PUBLISHED, State.DELIVERED}),
    ),
    "scheduled": Story(
        Draft("a", due_s=3.0),
        "put_item query take_over send receive mark claim publish settle delete",
        known=1,
    ),
    "tried again": Story(
        Draft("a"),
        "put_item send receive claim publish put_off claim publish settle delete",
        known=5,
        faults=(Fault("publish", 0, Kind.REFUSED),),
    ),
    "long on its way": Story(
        Draft("a"),
        "put_item send receive claim publish put_off claim publish mark settle delete",
        known=8,
        faults=(Fault("publish", 0, Kind.SILENT), Fault("publish", 1, Kind.SLOW)),
    ),
    "two addresses, one long on its way": Story(
        Draft("a", to=("user:1", "user:2")),
        "put_item send receive claim claim publish publish settle delete put_off claim publish mark"
        " settle close delete",
        known=13,
        faults=(Fault("publish", 0, Kind.SILENT), Fault("publish", 2, Kind.SLOW)),
    ),
    "redelivered": Story(
        Draft("a"),
        "put_item send receive claim publish settle delete"
        " get_item redeliver send receive claim publish settle delete",
        known=7,
        more=(Step("redeliver", after_s=2.0),),
        faults=(Fault("publish", 0, Kind.DENIED),),
        ends=frozenset({State.PUBLISHED, State.FAILED}),
    ),
    "cancelled": Story(
        Draft("a", due_s=3.0),
        "put_item get_item claim settle",
        known=1,
        more=(Step("cancel", after_s=0.5),),
        ends=frozenset({State.PUBLISHED, State.CANCELLED}),
    ),
}


def deaths() -> Iterator[ParameterSet]:
    """Every call of every story, and every way to die there."""
    for name, story in STORIES.items():
        counts: Counter[str] = Counter()
        for place, operation in enumerate(story.calls.split()):
            number = counts[operation]
            counts[operation] += 1
            if place < story.known:
                continue
            for kind in (kind for kind in KINDS[operation] if kind in CRASHES):
                death = Fault(operation, number, kind)
                row = (BEFORE if kind is Kind.CRASH_BEFORE else AFTER)[operation]
                yield pytest.param(
                    name, death, id=f"{name}, {row}: {operation} {number} {kind.name}"
                )


@pytest.mark.parametrize("name", STORIES)
def test_the_calls_are_these(name: str) -> None:
    """A call that is added gets its row in the table, and its test here."""
    world = STORIES[name].play()
    check(world)
    calls, wanted = world.plan.calls, STORIES[name].calls.split()
    assert not Counter(wanted) - Counter(calls)
    assert set(calls) <= {*BEFORE, *AFTER}


@pytest.mark.parametrize(("name", "death"), list(deaths()))
def test_another_gateway_goes_on(name: str, death: Fault) -> None:
    """Every promise holds; whatever was written is delivered, or ends as it was asked to."""
    for again in (False, True) if death.operation in ("put_item", "send") else (False,):
        world = STORIES[name].play(death=death, again=again)
        assert world.plan.hits[death.operation] > 0, "nobody died"
        check(world)
        lost = death.operation == "put_item" and death.kind is Kind.CRASH_BEFORE
        assert len(list(world.events())) == (0 if lost and not again else 1)
        for item in world.events():
            assert set(outcomes_of(item)) <= STORIES[name].ends
        repeats = [
            c for c in Counter((p.name, p.address) for p in world.journal.arrived).values() if c > 1
        ]
        # The one kind of repeat: it arrived, and that was not written.
        arrived_unwritten = (
            death.operation in ("publish", "deliver") and death.kind is Kind.CRASH_AFTER
        ) or (death.operation in ("settle", "put_off") and death.kind is not Kind.CRASH_AFTER)
        alone = len(STORIES[name].draft.to) == 1 and not STORIES[name].faults
        assert not repeats or arrived_unwritten or not alone


def test_poison_ends_as_failed() -> None:
    """An event that kills every gateway is given up, can be seen, and holds nobody else up."""
    world = World(
        Scenario(
            (Step("post", drafts=(Draft("bad"), Draft("good"), Draft("else", to=("user:2",)))),),
            (0, 0),
            poison=frozenset({"bad"}),
        )
    )
    world.supervised = True
    world.peace_s = 600.0
    world.play()
    check(world)
    states = {item["id"]["S"]: item["st"]["S"] for item in world.events()}
    assert states == {"bad": "failed", "good": "published", "else": "published"}
    arrived = {publish.name.id: publish.at_s for publish in world.journal.arrived}
    assert arrived["else"] < arrived["good"] / 2


def test_what_the_queue_lost_is_sent_again() -> None:
    """Somebody purged it: after an hour the sweep sends what is still open."""
    world = World(
        Scenario(
            (Step("post", drafts=(Draft("a"),)), Step("purge", after_s=10.0)),
            (0,),
            outages=(Outage("iot", 0.0, 9.0),),
        )
    )
    world.peace_s = WATCH_S + 60.0
    world.play()
    check(world)
