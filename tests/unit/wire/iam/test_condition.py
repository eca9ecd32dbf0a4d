"""Condition operators behave as IAM documents them."""

from __future__ import annotations

import pytest

from wire.errors import InvalidPolicy
from wire.iam.condition import Condition
from wire.iam.pattern import ContextValue

KEY = "iot:connectattributes"


def holds(operator: str, wanted: str | tuple[str, ...], found: ContextValue | None) -> bool:
    """Evaluate one operator on one key."""
    values = (wanted,) if isinstance(wanted, str) else wanted
    context = {} if found is None else {KEY: found}
    return Condition.parse(operator, "iot:ConnectAttributes", values, "here").holds(context)


@pytest.mark.parametrize(
    ("operator", "wanted", "found", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ("b", "a"), "a", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", "a", "a", False),
        ("StringNotEquals", "a", None, True),
        ("StringEqualsIgnoreCase", "A", "a", True),
        ("StringLike", "a*", "ab", True),
        ("StringNotLike", "a*", "ab", False),
        ("ArnLike", "arn:*:x", "arn:aws:x", True),
        ("Bool", "true", "True", True),
        ("NumericLessThan", "5", "4", True),
        ("NumericLessThan", "5", "no", False),
        ("NumericGreaterThanEquals", "5", "5", True),
        ("NumericNotEquals", "5", "6", True),
        ("DateLessThan", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", True),
        ("DateGreaterThan", "0", "1767225600", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("IpAddress", "10.0.0.0/8", "nonsense", False),
        ("NotIpAddress", "10.0.0.0/8", "192.0.2.1", True),
        ("Null", "true", None, True),
        ("Null", "true", "x", False),
        ("Null", "false", "x", True),
    ],
)
def test_operators(
    operator: str, wanted: str | tuple[str, ...], found: str | None, *, expected: bool
) -> None:
    """Each operator on a present, absent, matching and other value."""
    assert holds(operator, wanted, found) is expected


def test_set_operators() -> None:
    """The documentation's own example: an empty list allows only plain clean connects."""
    assert holds("ForAllValues:StringEquals", (), ())
    assert not holds("ForAllValues:StringEquals", (), ("LastWill",))
    assert holds("ForAllValues:StringEquals", ("LastWill",), ("LastWill",))
    assert not holds("ForAllValues:StringEquals", ("LastWill",), ("LastWill", "PersistentConnect"))
    assert holds("ForAllValues:StringEquals", ("LastWill",), None)
    assert holds("ForAnyValue:StringEquals", ("LastWill",), ("LastWill", "PersistentConnect"))
    assert not holds("ForAnyValue:StringEquals", ("LastWill",), ())
    assert not holds("ForAnyValue:StringEquals", ("LastWill",), None)


@pytest.mark.parametrize("operator", ["StringMatches", "ForSome:StringEquals", ""])
def test_unknown_operators_are_refused(operator: str) -> None:
    """What we do not know is never taken as true or false."""
    with pytest.raises(InvalidPolicy):
        holds(operator, "a", "a")
