"""The caller's trace is carried if it is one, and never a reason to refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.formats.trace_context import trace_extensions

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_carries_both_headers() -> None:
    """As they came."""
    state = "vendor=1,other=2"
    assert trace_extensions(PARENT, state) == {"traceparent": PARENT, "tracestate": state}


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT + "-more",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
    ],
)
def test_leaves_out_what_is_none(parent: str) -> None:
    """The state means nothing without its parent."""
    assert trace_extensions(parent, "a=1") == {}


def test_leaves_out_a_state_that_is_too_long() -> None:
    """The standard asks for 512 characters at least."""
    assert trace_extensions(PARENT, "a" * 513) == {"traceparent": PARENT}


@given(st.text(), st.text())
def test_any_header_will_do(parent: str, state: str) -> None:
    """Nothing a caller sends raises."""
    trace_extensions(parent, state)
