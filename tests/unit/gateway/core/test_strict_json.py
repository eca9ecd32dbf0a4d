"""Strict JSON refuses what a browser could not read back."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.strict_json import JsonValue, depth_of, is_array, parse_items, parse_json
from gateway.errors import MalformedBody

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc\u00e9"), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_reads_every_json_value(value: JsonValue, ascii_only: bool) -> None:  # noqa: FBT001
    """Whatever JSON can say comes out as it went in."""
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode(), max_depth=100) == value


@given(st.binary())
def test_random_bytes_raise_only_our_error(body: bytes) -> None:
    """No body makes the parser fail in a way of its own."""
    with suppress(MalformedBody):
        parse_json(body, max_depth=5)


@given(VALUES, st.integers(0, 6))
def test_depth_is_refused_exactly_beyond_the_limit(value: JsonValue, limit: int) -> None:
    """The limit counts arrays and objects inside one another, and nothing else."""
    body = json.dumps(value).encode()
    if depth_of(value) <= limit:
        assert parse_json(body, max_depth=limit) == value
    else:
        with pytest.raises(MalformedBody) as caught:
            parse_json(body, max_depth=limit)
        assert caught.value.limit == limit


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b'{"a":1}x', "extra data"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'"\xff"', "not UTF-8 (byte 1)"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'{"to":1,"to":2}', "'to' stands twice"),
        (b'[{"a":{"b":1,"b":1}}]', "'b' stands twice"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e999", "larger than a double"),
        (b"1" * 5_000, "too many digits"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
    ],
)
def test_refuses(body: bytes, says: str) -> None:
    """Each refusal says what is wrong and, where it can, where."""
    with pytest.raises(MalformedBody, match=says.replace("(", r"\(").replace(")", r"\)")):
        parse_json(body, max_depth=64)


def test_takes_a_whole_surrogate_pair() -> None:
    """An escaped emoji is a character like any other."""
    assert parse_json(b'"\\ud83d\\ude00"', max_depth=1) == "\N{GRINNING FACE}"


def test_items_stand_each_for_itself() -> None:
    """What is wrong with one is told in its place."""
    items = parse_items(b'[1, {"a":1,"a":2}, [[[]]], "x"]', max_depth=2, max_items=9)
    assert items is not None
    assert [type(item) for item in items] == [int, MalformedBody, MalformedBody, str]


@given(st.lists(VALUES, max_size=5), st.sampled_from(["", " ", "\n\t "]))
def test_items_are_what_the_array_holds(values: list[JsonValue], blank: str) -> None:
    """However many blanks stand between."""
    inner = f"{blank},{blank}".join(json.dumps(value) for value in values)
    body = f"{blank}[{blank}{inner}{blank}]{blank}".encode()
    assert is_array(body)
    assert parse_items(body, max_depth=64, max_items=5) == values


@given(st.binary(max_size=20) | st.text('[]{}",:1 ', max_size=20).map(str.encode))
def test_items_are_read_where_the_whole_is(body: bytes) -> None:
    """Reading item by item takes exactly the arrays that reading at once takes."""
    try:
        whole = parse_json(body, max_depth=64)
    except MalformedBody:
        whole = None
    try:
        items = parse_items(body, max_depth=64, max_items=99)
    except MalformedBody:
        items = None
    if isinstance(whole, list):
        assert items == whole
    else:
        assert items is None or any(isinstance(item, MalformedBody) for item in items)


def test_items_are_bounded() -> None:
    """Counting stops at the limit."""
    assert parse_items(b"[1,2]", max_depth=2, max_items=2) == [1, 2]
    assert parse_items(b"[1,2,", max_depth=2, max_items=2) is None
