"""Values of the rules SQL: JSON in and out, and conversions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.rules.value import (
    UNDEFINED,
    Value,
    boolean,
    number,
    read_json,
    text,
    write_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_goes_round(document: Value) -> None:
    """What is read is what was written."""
    assert read_json(write_json(document).encode(errors="surrogatepass")) == document


@given(st.binary())
def test_any_payload_is_read(payload: bytes) -> None:
    """A payload that is no JSON is Undefined and never an error."""
    read_json(payload)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"1e99999", b"[" * 100_000]
)
def test_what_is_no_json_is_undefined(payload: bytes) -> None:
    """Neither broken nor absurd payloads become values."""
    assert read_json(payload) is UNDEFINED


def test_whole_decimals_are_ints() -> None:
    """SQL version 2016-03-23 makes 10.0 an Int."""
    assert read_json(b"[10.0, 1.5, 1e2]") == [10, Decimal("1.5"), 100]
    assert write_json([10, Decimal("1.5"), UNDEFINED]) == "[10,1.5]"


def test_undefined_members_vanish() -> None:
    """Undefined is not representable in JSON; alone it is an empty text."""
    assert write_json({"a": None, "b": UNDEFINED}) == '{"a":null}'
    assert write_json(UNDEFINED) == ""


@pytest.mark.parametrize(
    ("given_value", "as_number", "as_boolean", "as_text"),
    [
        (5, 5, None, "5"),
        (Decimal("1.5"), Decimal("1.5"), None, "1.5"),
        (True, None, True, "true"),
        ("5E-1", Decimal("0.5"), None, "5E-1"),
        ("TRUE", None, True, "TRUE"),
        ("0x10", None, None, "0x10"),
        ([1, "a"], None, None, '[1,"a"]'),
        (None, None, None, None),
        (UNDEFINED, None, None, None),
    ],
)
def test_conversions(
    given_value: Value, as_number: object, as_boolean: object, as_text: object
) -> None:
    """The tables of "Conversions"."""
    assert (number(given_value), boolean(given_value), text(given_value)) == (
        as_number,
        as_boolean,
        as_text,
    )
