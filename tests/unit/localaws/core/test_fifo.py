"""FIFO queues give nothing of a group that is in flight, and remember what they were sent."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from localaws.core.fifo import (
    DEDUPLICATION_MS,
    Deduplication,
    held_by,
    next_visible_ms,
    receivable,
)


@dataclass
class Message:
    """A message as the rules see it."""

    number: int
    group_id: str | None
    visible_at: float = 0.0
    receipt_handle: str | None = None


def test_a_group_in_flight_gives_nothing() -> None:
    """Others do, in order; the group comes back as a whole when its time is over."""
    messages = [
        Message(1, "a", visible_at=50),
        Message(2, "b"),
        Message(3, "a"),
        Message(4, "b"),
        Message(5, "c"),
    ]
    assert [m.number for m in receivable(messages, now_ms=49, most=10)] == [2, 4, 5]
    assert [m.number for m in receivable(messages, now_ms=49, most=1)] == [2]
    assert [m.number for m in receivable(messages, now_ms=50, most=10)] == [1, 2, 3, 4, 5]
    assert next_visible_ms(messages, 49) == 50
    assert next_visible_ms(messages, 50) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=20),
    st.integers(0, 3),
    st.integers(1, 10),
)
def test_what_is_received_begins_each_group(
    standing: list[tuple[str, int]], now_ms: int, most: int
) -> None:
    """Of any group a receive gives the oldest ones, or none."""
    messages = [Message(n, group, visible_at=at) for n, (group, at) in enumerate(standing)]
    taken = receivable(messages, now_ms=now_ms, most=most)
    for group in {message.group_id for message in taken}:
        mine = [message for message in taken if message.group_id == group]
        assert mine == [message for message in messages if message.group_id == group][: len(mine)]


def test_a_receipt_ends_with_its_time() -> None:
    """And with the next receive, which gives another one."""
    message = Message(1, "a", visible_at=50, receipt_handle="now")
    assert held_by([message], "now", 49) is message
    assert held_by([message], "before", 49) is None
    assert held_by([message], "now", 50) is None


def test_ids_are_remembered_for_five_minutes() -> None:
    """Whatever became of the message; where told so, for each group."""
    seen = Deduplication(per_group=True)
    assert seen.is_new("a", "1", 1_000)
    assert not seen.is_new("a", "1", 1_000 + DEDUPLICATION_MS - 1)
    assert seen.is_new("b", "1", 2_000)
    assert seen.is_new("a", "1", 1_000 + DEDUPLICATION_MS)
    everywhere = Deduplication(per_group=False)
    assert everywhere.is_new("a", "1", 0)
    assert not everywhere.is_new("b", "1", 0)
