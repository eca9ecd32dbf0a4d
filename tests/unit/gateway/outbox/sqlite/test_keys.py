"""One number stands for one delivery."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.outbox.sqlite.keys import key_of, position_of, seq_of


@given(st.integers(1, 2**50), st.integers(0, 99))
def test_round_trip(seq: int, position: int) -> None:
    """Event and address come back."""
    key = key_of(seq, position)
    assert (seq_of(key), position_of(key)) == (seq, position)


@given(st.integers(1, 2**50), st.integers(0, 99), st.integers(0, 99))
def test_later_events_have_higher_keys(seq: int, first: int, second: int) -> None:
    """Whatever their addresses."""
    assert key_of(seq, first) < key_of(seq + 1, second)
