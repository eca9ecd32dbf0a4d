"""`Prefer: wait=N` is read by the book, and is never a reason to refuse."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.preference import wait_s


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["wait=5; x=y"], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5, wait=9"], 5),
        (["wait=0"], 0),
        (["wait=99"], 30),
        (["wait=999999999"], 30),
        (["wait"], None),
        (["wait="], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=x, wait=5"], None),
        (["waiting=5"], None),
        (['note="a, wait=5", respond-async'], None),
        (["x" * 300 + ", wait=5"], None),
    ],
)
def test_reads_the_first_wait(headers: list[str], seconds: int | None) -> None:
    """Within the bound; what cannot be read does not count. Source: RFC 7240 section 2."""
    assert wait_s(headers, most_s=30.0) == seconds


@given(st.lists(st.text(st.sampled_from('wait="\\,; 5'), max_size=40)))
def test_any_header_will_do(headers: list[str]) -> None:
    """Nothing a caller sends raises, and the bound holds."""
    found = wait_s(headers, most_s=30)
    assert found is None or 0 <= found <= 30


@pytest.mark.parametrize("part", ['"', '"\\', '\\"', ",", '",'])
def test_reading_costs_nothing(part: str) -> None:
    """However the header is made, it is read in no time."""
    started = time.process_time()
    wait_s([part * 4_000], most_s=30)
    assert time.process_time() - started < 0.1
