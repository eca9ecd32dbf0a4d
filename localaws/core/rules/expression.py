"""Expressions of the rules SQL, each a value that knows how to find its own.

Owns names, literals, operators and their types. Does not own functions
(`localaws.core.rules.functions`) nor the grammar.

Source: IoT developer guide, "Operators" and "Data types"; what the tables leave open (AND with one
Undefined operand) is Undefined, as for any "other value".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Final, Protocol

from localaws.core.rules.scope import Scope
from localaws.core.rules.value import (
    ARITHMETIC,
    UNDEFINED,
    Value,
    boolean,
    member,
    number,
    text,
    whole,
)


class Expression(Protocol):
    """Anything with a value."""

    def value(self, scope: Scope) -> Value:
        """Return its value for one message."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written into the SQL."""

    written: Value

    def value(self, scope: Scope) -> Value:
        """Return it."""
        del scope
        return self.written


@dataclass(frozen=True, slots=True)
class Field:
    """A member of the payload."""

    name: str

    def value(self, scope: Scope) -> Value:
        """Look it up."""
        return member(scope.document, self.name)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: `owner.name`."""

    owner: Expression
    name: str

    def value(self, scope: Scope) -> Value:
        """Look it up."""
        return member(self.owner.value(scope), self.name)


@dataclass(frozen=True, slots=True)
class Payload:
    """`*` as an argument: the whole payload, JSON or not."""

    def value(self, scope: Scope) -> Value:
        """Return the payload's JSON, or Undefined; `encode` takes its bytes instead."""
        return scope.document


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array literal."""

    items: tuple[Expression, ...]

    def value(self, scope: Scope) -> Value:
        """Return the array."""
        return [item.value(scope) for item in self.items]


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """An object literal."""

    pairs: tuple[tuple[str, Expression], ...]

    def value(self, scope: Scope) -> Value:
        """Return the object."""
        return {name: one.value(scope) for name, one in self.pairs}


@dataclass(frozen=True, slots=True)
class Logical:
    """AND and OR; both sides must be truth values."""

    is_and: bool
    left: Expression
    right: Expression

    def value(self, scope: Scope) -> Value:
        """Combine both sides."""
        left, right = boolean(self.left.value(scope)), boolean(self.right.value(scope))
        if left is None or right is None:
            return UNDEFINED
        return (left and right) if self.is_and else (left or right)


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    operand: Expression

    def value(self, scope: Scope) -> Value:
        """Turn a truth value round."""
        found = boolean(self.operand.value(scope))
        return UNDEFINED if found is None else not found


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison."""

    sign: str
    left: Expression
    right: Expression

    def value(self, scope: Scope) -> Value:
        """Compare both sides."""
        left, right = self.left.value(scope), self.right.value(scope)
        if self.sign in ("=", "<>"):
            if left is UNDEFINED or right is UNDEFINED:
                return UNDEFINED
            return equal(left, right) is (self.sign == "=")
        one, other = number(left), number(right)
        if one is None or other is None:
            return UNDEFINED
        return _ORDERS[self.sign](one, other)


@dataclass(frozen=True, slots=True)
class Computation:
    """Arithmetic, or with `+` the joining of texts."""

    sign: str
    left: Expression
    right: Expression

    def value(self, scope: Scope) -> Value:
        """Compute it; what cannot be computed (a division by zero, say) is Undefined."""
        left, right = self.left.value(scope), self.right.value(scope)
        if self.sign == "+" and (isinstance(left, str) or isinstance(right, str)):
            one_text, other_text = text(left), text(right)
            if one_text is None or other_text is None:
                return UNDEFINED
            return one_text + other_text
        if self.sign == "+" and not (_is_number(left) and _is_number(right)):
            return UNDEFINED
        one, other = number(left), number(right)
        if one is None or other is None:
            return UNDEFINED
        return _computed(self.sign, one, other)


@dataclass(frozen=True, slots=True)
class Negative:
    """A minus sign before an expression."""

    operand: Expression

    def value(self, scope: Scope) -> Value:
        """Return the number with the other sign."""
        found = number(self.operand.value(scope))
        return UNDEFINED if found is None else -found


def equal(left: Value, right: Value) -> bool:
    """Tell whether two defined values are equal; those of different types never are."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    return left == right


def _is_number(value: Value) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_ORDERS: Final[Mapping[str, Callable[[int | Decimal, int | Decimal], bool]]] = {
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


def _computed(sign: str, one: int | Decimal, other: int | Decimal) -> Value:
    compute = {
        "+": ARITHMETIC.add,
        "-": ARITHMETIC.subtract,
        "*": ARITHMETIC.multiply,
        "/": ARITHMETIC.divide,
        "%": ARITHMETIC.remainder,
    }[sign]
    try:
        found = compute(one, other)
    except DecimalException:
        return UNDEFINED
    if sign == "/" and isinstance(one, int) and isinstance(other, int):
        return int(found)
    return whole(found)
