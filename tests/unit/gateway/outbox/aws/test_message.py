"""Messages of the shared outbox: bodies, deduplication, and batches that keep each topic's order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.outbox.aws.message import BATCH, Turn, batches, read_turn


def turn(number: int, name: str, generation: int = 0) -> Turn:
    """Return a turn."""
    return Turn("shop", f"i-{number}", generation, 0, name)


def test_bodies_are_read_back() -> None:
    """And what is none of ours is told, not guessed."""
    one = turn(1, "user:42", 3)
    assert read_turn(one.body()) == one
    for other in ("", "{}", "[1]", '["shop","i",0,"0","user:42"]', "nonsense"):
        assert read_turn(other) is None


def test_ids_for_sqs() -> None:
    """One sending of a turn has one id, a redelivery another; a topic is one group."""
    first, again = turn(1, "user:42"), turn(1, "user:42", 1)
    assert first.deduplication_id == turn(1, "user:42").deduplication_id
    assert first.deduplication_id != again.deduplication_id
    assert first.group == again.group != turn(1, "user:43").group


@given(st.lists(st.sampled_from("abcdefghijklmnop"), max_size=120))
def test_batches_keep_each_topics_order(names: list[str]) -> None:
    """Nothing is lost, no batch holds two of one topic or more than SQS takes, order is kept."""
    turns = [turn(number, name) for number, name in enumerate(names)]
    found = batches(turns)
    assert sorted(t.event_id for batch in found for t in batch) == sorted(t.event_id for t in turns)
    for batch in found:
        assert 0 < len(batch) <= BATCH
        assert len({t.name for t in batch}) == len(batch)
    for name in set(names):
        sent = [t for batch in found for t in batch if t.name == name]
        assert sent == [t for t in turns if t.name == name]
