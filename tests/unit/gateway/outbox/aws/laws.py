"""The laws of the shared outbox, as questions to the journal of a simulation.

Owns each promise of docs/decisions/0011-shared-outbox.md as one function that raises
AssertionError with the event that broke it. Does not: make anything happen (`world.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime

from gateway.core.event import Event
from gateway.core.report import State
from gateway.outbox.aws.item import event_of
from tests.unit.gateway.outbox.aws.expressions import Item
from tests.unit.gateway.outbox.aws.journal import Journal, Name, Post, name_of
from tests.unit.gateway.outbox.aws.simulated_time import EPOCH_MS
from tests.unit.gateway.outbox.aws.world import World

_UNPUBLISHED = (State.FAILED, State.EXPIRED, State.CANCELLED, State.COLLAPSED)


def check(world: World) -> None:
    """Ask all of them."""
    journal = world.journal
    assert journal.broken == [], journal.broken
    nothing_is_stuck(world)
    promises_are_kept(world)
    an_id_is_one_event(journal)
    nothing_is_invented(journal)
    order_holds(journal)
    nothing_is_early(journal)
    nothing_cancelled_is_sent(journal)
    a_refusal_is_none(world)
    lists_are_whole(world)


def nothing_is_stuck(world: World) -> None:
    """Once faults have stopped, everything settles within a bounded time, and no message is left."""
    left = [item["id"]["S"] for item in world.unsettled()]
    assert not left, f"never settled: {left}"
    messages = [m.body for m in (*world.queue.messages, *world.dead_letters.messages)]
    assert not messages, f"left in the queue: {messages}"


def promises_are_kept(world: World) -> None:
    """An event that was answered 202 arrived on each topic, or ended where it can be seen."""
    arrived = {(p.name, p.address) for p in world.journal.arrived}
    items = {item["id"]["S"]: event_of(item) for item in world.events()}
    for name in world.journal.promises():
        event = items.get(name.id)
        assert event is not None, f"{name} was promised, and is gone"
        for position, address in enumerate(event.names):
            outcome = event.outcomes[position]
            assert outcome is not None, f"{name} is open"
            if outcome.state in (State.PUBLISHED, State.DELIVERED):
                text = f"{name} is called {outcome.state}, and did not arrive"
                assert (name, address) in arrived, text
            else:
                assert outcome.state in _UNPUBLISHED, f"{name} is {outcome.state}"
            if outcome.state is State.EXPIRED:
                assert event.expires_ms is not None, f"{name} has no ttl"
            if outcome.state is State.COLLAPSED:
                _was_replaced(world.journal, name, address)


def _was_replaced(journal: Journal, name: Name, address: str) -> None:
    same = [
        other
        for other, posts in journal.posted().items()
        if other != name
        and posts[0][0].collapse_key is not None
        and address in [str(to) for to in posts[0][0].to]
    ]
    assert same, f"{name} collapsed, and nothing replaced it"


def an_id_is_one_event(journal: Journal) -> None:
    """No id is accepted with two bodies, and no two bodies of one id arrive."""
    for names in (journal.promises(), {p.name: 0 for p in journal.arrived}):
        ids = [name.id for name in names]
        assert len(ids) == len(set(ids)), f"an id with two bodies: {sorted(names)}"


def nothing_is_invented(journal: Journal) -> None:
    """What arrives was posted, and to that address."""
    posted = journal.posted()
    for publish in journal.arrived:
        assert publish.name in posted, f"{publish.name} was never posted"
        addresses = [str(to) for to in posted[publish.name][0][0].to]
        assert publish.address in addresses, f"{publish.name} was never posted there"


def order_holds(journal: Journal) -> None:
    """On each topic, what was answered 202 before another event was first sent arrives before it.

    So does what stood before it in one request, both being new. Of what arrives more than once,
    the first time counts. Not for scheduled events, which join when they are due, nor for what was
    sent again: it goes to the end.
    """
    posted = journal.posted()
    redelivered = {r.event_id for r in journal.requests if r.verb == "redeliver"}
    first: dict[str, dict[Name, int]] = {}
    for publish in journal.arrived:
        first.setdefault(publish.address, {}).setdefault(publish.name, publish.moment)
    pairs = [*_one_after_the_other(journal), *_in_one_request(journal)]
    for earlier, later in pairs:
        if any(_scheduled(posted[n]) or n.id in redelivered for n in (earlier, later)):
            continue
        for address, arrivals in first.items():
            if earlier in arrivals and later in arrivals:
                text = f"{later} overtook {earlier} on {address}"
                assert arrivals[earlier] < arrivals[later], text


def _one_after_the_other(journal: Journal) -> Iterator[tuple[Name, Name]]:
    sent = {n: min(post.sent for _, post in posts) for n, posts in journal.posted().items()}
    for earlier, answered in journal.promises().items():
        yield from ((earlier, later) for later, moment in sent.items() if answered < moment)


def _in_one_request(journal: Journal) -> Iterator[tuple[Name, Name]]:
    posted = journal.posted()
    for post in journal.posts:
        new = [name_of(event) for event in post.promised(new=True)]
        # What is sent once more before this is answered may come with that other request.
        new = [name for name in new if all(_apart(post, other) for _, other in posted[name])]
        yield from itertools.combinations(new, 2)


def _apart(post: Post, other: Post) -> bool:
    return other is post or (post.answered is not None and other.sent > post.answered)


def nothing_is_early(journal: Journal) -> None:
    """Nothing scheduled leaves before it is due, by a clock of any gateway; sent again, it is due at once."""
    posted = journal.posted()
    again = {r.event_id for r in journal.requests if r.verb == "redeliver"}
    for publish in journal.sent:
        if publish.name.id in again:
            continue
        due_s = min(_due_s(event) for event, _ in posted[publish.name])
        assert publish.at_s >= due_s - 0.5, f"{publish.name} is early"


def nothing_cancelled_is_sent(journal: Journal) -> None:
    """After a caller was told that an address is cancelled, nothing is sent there."""
    again = [r for r in journal.requests if r.verb == "redeliver"]
    for request in journal.requests:
        if request.verb != "cancel" or request.report is None or request.answered is None:
            continue
        for delivery in request.report.deliveries:
            if delivery.state is not State.CANCELLED:
                continue
            for publish in journal.sent:
                if publish.name.id != request.event_id or publish.address != str(delivery.address):
                    continue
                later = publish.moment > request.answered
                anew = any(
                    r.event_id == request.event_id and r.sent < publish.moment for r in again
                )
                assert anew or not later, f"{publish.name} was cancelled, and is sent"


def a_refusal_is_none(world: World) -> None:
    """What was only ever refused is not published, unless AWS did not let it be taken back, or it was on its way."""
    journal = world.journal
    promised = journal.promises()
    arrived = {p.name for p in journal.arrived}
    for name, posts in journal.posted().items():
        touched = any(request.event_id == name.id for request in journal.requests)
        if name not in arrived or name in promised or touched or world.plan.hits["delete_item"]:
            continue
        answered = [post.answered for _, post in posts]
        sent = min(p.moment for p in journal.sent if p.name == name)
        # Nobody was told anything, or it was on its way already.
        assert any(moment is None or sent < moment for moment in answered), f"{name} was refused"


def lists_are_whole(world: World) -> None:
    """The list of any gateway has every event once, with its state."""
    events = [event_of(item) for item in world.events()]
    listed, wanted = sorted(world.journal.listed), sorted((e.id, e.state) for e in events)
    assert listed == wanted, f"listed {listed} instead of {wanted}"


def _scheduled(posts: list[tuple[Event, Post]]) -> bool:
    return any(event.deliver_at is not None for event, _ in posts)


def _due_s(event: Event) -> float:
    when: datetime | None = event.deliver_at
    return 0.0 if when is None else when.timestamp() - EPOCH_MS / 1000


def outcomes_of(item: Item) -> list[State | None]:
    """Return how an event's deliveries ended."""
    return [outcome.state if outcome else None for outcome in event_of(item).outcomes]
