"""What the gateway writes is what the standard library would read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.compact_json import compact_json
from gateway.core.report import State

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(values)
def test_comes_back(value: object) -> None:
    """Whatever JSON can hold, whole numbers of any length included."""
    written = compact_json(value)
    assert json.loads(written) == value
    assert b"\n" not in written


def test_has_no_blanks() -> None:
    """Whichever of the two encoders wrote it."""
    for number in 1, 2**64:
        assert compact_json({"a": [number, "é"]}) == f'{{"a":[{number},"é"]}}'.encode()


def test_states_are_their_text() -> None:
    """An enumeration is written as its value, by both encoders."""
    assert compact_json([State.FAILED]) == b'["failed"]'
    assert compact_json([State.FAILED, 2**64]) == b'["failed",18446744073709551616]'


def test_what_json_has_not() -> None:
    """It is refused, or written as whatever the caller makes of it."""
    with pytest.raises(TypeError):
        compact_json(Path("/x"))
    assert compact_json(Path("/x"), str) == b'"/x"'
    assert compact_json([Path("/x"), 2**64], str) == b'["/x",18446744073709551616]'


def test_half_of_a_surrogate_pair_is_an_escape() -> None:
    """A log line about a strangely named file is not lost."""
    assert json.loads(compact_json({"file": "\ud800"})) == {"file": "\ud800"}


def test_deep_nesting() -> None:
    """As deep as the gateway reads it, and deeper."""
    value: object = 1
    for _ in range(300):
        value = [value]
    assert json.loads(compact_json(value)) == value
