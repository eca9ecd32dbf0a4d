"""IAM's text patterns: `*`, `?` and policy variables.

Owns matching of actions, resources and StringLike values. `*` runs across `/`; MQTT's `+` and `#`
are ordinary characters here. Does not own conditions (`wire.iam.condition`).

Source: IAM user guide, "IAM JSON policy elements: Resource" and "Policy variables";
IoT developer guide, pub-sub-policy.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ContextValue = str | tuple[str, ...]
Context = Mapping[str, ContextValue]
"""What is known of a request, by condition key; keys are compared without regard to case."""

_TOKEN: Final = re.compile(r"\$\{(?P<variable>[^{}]*)\}|(?P<wildcard>[*?])")
_LITERALS: Final = frozenset({"*", "?", "$"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with wildcards and variables, taken apart once.

    Attributes:
        text: The pattern as written.
        variables: Names of the policy variables in it, lower-case, without literals.
        wildcards: Whether `*` and `?` are wildcards; in StringEquals they are plain characters.
        plain: Whether nothing but `*` is special in it, as in nearly every ARN. Such a pattern needs
            no expression: compiling one takes longer than all else in a decision, and each client
            has patterns of its own (bench/connections.py).
    """

    text: str
    variables: tuple[str, ...]
    wildcards: bool
    plain: bool

    @classmethod
    @lru_cache(maxsize=4096)  # clients of one role share most of their patterns
    def parse(cls, text: str, *, wildcards: bool = True) -> Pattern:
        """Take a pattern apart; every text is a pattern."""
        names = (match["variable"] for match in _TOKEN.finditer(text))
        return cls(
            text,
            tuple(name.lower() for name in names if name is not None and name not in _LITERALS),
            wildcards,
            "${" not in text and not (wildcards and "?" in text),
        )

    def matches(self, value: str, context: Context) -> bool:
        """Tell whether a value matches.

        Args:
            value: The action, resource or context value.
            context: Values for the policy variables. A pattern whose variable has no single value
                matches nothing, as in IAM; a value's own `*` and `?` are literal.
        """
        if self.plain:
            return (
                _runs_through(self.text.split("*"), value) if self.wildcards else value == self.text
            )
        if not self.variables:
            return _expression(self.text, (), self.wildcards).fullmatch(value) is not None
        known: list[tuple[str, str]] = []
        for name in self.variables:
            replacement = context.get(name)
            if not isinstance(replacement, str):
                return False
            known.append((name, replacement))
        return _expression(self.text, tuple(known), self.wildcards).fullmatch(value) is not None


def _runs_through(pieces: list[str], value: str) -> bool:
    """Tell whether a value is the pieces in order, with anything between them."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return value == first
    start, end = len(first), len(value) - len(last)
    if start > end or not value.startswith(first) or not value.endswith(last):
        return False
    for piece in pieces[1:-1]:
        found = value.find(piece, start, end)
        if found < 0:
            return False
        start = found + len(piece)
    return True


@lru_cache(maxsize=4096)
def _expression(
    text: str,
    known: tuple[tuple[str, str], ...],
    wildcards: bool,  # noqa: FBT001 (lru_cache key)
) -> re.Pattern[str]:
    values = dict(known)
    parts: list[str] = []
    end = 0
    for match in _TOKEN.finditer(text):
        parts.append(re.escape(text[end : match.start()]))
        end = match.end()
        if match["wildcard"] and not wildcards:
            parts.append(re.escape(match["wildcard"]))
        elif match["wildcard"]:
            parts.append(".*" if match["wildcard"] == "*" else ".")
        elif match["variable"] in _LITERALS:
            parts.append(re.escape(match["variable"]))
        else:
            parts.append(re.escape(values[match["variable"].lower()]))
    parts.append(re.escape(text[end:]))
    return re.compile("".join(parts), re.DOTALL)
