"""Substitution templates."""

import pytest

from localaws.core.rules.errors import SqlRefused
from localaws.core.rules.scope import Scope
from localaws.core.rules.template import Template, Unfilled
from tests.unit.localaws.core.rules.firing import firing


def filled(written: str, payload: object = None) -> str:
    """Return a template's text for a message on `a/b/c`."""
    scope = Scope.of(firing(payload))
    return Template.parse(written, version="2016-03-23").fill(scope)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("plain", "plain"),
        ("$$aws/x", "$$aws/x"),
        ("${topic()}/again", "a/b/c/again"),
        ("x-${id}-${topic(2)}", "x-7-b"),
        ("${get({'a': '}'}, 'a')}!", "}!"),
        ("${list}", "[1]"),
    ],
)
def test_holes_are_filled(written: str, expected: str) -> None:
    """Braces inside quotes and objects do not end an expression."""
    assert filled(written, {"id": 7, "list": [1]}) == expected


def test_a_hole_without_a_value_fails() -> None:
    """The text names the template, so that its author finds it."""
    with pytest.raises(Unfilled, match=r"\$\{missing\} has no value"):
        filled("x/${missing}", {})


@pytest.mark.parametrize("written", ["${", "${topic()", "${}", "${a b}", "${newuuid()}", "${'a}"])
def test_broken_templates_are_refused(written: str) -> None:
    """A rule with one is not made."""
    with pytest.raises(SqlRefused):
        Template.parse(written, version="2016-03-23")
