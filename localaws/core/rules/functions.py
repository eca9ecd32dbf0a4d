"""The functions of the rules SQL that localaws knows.

Owns each function's name, how many arguments it takes, since which SQL version there is one, and
what it returns. All others are refused by name when a rule is made.

Source: IoT developer guide, "Functions". `get_user_properties(key)` gives an array, since a key may
repeat; its form without a key is unverified.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from localaws.core.rules.errors import SqlRefused
from localaws.core.rules.expression import Expression, Literal, Payload
from localaws.core.rules.scope import Scope
from localaws.core.rules.value import UNDEFINED, Value, member, number, read_json, text

VERSION_2015: Final = "2015-10-08"
VERSION_2016: Final = "2016-03-23"
"""SQL versions, comparable as texts."""

Body = Callable[[Scope, Sequence[Value]], Value]


@dataclass(frozen=True, slots=True)
class Function:
    """One function: fewest and most arguments, first SQL version, and what it does."""

    least: int
    most: int
    since: str
    body: Body


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function."""

    name: str
    function: Function
    arguments: tuple[Expression, ...]

    def value(self, scope: Scope) -> Value:
        """Call it."""
        return self.function.body(scope, [one.value(scope) for one in self.arguments])


@dataclass(frozen=True, slots=True)
class Encoded:
    """`encode(value, 'base64')`; of `*` it takes the payload's bytes, JSON or not."""

    operand: Expression

    def value(self, scope: Scope) -> Value:
        """Return the base64 text."""
        if isinstance(self.operand, Payload):
            return base64.b64encode(scope.firing.message.payload).decode()
        found = text(self.operand.value(scope))
        return UNDEFINED if found is None else base64.b64encode(found.encode()).decode()


def call(name: str, arguments: Sequence[Expression], *, version: str) -> Expression:
    """Return a call.

    Raises:
        SqlRefused: There is no such function here, or it takes other arguments.
    """
    known = name.lower()
    if known in ("encode", "decode"):
        return _coded(known, arguments)
    function = FUNCTIONS.get(known)
    if function is None:
        raise SqlRefused(f"localaws does not support the function {name}()")
    if version < function.since:
        raise SqlRefused(f"the function {name}() needs SQL version {function.since}")
    if not function.least <= len(arguments) <= function.most:
        raise SqlRefused(f"the function {name}() takes other arguments")
    if any(isinstance(one, Payload) for one in arguments):
        raise SqlRefused(f"localaws does not support * as an argument of {name}()")
    return Call(name, function, tuple(arguments))


def _coded(name: str, arguments: Sequence[Expression]) -> Expression:
    if len(arguments) != 2 or arguments[1] != Literal("base64"):
        raise SqlRefused(f"the function {name}() takes a value and 'base64'")
    if name == "encode":
        return Encoded(arguments[0])
    return Call(name, Function(2, 2, VERSION_2016, _decode), tuple(arguments))


def _topic(scope: Scope, arguments: Sequence[Value]) -> Value:
    topic = scope.firing.topic
    if not arguments:
        return topic
    place = number(arguments[0])
    levels = topic.split("/")
    if place is None or not 1 <= int(place) <= len(levels):
        return UNDEFINED
    return levels[int(place) - 1]


def _decode(_scope: Scope, arguments: Sequence[Value]) -> Value:
    written = arguments[0]
    if not isinstance(written, str):
        return None
    try:
        found = base64.b64decode(written, validate=True)
        document = read_json(found)
        return found.decode() if document is UNDEFINED else document
    except (binascii.Error, ValueError):
        return None


def _starts(_scope: Scope, arguments: Sequence[Value]) -> Value:
    one, other = text(arguments[0]), text(arguments[1])
    return UNDEFINED if one is None or other is None else one.startswith(other)


def _ends(_scope: Scope, arguments: Sequence[Value]) -> Value:
    one, other = text(arguments[0]), text(arguments[1])
    return UNDEFINED if one is None or other is None else one.endswith(other)


