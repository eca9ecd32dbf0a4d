"""A CloudEvent becomes an event of ours.

Owns which attributes are what: `to` and the options are extension attributes, everything else that
a CloudEvent may carry goes into the envelope as it came.
Does not: check the fields of an event (`gateway/core/event.py` does, as for every other form).
The project's own reading instead of the `cloudevents` library's: docs/decisions/0008-event-api.md.
Source: CloudEvents 1.0.2, specification and JSON event format; docs/api.md, "CloudEvents".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.core.event import MAX_PROBLEMS, Event
from gateway.core.strict_json import JsonValue
from gateway.errors import FieldProblem, InvalidEvent
from wire.envelope import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES: Final = "/services/"
"""Start of the sources that the gateway itself gives; no caller may take another service's."""

MAX_ATTRIBUTES: Final = 32
"""Most attributes that are carried through; ours."""

MAX_ATTRIBUTE_CHARS: Final = 1_024
"""Most characters of one of them; ours."""

_OPTIONS: Final = {
    "to": "to",
    "qos": "qos",
    "retain": "retain",
    "ttl": "ttl",
    "deliverat": "deliverAt",
    "collapsekey": "collapseKey",
    "receipt": "receipt",
}
"""Extension attributes that are fields of an event; names of attributes have no capitals."""

_ATTRIBUTES: Final = {field: attribute for attribute, field in _OPTIONS.items()}
_REQUIRED: Final = ("specversion", "id", "source", "type")
_BODY: Final = frozenset({"specversion", "id", "type", "data", "data_base64", *_OPTIONS})
_NAME: Final = re.compile(r"[a-z0-9]{1,20}", re.ASCII)
_SOURCE: Final = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WHOLE: Final = re.compile(r"-?[0-9]{1,10}", re.ASCII)
_JSON: Final = "application/json"


def read_cloud_event(
    members: JsonValue,
    *,
    own_source: str,
    trace: Mapping[str, str],
    parse: Callable[[JsonValue], Event],
) -> Event:
    """Read a CloudEvent from its JSON members.

    Args:
        members: The JSON object of structured mode; binary mode makes one of its headers.
        own_source: The source of the service that sends it.
        trace: The request's own trace, for an event that brings none.
        parse: Reads the fields of an event, as `parse_event` does.

    Raises:
        InvalidEvent: It is none, or not one for us; names every problem (up to 20).
    """
    if not isinstance(members, dict):
        raise InvalidEvent([FieldProblem(pointer="", problem="must be a JSON object")])
    # JSON event format, section 2.2: null is the same as absent.
    given = {name: value for name, value in members.items() if value is not None}
    problems = list(_problems(given, own_source))
    try:
        event = parse(_document(given))
    except InvalidEvent as error:
        spoken_for = {problem.pointer for problem in problems}
        problems += [p for p in map(_translated, error.problems) if p.pointer not in spoken_for]
        raise InvalidEvent(problems[:MAX_PROBLEMS]) from None
    if problems:
        raise InvalidEvent(problems[:MAX_PROBLEMS])
    return replace(event, extensions={**trace, **_carried(given)})


def _document(given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {"data": given.get("data")}
    for name in ("id", "type"):
        if name in given:
            found[name] = given[name]
    for attribute, field in _OPTIONS.items():
        if attribute in given:
            found[field] = _option(attribute, given[attribute])
    return found


def _option(attribute: str, value: JsonValue) -> JsonValue:
    # Types get lost in headers, and in every event that has been through them.
    if not isinstance(value, str):
        return value
    match attribute:
        case "to":
            return list[JsonValue](value.split())
        case "qos" | "ttl":
            return int(value) if _WHOLE.fullmatch(value) else value
        case "retain" | "receipt":
            return {"true": True, "false": False}.get(value, value)
    return value


def _problems(given: Mapping[str, JsonValue], own_source: str) -> Iterator[FieldProblem]:
    for name in _REQUIRED:
        if name not in given:
            yield _problem(name, "is required")
    if given.get("specversion", "1.0") != "1.0":
        yield _problem("specversion", "must be 1.0")
    if "data_base64" in given:
        yield _problem("data_base64", "is not carried: data must be JSON or text")
    if not isinstance(given.get("to", ""), str):
        yield _problem("to", "must be one text of addresses with blanks between")
    source = given.get("source", own_source)
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        yield _problem("source", "must be a URI reference of 1 to 256 ASCII characters")
    elif source.startswith(SERVICES) and source != own_source:
        yield _problem("source", f"names another service; yours is {own_source}")
    carried = [name for name in given if name not in _BODY]
    if len(carried) > MAX_ATTRIBUTES:
        yield _problem(
            carried[MAX_ATTRIBUTES], f"is one too many: {MAX_ATTRIBUTES} attributes are carried"
        )
        return
    for name in carried:
        problem = _attribute_problem(name, given[name])
        if problem is not None:
            yield _problem(name, problem)


def _attribute_problem(name: str, value: JsonValue) -> str | None:
    if not _NAME.fullmatch(name):
        return "is no attribute's name: 1 to 20 characters of a-z 0-9"
    if isinstance(value, bool):
        return None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return None if -(2**31) <= value < 2**31 else "is an integer beyond 32 bits"
    if not isinstance(value, str):
        return "must be a text, a boolean or an integer"
    if not value or len(value) > MAX_ATTRIBUTE_CHARS or _CONTROL.search(value):
        return f"must be 1 to {MAX_ATTRIBUTE_CHARS} characters without control characters"
    if name == "time":
        try:
            parse_time(value)
        except ValueError:
            return "must be an RFC 3339 time with a zone"
    return None


def _carried(given: Mapping[str, JsonValue]) -> dict[str, str]:
    found = {name: _text(value) for name, value in given.items() if name not in _BODY}
    if "time" in found:
        found["time"] = format_time(parse_time(found["time"]))
    if found.get("datacontenttype", "").lower() == _JSON:
        # What data is anyway.
        del found["datacontenttype"]
    return found


def _text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # JSON has one kind of number: 60.0 is 60.
    return str(int(value)) if isinstance(value, float) else str(value)


def _problem(name: str, problem: str) -> FieldProblem:
    escaped = name[:64].replace("~", "~0").replace("/", "~1")
    return FieldProblem(pointer=f"/{escaped}", problem=problem)


def _translated(problem: FieldProblem) -> FieldProblem:
    field, slash, rest = problem.pointer.removeprefix("/").partition("/")
    attribute = _ATTRIBUTES.get(field)
    if attribute is None or attribute == field:
        return problem
    return replace(problem, pointer=f"/{attribute}{slash}{rest}")
