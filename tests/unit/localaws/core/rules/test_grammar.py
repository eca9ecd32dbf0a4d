"""What the rules SQL takes, and how it words what it does not take."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.rules.errors import SqlRefused
from localaws.core.rules.grammar import parse


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM 'a/b'",
        "select * from 'a/+/#' where x > 1",
        "SELECT a, b.c AS d, *, topic(2) AS t FROM 'a'",
        "SELECT VALUE a FROM 'a'",
        "SELECT value FROM 'a'",
        "SELECT value.x, value AS v FROM 'a'",
        "SELECT *",
        "SELECT * FROM 'a' WHERE NOT (a = 1 OR b <> 'x' AND c >= -2.5e3) AND isUndefined(d)",
        "SELECT {'a': [1, null, true], b: -x} AS o FROM 'a'",
        "SELECT encode(*, 'base64') AS p FROM 'a'",
        "SELECT android, orb, notes, fromage FROM 'a'",
    ],
)
def test_the_subset_is_read(sql: str) -> None:
    """Keywords are told from names that begin like them, and case does not matter."""
    assert parse(sql, "statement").data == "statement"


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT CASE a WHEN 1 THEN 2 END AS x FROM 'a'", "does not support CASE"),
        ("SELECT (SELECT a FROM b) AS x FROM 'a'", "does not support nested SELECT"),
        ("SET @a = 1 SELECT * FROM 'a'", "does not support SET"),
        ("SELECT * FROM 'a' WHERE a IN [1]", "does not support IN"),
        ("SELECT * FROM 'a' WHERE EXISTS (SELECT 1)", "does not support EXISTS"),
        ("SELECT * FROM 'a' WHERE a LIKE 'b'", "does not support LIKE"),
        ("SELECT * -- all\nFROM 'a'", "no comments"),
        ("SELECT * /* all */ FROM 'a'", "no comments"),
        ("SELECT * FROM", "ends too early"),
        ("SELECT a FROM 'a' WHERE a != 1", "unexpected '!='"),
        ("SELECT 'a FROM b", "unexpected"),
        ("SELECT a b FROM 'a'", "unexpected 'b'"),
        ("SELECT * FROM a", "unexpected 'a'"),
    ],
)
def test_what_is_not_read_is_named(sql: str, words: str) -> None:
    """A rule outside the subset is told what it is outside with."""
    with pytest.raises(SqlRefused, match=words):
        parse(sql, "statement")


def test_nesting_has_an_end() -> None:
    """No rule can exhaust the interpreter's stack."""
    with pytest.raises(SqlRefused, match="nested more than"):
        parse(f"SELECT {'NOT ' * 300}a AS b FROM 'a'", "statement")  # noqa: S608 (rules)


@given(st.text(alphabet="SELECT FROM*'ab,.()[]{}<>=+-/%1\"", max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused(sql: str) -> None:
    """Whatever is written, the answer is a tree or our own refusal."""
    with contextlib.suppress(SqlRefused):
        assert parse(sql, "statement").data == "statement"
