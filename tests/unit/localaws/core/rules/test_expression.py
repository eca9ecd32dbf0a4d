"""Operators and names of the rules SQL."""

import pytest

from tests.unit.localaws.core.rules.firing import value

PAYLOAD = {
    "n": 5,
    "d": 2.5,
    "s": "abc",
    "t": "7",
    "b": True,
    "z": None,
    "o": {"i": [1, 2]},
    "a": [1],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n", 5),
        ("o.i", [1, 2]),
        ("o.i.x", "undefined"),
        ("missing.x.y", "undefined"),
        ("z", None),
        ("n + d", 7.5),
        ("n + n", 10),
        ("s + n", "abc5"),
        ("n + s", "5abc"),
        ("s + missing", "undefined"),
        ("b + n", "undefined"),
        ("t - 1", 6),
        ("s - 1", "undefined"),
        ("t * d", 17.5),
        ("9 / 2", 4),
        ("9.0 / 2.5", 3.6),
        ("n / 0", "undefined"),
        ("1e300 * 1e300", "undefined"),
        ("'1e999' - 1", "undefined"),
        ("n % 3", 2),
        ("-n", -5),
        ("-s", "undefined"),
        ("(1 + 2) * 3", 9),
        ("1 + 2 * 3", 7),
        ("10 - 2 - 3", 5),
        ("0.1 + 0.2 = 0.3", True),
        ("'it''s'", "it's"),
        ('"double"', "double"),
        ("[n, missing, 'x']", [5, "x"]),
        ("{'k': n, m: missing}", {"k": 5}),
    ],
)
def test_values(expression: str, expected: object) -> None:
    """Names, arithmetic, texts and literals."""
    assert value(expression, PAYLOAD) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n > 4", True),
        ("n >= 5", True),
        ("n < 5", False),
        ("n <= 5", True),
        ("t > 6.5", True),
        ("s > 1", "undefined"),
        ("b > 0", "undefined"),
        ("missing > 1", "undefined"),
        ("n = 5.0", True),
        ("n = t", False),
        ("n <> t", True),
        ("t = '7'", True),
        ("s = 'ABC'", False),
        ("z = NULL", True),
        ("z <> NULL", False),
        ("b = 1", False),
        ("b = true", True),
        ("a = [1]", True),
        ("o = {'i': [1, 2]}", True),
        ("o <> {'i': [2, 1]}", True),
        ("missing = 1", "undefined"),
        ("missing <> 1", "undefined"),
    ],
)
def test_comparisons(expression: str, expected: object) -> None:
    """The tables of "Operators": what cannot be compared is Undefined, not false."""
    assert value(expression, PAYLOAD) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("b AND n = 5", True),
        ("b AND 'FALSE'", False),
        ("b OR missing", "undefined"),
        ("n AND b", "undefined"),
        ("NOT b", False),
        ("NOT 'false'", True),
        ("NOT n", "undefined"),
        ("NOT n = 5 OR b", True),
        ("false OR true AND false", False),
    ],
)
def test_logic(expression: str, expected: object) -> None:
    """NOT binds closer than AND, AND closer than OR; anything but truth values is Undefined."""
    assert value(expression, PAYLOAD) == expected
