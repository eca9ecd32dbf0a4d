"""Tails: bounded, in order, and what was dropped is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tail import Notice, Tail


def notice(number: int, data: str | None = None) -> Notice:
    """Return one of many."""
    return Notice(
        name="accepted",
        at="T",
        service="shop",
        id=str(number),
        addresses=("user:42",),
        state="accepted",
        data=data,
    )


@given(st.integers(1, 9), st.lists(st.integers(0, 20), max_size=6))
def test_nothing_is_lost_without_being_counted(most: int, portions: list[int]) -> None:
    """However much is offered between two takings: the newest stay, in order."""
    tail, number = Tail(most), 0
    for portion in portions:
        for _ in range(portion):
            tail.offer(notice(number))
            number += 1
            assert len(tail) <= most
        taken, dropped = tail.take()
        assert len(taken) + dropped == portion
        assert [int(one.id) for one in taken] == list(range(number - len(taken), number))
        assert tail.take() == ([], 0)


def test_payloads_are_told_only_on_request() -> None:
    """And what is not known is not told."""
    one = notice(1, data='{"n":1}')
    assert one.members(payload=True)["data"] == '{"n":1}'
    assert one.members(payload=False) == {
        "at": "T",
        "service": "shop",
        "id": "1",
        "addresses": ["user:42"],
        "state": "accepted",
    }
