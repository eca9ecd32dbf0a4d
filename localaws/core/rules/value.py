"""Values of the rules SQL: JSON's, and Undefined.

Owns reading and writing JSON and the conversions between types. Numbers are `int` and `Decimal`;
whole Decimals become Int, as in SQL version 2016-03-23.

Source: IoT developer guide, "Data types" and "Conversions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Context, Decimal, DecimalException
from enum import Enum
from typing import Final, TypeAlias, Union


class Undefined(Enum):
    """Not a value: a name that is not there, or an operation that has no result."""

    UNDEFINED = "Undefined"


UNDEFINED: Final = Undefined.UNDEFINED

Value: TypeAlias = Union[
    bool, int, Decimal, str, "list[Value]", "dict[str, Value]", Undefined, None
]
"""What an expression can be."""

ARITHMETIC: Final = Context(prec=34, Emax=307, Emin=-307)
"""Decimals have 34 digits (IoT developer guide, "Data types"). Their magnitude ends at what a double
can hold, since they leave as one; AWS goes on to 1E+999."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,3})?", re.ASCII)


def read_json(payload: bytes) -> Value:
    """Return a payload's JSON, or Undefined where it is none."""
    try:
        found: Value = json.loads(
            payload, parse_float=_decimal, parse_int=_whole, parse_constant=_no_constant
        )
    except (ValueError, RecursionError, DecimalException):
        return UNDEFINED
    return found


def write_json(value: Value) -> str:
    """Return a value as JSON without blanks; Undefined alone becomes an empty text."""
    if value is UNDEFINED:
        return ""
    return json.dumps(plain(value), separators=(",", ":"), ensure_ascii=False)


def plain(value: Value) -> object:
    """Return a value as Python's JSON encoder takes it; Undefined members are left out."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(one) for one in value if one is not UNDEFINED]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if one is not UNDEFINED}
    return value


def number(value: Value) -> int | Decimal | None:
    """Return a number, also out of a text that is written as one; None where there is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        try:
            return whole(ARITHMETIC.create_decimal(value))
        except DecimalException:
            return None
    return None


def boolean(value: Value) -> bool | None:
    """Return a truth value, also out of "true" and "false"; None where there is none."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def text(value: Value) -> str | None:
    """Return a value as text; None for Null and Undefined, which have none."""
    if value is None or value is UNDEFINED:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(value)
    return write_json(value)


def whole(found: Decimal) -> int | Decimal:
    """Return a Decimal, or an Int where it is whole and not too long to write out."""
    if found == found.to_integral_value() and found.adjusted() < ARITHMETIC.prec:
        return int(found)
    return found


def member(value: Value, name: str) -> Value:
    """Return an object's member, Undefined where there is none."""
    return value.get(name, UNDEFINED) if isinstance(value, Mapping) else UNDEFINED


def _decimal(written: str) -> int | Decimal:
    return whole(ARITHMETIC.create_decimal(written))


def _whole(written: str) -> int | Decimal:
    return int(written) if len(written) <= ARITHMETIC.prec else _decimal(written)


def _no_constant(written: str) -> Value:
    raise ValueError(f"{written} is not JSON")
