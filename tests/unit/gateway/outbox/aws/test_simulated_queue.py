"""The simulated queue does what SQS says of FIFO queues."""

from __future__ import annotations

from tests.unit.gateway.outbox.aws.simulated_queue import DEDUPLICATION_S, SimulatedQueue


def sent(*bodies: str, dead: SimulatedQueue | None = None) -> SimulatedQueue:
    """Return a queue with messages whose first letter is their group."""
    queue = SimulatedQueue(dead, most_receives=2)
    for body in bodies:
        queue.send(body, group=body[0], deduplication_id=body, now=0.0)
    return queue


def received(queue: SimulatedQueue, most: int = 10, now: float = 0.0) -> list[str]:
    """Return the bodies of what one receive gives; they are hidden for ten seconds."""
    return [m.body for m in queue.receive(most, visibility_s=10.0, now=now)]


def test_a_group_is_locked_while_a_message_of_it_is_in_flight() -> None:
    """One receive may give several of it, in order; others are not held up."""
    queue = sent("a1", "a2", "b1", "a3")
    assert received(queue, 2) == ["a1", "a2"]
    assert received(queue) == ["b1"]
    assert received(queue) == []


def test_what_shows_again_comes_first() -> None:
    """And what stood behind it only with it or after it."""
    queue = sent("a1", "a2")
    assert received(queue, 1) == ["a1"]
    assert received(queue, now=9.9) == []
    assert queue.changes_at(0.0) == 10.0
    assert received(queue, now=10.0) == ["a1", "a2"]
    (second,) = [m for m in queue.messages if m.body == "a2"]
    queue.change_visibility(second.receipt, 0.0, now=11.0)
    # The first is still in flight.
    assert received(queue, now=11.0) == []


def test_only_the_last_receipt_works_and_only_for_a_while() -> None:
    """Deleting and extending with another one fail."""
    queue = sent("a1")
    (first,) = queue.receive(1, visibility_s=10.0, now=0.0)
    old = first.receipt
    assert queue.change_visibility(old, 10.0, now=5.0)
    assert not queue.delete(old, now=15.0)
    (again,) = queue.receive(1, visibility_s=10.0, now=15.0)
    assert not queue.delete(old, now=16.0)
    assert queue.delete(again.receipt, now=16.0)
    assert queue.messages == []


def test_a_repeat_adds_nothing_for_five_minutes() -> None:
    """Even where the first one is gone already; in another group it is another one."""
    queue = sent("a1")
    queue.delete(queue.receive(1, visibility_s=10.0, now=0.0)[0].receipt, now=1.0)
    queue.send("a1", group="a", deduplication_id="a1", now=DEDUPLICATION_S - 1)
    assert queue.messages == []
    queue.send("b1", group="b", deduplication_id="a1", now=DEDUPLICATION_S - 1)
    queue.send("a1", group="a", deduplication_id="a1", now=DEDUPLICATION_S)
    assert [m.body for m in queue.messages] == ["b1", "a1"]


def test_what_was_received_too_often_is_dead() -> None:
    """Its group goes on with the next one."""
    dead = SimulatedQueue()
    queue = sent("a1", "a2", dead=dead)
    for now in (0.0, 10.0):
        assert received(queue, 1, now=now) == ["a1"]
    assert received(queue, 1, now=20.0) == ["a2"]
    assert [m.body for m in dead.messages] == ["a1"]
