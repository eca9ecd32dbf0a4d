"""SELECT, FROM and WHERE as a whole."""

import pytest

from localaws.core.rules.errors import SqlRefused
from localaws.core.rules.statement import NotSelectable
from tests.unit.localaws.core.rules.firing import rule, selected

COLOR = {"color": "red", "temperature": 50}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT color FROM 'a/#'", b'{"color":"red"}'),
        ("SELECT color AS my_color, temperature FROM 'x'", b'{"my_color":"red","temperature":50}'),
        ("SELECT *, 15 AS speed FROM 'x'", b'{"color":"red","temperature":50,"speed":15}'),
        ("SELECT *, 1 AS color FROM 'x'", b'{"color":1,"temperature":50}'),
        ("SELECT VALUE color FROM 'x'", b'"red"'),
        ("SELECT VALUE nothing FROM 'x'", b""),
        ("SELECT nothing FROM 'x'", b"{}"),
        ("SELECT color FROM 'x' WHERE temperature > 50", None),
        ("SELECT color FROM 'x' WHERE temperature >= 50 AND color = 'red'", b'{"color":"red"}'),
        ("SELECT color FROM 'x' WHERE nothing = 1", None),
        ("SELECT color FROM 'x' WHERE color", None),
        ("SELECT color FROM 'x' WHERE 'true'", None),
    ],
)
def test_selecting(sql: str, expected: bytes | None) -> None:
    """The examples of "SELECT clause", and conditions: only true passes."""
    assert selected(sql, COLOR) == expected


def test_everything_is_byte_for_byte() -> None:
    """`SELECT *` alone hands on the payload untouched, JSON or not."""
    assert selected("SELECT * FROM 'a'", b'{ "a" : 1.50 }') == b'{ "a" : 1.50 }'
    assert selected("SELECT * FROM 'a' WHERE topic(1) = 'a'", b"\xff") == b"\xff"


def test_everything_and_more_needs_an_object() -> None:
    """Nothing can be added to a payload that is not a JSON object."""
    with pytest.raises(NotSelectable):
        selected("SELECT *, 1 AS x FROM 'a'", b"\xff")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT topic() FROM 'a'", "needs AS and a name"),
        ("SELECT * FROM 'a/#/b'", "FROM is no topic filter"),
        ("SELECT * FROM ''", "FROM is no topic filter"),
        ("SELECT 1e999 AS x FROM 'a'", "too large"),
    ],
)
def test_statements_that_make_no_sense(sql: str, words: str) -> None:
    """The text says what is wrong."""
    with pytest.raises(SqlRefused, match=words):
        rule(sql)


def test_the_older_sql_version_has_no_literals() -> None:
    """Arrays and objects came with 2016-03-23."""
    for literal, words in (("[1]", "array"), ("{'a': 1}", "object")):
        with pytest.raises(SqlRefused, match=f"an {words} literal needs"):
            rule(f"SELECT {literal} AS x FROM 'a'", version="2015-10-08")  # noqa: S608 (rules)