def _of_text(change: Callable[[str], Value]) -> Body:
    def body(_scope: Scope, arguments: Sequence[Value]) -> Value:
        found = text(arguments[0])
        return UNDEFINED if found is None else change(found)

    return body


def _concat(_scope: Scope, arguments: Sequence[Value]) -> Value:
    if not arguments:
        return UNDEFINED
    if len(arguments) == 1:
        return arguments[0]
    if any(isinstance(one, list) for one in arguments):
        joined: list[Value] = []
        for one in arguments:
            joined += one if isinstance(one, list) else [one]
        return joined
    texts = [text(one) for one in arguments]
    if not any(isinstance(one, str) for one in arguments) or None in texts:
        return UNDEFINED
    return "".join(one for one in texts if one is not None)


def _get(_scope: Scope, arguments: Sequence[Value]) -> Value:
    owner, key = arguments
    if isinstance(owner, Mapping):
        return member(owner, key) if isinstance(key, str) else UNDEFINED
    place = number(key)
    if not isinstance(owner, list | str) or place is None or not 0 <= place < len(owner):
        return UNDEFINED
    return owner[int(place)]


_FORMATS: Final = {None: "UNSPECIFIED_BYTES", 0: "UNSPECIFIED_BYTES", 1: "UTF8_DATA"}


def _mqtt_property(scope: Scope, arguments: Sequence[Value]) -> Value:
    message = scope.firing.message
    data = message.correlation_data
    found: Mapping[str, str | None] = {
        "content_type": message.content_type,
        "response_topic": message.response_topic,
        "format_indicator": _FORMATS.get(message.payload_format_indicator),
        "correlation_data": None if data is None else base64.b64encode(data).decode(),
    }
    named = arguments[0]
    value = found.get(named) if isinstance(named, str) else None
    return UNDEFINED if value is None else value


def _user_properties(scope: Scope, arguments: Sequence[Value]) -> Value:
    pairs = scope.firing.message.user_properties
    if not arguments:
        return [{name: value} for name, value in pairs]
    values: list[Value] = [value for name, value in pairs if name == arguments[0]]
    return values or UNDEFINED


def _client_id(scope: Scope, _arguments: Sequence[Value]) -> Value:
    return scope.firing.message.publisher or "n/a"


def _principal(scope: Scope, _arguments: Sequence[Value]) -> Value:
    return scope.firing.message.principal or UNDEFINED


FUNCTIONS: Final[Mapping[str, Function]] = {
    "topic": Function(0, 1, VERSION_2015, _topic),
    "clientid": Function(0, 0, VERSION_2015, _client_id),
    "principal": Function(0, 0, VERSION_2015, _principal),
    "timestamp": Function(0, 0, VERSION_2015, lambda scope, _: int(scope.firing.now * 1000)),
    "accountid": Function(0, 0, VERSION_2015, lambda scope, _: scope.firing.account),
    "traceid": Function(0, 0, VERSION_2015, lambda scope, _: scope.firing.trace_id),
    "isundefined": Function(1, 1, VERSION_2016, lambda _, one: one[0] is UNDEFINED),
    "isnull": Function(1, 1, VERSION_2015, lambda _, one: one[0] is None),
    "startswith": Function(2, 2, VERSION_2015, _starts),
    "endswith": Function(2, 2, VERSION_2015, _ends),
    "lower": Function(1, 1, VERSION_2015, _of_text(str.lower)),
    "upper": Function(1, 1, VERSION_2015, _of_text(str.upper)),
    "length": Function(1, 1, VERSION_2016, _of_text(len)),
    "concat": Function(0, 64, VERSION_2015, _concat),
    "get": Function(2, 2, VERSION_2015, _get),
    "get_mqtt_property": Function(1, 1, VERSION_2016, _mqtt_property),
    "get_user_properties": Function(0, 1, VERSION_2016, _user_properties),
}
"""By lower-case name; names are compared without regard to case."""
