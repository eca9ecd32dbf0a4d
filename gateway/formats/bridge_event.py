"""An event of Amazon EventBridge becomes a CloudEvent, and so an event of ours.

Owns which of its members is which attribute, and where it goes.
Does not: check attributes (`cloud_event.py`) or fields (`gateway/core/event.py`), or read what a
rule's input transformer made: that is an event of ours already.
Source: EventBridge user guide, "Event structure"; docs/inbox.md, "Rules of EventBridge".

Account, region and resources stay behind: what a browser gets is no place for them. Members that
EventBridge adds one day are ignored, since no sender could have meant something else by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gateway.core.strict_json import JsonValue
from gateway.errors import FieldProblem, InvalidEvent

if TYPE_CHECKING:
    from gateway.core.event import Event

_MEMBERS: Final = {"type": "detail-type", "data": "detail", "to": "detail/to"}
"""Where an attribute came from, for the pointers of problems; the others keep their name."""


def is_bridge_event(document: Mapping[str, JsonValue]) -> bool:
    """Tell whether a JSON object is an event of EventBridge."""
    return "detail-type" in document


def read_bridge_event(
    document: Mapping[str, JsonValue],
    *,
    address: str | None,
    read: Callable[[JsonValue], Event],
) -> Event:
    """Read an event of EventBridge.

    Its `id` is the event's: EventBridge delivers at least once, and repeats it then.

    Args:
        document: The event.
        address: Where it goes unless its detail has a `to`.
        read: Reads a CloudEvent.

    Raises:
        InvalidEvent: It is none, or not one for us; pointers are those of the document.
    """
    try:
        return read(_cloud_event(document, address))
    except InvalidEvent as error:
        raise InvalidEvent([_translated(problem) for problem in error.problems]) from None


def _cloud_event(document: Mapping[str, JsonValue], address: str | None) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {"specversion": "1.0"}
    for attribute, member in (("type", "detail-type"), ("data", "detail")):
        if member in document:
            found[attribute] = document[member]
    for name in ("id", "source", "time"):
        if name in document:
            found[name] = document[name]
    if isinstance(kind := found.get("type"), str):
        # "EC2 Instance State-change Notification": a type of ours has no blanks.
        found["type"] = kind.replace(" ", "_")
    detail = document.get("detail")
    to = detail.get("to", address) if isinstance(detail, dict) else address
    if isinstance(to, list) and all(isinstance(one, str) and one and " " not in one for one in to):
        to = " ".join(map(str, to))
    if to is not None:
        found["to"] = to
    return found


def _translated(problem: FieldProblem) -> FieldProblem:
    name, slash, rest = problem.pointer.removeprefix("/").partition("/")
    return replace(problem, pointer=f"/{_MEMBERS.get(name, name)}{slash}{rest}")
