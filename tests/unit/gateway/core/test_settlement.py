"""Outcomes come back from their text as they went in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason, read_outcomes, write_outcomes

SETTLED = [state for state in State if state.settled]
REASONS = st.builds(Reason, st.text(), st.text(), st.booleans())
OUTCOMES = st.builds(
    Outcome,
    st.sampled_from(SETTLED),
    st.integers(0, 2**45),
    st.integers(0, 1_000),
    st.none() | REASONS,
)


@given(st.lists(st.none() | OUTCOMES, min_size=1, max_size=5))
def test_round_trip(outcomes: list[Outcome | None]) -> None:
    """Every one, with and without a reason, settled or not."""
    assert read_outcomes(write_outcomes(outcomes), len(outcomes)) == outcomes


def test_no_text_means_nothing_happened() -> None:
    """As for an event just added."""
    assert read_outcomes(None, 2) == [None, None]


def test_the_short_way_writes_the_same_json() -> None:
    """One address, nothing wrong."""
    assert json.loads(write_outcomes([Outcome(State.PUBLISHED, 5, 1)])) == [["published", 5, 1]]


@pytest.mark.parametrize("text", ["[]", "{}", "[1]", '[["published"]]', '[["moon",1,1]]', "x"])
def test_refuses_what_is_not_ours(text: str) -> None:
    """A damaged row is not taken for an outcome."""
    with pytest.raises(ValueError, match=r"outcome|State|Expecting"):
        read_outcomes(text, 1)
