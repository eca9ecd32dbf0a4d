"""IAM condition operators.

Owns every operator that IoT, STS and this project's policies use, with `IfExists` and the set
operators `ForAllValues` and `ForAnyValue`. An operator that is not here makes the whole document
invalid. Does not own where the context's values come from.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued keys".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from wire.errors import InvalidPolicy
from wire.iam.pattern import Context, Pattern

Test = Callable[[str, str, Context], bool]
"""Whether a context value passes against one value of the policy."""


def _equals(value: str, wanted: str, context: Context) -> bool:
    return Pattern.parse(wanted, wildcards=False).matches(value, context)


def _equals_ignoring_case(value: str, wanted: str, context: Context) -> bool:
    return _equals(value.lower(), wanted.lower(), context)


def _like(value: str, wanted: str, context: Context) -> bool:
    return Pattern.parse(wanted).matches(value, context)


def _bool(value: str, wanted: str, _context: Context) -> bool:
    return value.lower() == wanted.lower()


def _in_network(value: str, wanted: str, _context: Context) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _ordered(kind: Callable[[str], float], accept: Callable[[float, float], bool]) -> Test:
    def test(value: str, wanted: str, _context: Context) -> bool:
        try:
            return accept(kind(value), kind(wanted))
        except ValueError:
            return False

    return test


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_ORDERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "Equals": lambda value, wanted: value == wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanEquals": lambda value, wanted: value <= wanted,
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanEquals": lambda value, wanted: value >= wanted,
}
_POSITIVE: Final[Mapping[str, Test]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignoring_case,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": _bool,
    "BinaryEquals": _equals,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(float, accept) for name, accept in _ORDERS.items()},
    **{f"Date{name}": _ordered(_moment, accept) for name, accept in _ORDERS.items()},
}
_NEGATED: Final[Mapping[str, str]] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
_SETS: Final = ("ForAllValues", "ForAnyValue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One operator applied to one key.

    Attributes:
        operator: As written, e.g. ``ForAllValues:StringEquals``.
        key: Lower-case condition key, e.g. ``iot:connectattributes``.
        wanted: The policy's values; any of them may match.
        quantifier: ``ForAllValues``, ``ForAnyValue`` or empty.
        negated: Whether matching any value means failing.
        if_exists: Whether an absent key passes.
        test: The comparison; None for the Null operator.
    """

    operator: str
    key: str
    wanted: tuple[str, ...]
    quantifier: str
    negated: bool
    if_exists: bool
    test: Test | None

    @classmethod
    def parse(cls, operator: str, key: str, wanted: tuple[str, ...], where: str) -> Condition:
        """Read one operator and key.

        Raises:
            InvalidPolicy: The operator is not one we honour.
        """
        quantifier, _, rest = operator.rpartition(":")
        if quantifier and quantifier not in _SETS:
            raise InvalidPolicy(where, f"unknown set operator {quantifier}")
        if_exists = rest.endswith("IfExists")
        name = rest.removesuffix("IfExists")
        base = _NEGATED.get(name, name)
        if base not in _POSITIVE and name != "Null":
            raise InvalidPolicy(where, f"condition operator {operator} is not supported")
        return cls(
            operator=operator,
            key=key.lower(),
            wanted=wanted,
            quantifier=quantifier,
            negated=name in _NEGATED,
            if_exists=if_exists,
            test=_POSITIVE.get(base),
        )

    def holds(self, context: Context) -> bool:
        """Tell whether the condition holds.

        Args:
            context: Values by lower-case key.
        """
        found = context.get(self.key)
        if self.test is None:
            absent = found is None
            return any((wanted.lower() == "true") == absent for wanted in self.wanted)
        if found is None:
            return self.if_exists or self.quantifier == "ForAllValues" or self.negated
        values = (found,) if isinstance(found, str) else found
        if self.quantifier == "ForAllValues":
            return all(self._passes(value, context) for value in values)
        return any(self._passes(value, context) for value in values)

    def _passes(self, value: str, context: Context) -> bool:
        test = self.test
        matched = test is not None and any(test(value, wanted, context) for wanted in self.wanted)
        return matched is not self.negated
