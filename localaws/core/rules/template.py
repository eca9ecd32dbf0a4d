"""Substitution templates: `${expression}` inside a field of an action.

Owns finding the expressions in a text and filling them in. Does not know which fields may hold one.

Source: IoT developer guide, "Substitution templates".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.core.rules.errors import SqlRefused
from localaws.core.rules.statement import compile_expression
from localaws.core.rules.value import text

if TYPE_CHECKING:
    from localaws.core.rules.expression import Expression
    from localaws.core.rules.scope import Scope


@dataclass(frozen=True, slots=True)
class _Hole:
    """One `${…}`, as written and compiled."""

    written: str
    expression: Expression


class Unfilled(SqlRefused):
    """A template has no text for this message, since its expression is Null or Undefined."""

    def __init__(self, written: str) -> None:
        super().__init__(f"the substitution template ${{{written}}} has no value for this message")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with holes.

    Attributes:
        written: As the rule has it.
    """

    written: str
    _parts: tuple[str | _Hole, ...]

    @classmethod
    def parse(cls, written: str, *, version: str) -> Template:
        """Take a field apart.

        Raises:
            SqlRefused: An expression breaks the grammar or is outside the subset.
        """
        parts: list[str | _Hole] = []
        at = 0
        while (start := written.find("${", at)) >= 0:
            end = _end(written, start + 2)
            inner = written[start + 2 : end]
            parts += [written[at:start], _Hole(inner, compile_expression(inner, version=version))]
            at = end + 1
        parts.append(written[at:])
        return cls(written, tuple(part for part in parts if part != ""))

    def fill(self, scope: Scope) -> str:
        """Return the text for one message.

        Raises:
            Unfilled: An expression has no text.
        """
        return "".join(
            part if isinstance(part, str) else _filled(part, scope) for part in self._parts
        )


def _filled(hole: _Hole, scope: Scope) -> str:
    found = text(hole.expression.value(scope))
    if found is None:
        raise Unfilled(hole.written)
    return found


def _end(written: str, at: int) -> int:
    """Return where the brace closes that was opened just before `at`; quotes hide braces."""
    depth, quote = 1, ""
    for position in range(at, len(written)):
        sign = written[position]
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
            if not depth:
                return position
    raise SqlRefused("a substitution template is not closed")
