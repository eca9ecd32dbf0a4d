"""Strict JSON: the text of a request body becomes a value, or a reason why not.

Owns: refusing what `json.loads` lets through and a browser would not: duplicate names, NaN and
Infinity, numbers beyond a double, unpaired surrogates, bytes that are not UTF-8, deep nesting.
Does not: know events, or bound the size of the text (the shell does, before reading it).
Source: RFC 8259; RFC 7493 (I-JSON) for duplicate names, numbers and surrogates.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn, TypeAlias

from gateway.errors import MalformedBody

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""What a JSON text can hold."""

_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_BLANKS: Final = " \t\n\r"


def parse_json(body: bytes, *, max_depth: int) -> JsonValue:
    """Parse one JSON text.

    Args:
        body: The text, UTF-8 without a byte order mark.
        max_depth: Most arrays and objects inside one another.

    Raises:
        MalformedBody: The text is not strict JSON; says what and, where known, where.
    """
    text = _decoded(body)
    try:
        value: JsonValue = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise _malformed(error, max_depth) from None
    _check(value, text, max_depth)
    return value


def is_array(body: bytes) -> bool:
    """Tell whether a JSON text, if it is one, is an array."""
    return body.lstrip(_BLANKS.encode()).startswith(b"[")


def parse_items(
    body: bytes, *, max_depth: int, max_items: int
) -> list[JsonValue | MalformedBody] | None:
    """Parse an array whose items stand or fall each for itself.

    An item that is JSON by its syntax but not strict (a name twice, too deep, NaN, half of a
    surrogate pair) spoils no other; where the syntax is broken nothing behind it can be read.

    Args:
        body: The text, UTF-8 without a byte order mark.
        max_depth: Most arrays and objects inside one item.
        max_items: Most items.

    Returns:
        Each item's value or what is wrong with it, or None for more than `max_items`.

    Raises:
        MalformedBody: The text is no array.
    """
    text = _decoded(body)
    found: list[JsonValue | MalformedBody] = []
    try:
        at = _expect(text, _skip(text, 0), "[", "expecting an array")
        if text.startswith("]", at):
            at += 1
        else:
            while True:
                if len(found) == max_items:
                    return None
                item, at = _item(text, at, max_depth)
                found.append(item)
                at = _skip(text, at)
                if text.startswith("]", at):
                    at += 1
                    break
                at = _expect(text, at, ",", "expecting ',' delimiter")
        if _skip(text, at) != len(text):
            raise json.JSONDecodeError("Extra data", text, _skip(text, at))
    except (ValueError, RecursionError) as error:
        raise _malformed(error, max_depth) from None
    return found


def _item(text: str, at: int, max_depth: int) -> tuple[JsonValue | MalformedBody, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
        _check(value, text[at:end], max_depth)
    except MalformedBody as problem:
        # Only to find where the item ends.
        return problem, _LENIENT.raw_decode(text, at)[1]
    return value, end


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8 (byte {error.start})") from None


def _malformed(error: ValueError | RecursionError, max_depth: int) -> MalformedBody:
    match error:
        case json.JSONDecodeError():
            where = f"line {error.lineno}, column {error.colno}"
            return MalformedBody(f"the body is not JSON: {error.msg.lower()} at {where}")
        case RecursionError():
            return _too_deep(max_depth)
    # int() refuses thousands of digits before they cost quadratic time.
    return MalformedBody("a number has too many digits")


def _check(value: JsonValue, text: str, max_depth: int) -> None:
    # Brackets inside strings count too, so this is only an upper bound; it spares most the walk.
    if text.count("{") + text.count("[") > max_depth and depth_of(value) > max_depth:
        raise _too_deep(max_depth)
    if _SURROGATE_ESCAPE.search(text) and not _encodable(value):
        raise MalformedBody("a string holds half of a surrogate pair, which is no character")


def _skip(text: str, at: int) -> int:
    end = len(text)
    while at < end and text[at] in _BLANKS:
        at += 1
    return at


def _expect(text: str, at: int, character: str, complaint: str) -> int:
    if not text.startswith(character, at):
        raise json.JSONDecodeError(complaint, text, at)
    return _skip(text, at + 1)


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
_LENIENT: Final = json.JSONDecoder()
