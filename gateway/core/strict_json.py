"""Strict JSON: the text of a request body becomes a value, or a reason why not.

Owns: refusing what `json.loads` lets through and a browser would not: duplicate names, NaN and
Infinity, numbers beyond a double, unpaired surrogates, bytes that are not UTF-8, deep nesting.
Does not: know events, or bound the size of the text (the shell does, before reading it).
Source: RFC 8259; RFC 7493 (I-JSON) for duplicate names, numbers and surrogates.
"""

import json
import math
import re
from typing import Final, NoReturn, TypeAlias

from gateway.errors import MalformedBody

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""What a JSON text can hold."""

_SURROGATE_ESCAPE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def parse_json(body: bytes, *, max_depth: int) -> JsonValue:
    """Parse one JSON text.

    Args:
        body: The text, UTF-8 without a byte order mark.
        max_depth: Most arrays and objects inside one another.

    Raises:
        MalformedBody: The text is not strict JSON; says what and, where known, where.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8 (byte {error.start})") from None
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBody(f"the body is not JSON: {error.msg.lower()} at {where}") from None
    except RecursionError:
        raise _too_deep(max_depth) from None
    except ValueError:
        # int() refuses thousands of digits before they cost quadratic time.
        raise MalformedBody("a number has too many digits") from None
    if _nesting_bound(body) > max_depth and depth_of(value) > max_depth:
        raise _too_deep(max_depth)
    if _SURROGATE_ESCAPE.search(body) and not _encodable(value):
        raise MalformedBody("a string holds half of a surrogate pair, which is no character")
    return value


def depth_of(value: JsonValue) -> int:
    """Count the arrays and objects inside one another; a plain value is 0."""
    deepest = 0
    pending = [(value, 1)]
    while pending:
        current, depth = pending.pop()
        if isinstance(current, dict):
            pending.extend((child, depth + 1) for child in current.values())
        elif isinstance(current, list):
            pending.extend((child, depth + 1) for child in current)
        else:
            continue
        deepest = max(deepest, depth)
    return deepest


def _nesting_bound(body: bytes) -> int:
    # Brackets inside strings count too, so this is only an upper bound; it spares most bodies
    # the walk.
    return body.count(b"{") + body.count(b"[")


def _encodable(value: JsonValue) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _too_deep(max_depth: int) -> MalformedBody:
    return MalformedBody("arrays and objects are nested too deep", limit=max_depth)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise MalformedBody(f"the name {name[:64]!r} stands twice in one object")
            seen.add(name)
    return found


def _number(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedBody(f"the number {text[:32]} is larger than a double can hold")
    return number


def _constant(text: str) -> NoReturn:
    raise MalformedBody(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_constant=_constant
)
