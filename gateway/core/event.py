"""An event as a service posts it.

Owns the fields, their bounds, and reading them from JSON with every problem found at once.
Does not: parse text (`strict_json`), ask who may send it (`service`), or compare its times with
the clock (`kept_event`).
Source: docs/design.md, "Event API" and "Addresses and topics".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.core.strict_json import JsonValue
from gateway.errors import FieldProblem, InvalidEvent
from wire.address import Address, Kind
from wire.envelope import parse_time
from wire.errors import InvalidAddress
from wire.limits import MAX_MESSAGE_EXPIRY_S, MIN_MESSAGE_EXPIRY_S

MAX_TYPE_CHARS: Final = 256
"""Most characters in an event's type; ours, so that it fits logs and dashboards."""

MAX_PROBLEMS: Final = 20
"""Most problems reported for one event: a body of 10,000 wrong addresses gets a short answer."""

_MAX_TIME_CHARS: Final = 64
_REMEMBERED_ADDRESSES: Final = 4_096
"""Addresses whose checking is remembered: services write to the same ones again and again."""

_ID: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.@:|=,~+/-]{1,128}", re.ASCII)
_ID_RULE: Final = (
    "must be 1 to 128 characters of A-Z a-z 0-9 _ . @ : | = , ~ + / -, and not . or .. alone: "
    "they mean something else in a path"
)
_TYPE: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_TYPE_CHARS}}}", re.ASCII)
_COLLAPSE_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_COLLAPSE_KEY_RULE: Final = "must be 1 to 128 printable ASCII characters without blanks"
_NO_RETAINED_RECEIPT: Final = (
    "cannot go with retain: only a message to one client is confirmed, and that one is not retained"
)
_NOBODY_CONFIRMS: Final = (
    "needs an address client:<clientId>: of users, groups and everyone nobody can confirm"
)
_ALWAYS_READ: Final = frozenset({"to", "type", "data", "id"})
_FIELDS: Final = (
    "to",
    "type",
    "data",
    "id",
    "qos",
    "retain",
    "ttl",
    "deliverAt",
    "collapseKey",
    "receipt",
)
_KNOWN: Final = frozenset(_FIELDS)
_REQUIRED: Final = ("to", "type", "data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event to one or many addresses.

    Attributes:
        id: The caller's idempotency key, or one the gateway made.
        to: Where it goes; at least one, none twice.
        type: For example ``order.shipped``.
        data: Any JSON value.
        qos: 0 or 1, towards subscribers.
        retain: Whether it stays on the topic for later subscribers.
        ttl_s: Seconds from acceptance after which it is not to be delivered any more, or None.
        deliver_at: When to deliver it, with a zone; None for at once.
        collapse_key: Replaces an event with the same key that was not sent yet, on each address.
        receipt: Whether the clients among `to` are to confirm it.
        extensions: Further CloudEvents attributes of the envelope, e.g. ``traceparent``. They are
            not part of what makes an event the same event.
        id_given: Whether the caller brought the id; one that the gateway made is new for sure.
    """

    id: str
    to: tuple[Address, ...]
    type: str
    data: JsonValue
    qos: int = 1
    retain: bool = False
    ttl_s: int | None = None
    deliver_at: datetime | None = None
    collapse_key: str | None = None
    receipt: bool = False
    extensions: Mapping[str, str] = field(default_factory=dict)
    id_given: bool = True


def parse_event(document: JsonValue, *, namespace: str, new_id: str, max_addresses: int) -> Event:
    """Read an event from JSON.

    An address that stands twice in `to` counts once.

    Args:
        document: What the caller sent.
        namespace: The stack's namespace, which decides whether topics fit.
        new_id: The id of an event that brings none.
        max_addresses: Most addresses of one event.

    Raises:
        InvalidEvent: It is none; names every problem (up to 20) with its JSON pointer.
    """
    if not isinstance(document, dict):
        raise InvalidEvent([FieldProblem(pointer="", problem="must be a JSON object")])
    reader = _Reader(document)
    to = reader.addresses(namespace, max_addresses)
    event = Event(
        to=to,
        type=reader.type(),
        data=document.get("data"),
        id=reader.id(new_id),
        id_given="id" in document,
    )
    # Most events have none, and asking for each of six takes longer than reading the others.
    if not document.keys() <= _ALWAYS_READ:
        event = reader.with_options(event)
    reader.finish()
    return event


class _Reader:
    """Read the fields of one event and collect what is wrong with them."""

    def __init__(self, document: Mapping[str, JsonValue]) -> None:
        self._document = document
        self._problems: list[FieldProblem] = []

    def addresses(self, namespace: str, most: int) -> tuple[Address, ...]:
        value = self._document.get("to")
        if isinstance(value, str):
            address = self._address("/to", value, namespace)
            return (address,) if address else ()
        if not isinstance(value, list) or not value:
            if "to" in self._document:
                self._problem("/to", "must be an address or an array of addresses")
            return ()
        if len(value) > most:
            self._problem("/to", f"has {len(value)} addresses; the limit is {most}")
            return ()
        found: dict[Address, None] = {}
        for index, item in enumerate(value):
            address = self._address(f"/to/{index}", item, namespace)
            if address:
                found[address] = None
        return tuple(found)

    def type(self) -> str:
        value = self._document.get("type", "")
        if not isinstance(value, str) or not _TYPE.fullmatch(value):
            if "type" in self._document:
                rule = f"must be 1 to {MAX_TYPE_CHARS} printable ASCII characters without blanks"
                self._problem("/type", rule)
            return ""
        return value

    def id(self, new_id: str) -> str:
        value = self._document.get("id", new_id)
        if not isinstance(value, str) or not _ID.fullmatch(value):
            self._problem("/id", _ID_RULE)
            return ""
        return value

    def with_options(self, event: Event) -> Event:
        retain = self.flag("retain")
        return replace(
            event,
            qos=self.qos(),
            retain=retain,
            ttl_s=self.ttl(),
            deliver_at=self.deliver_at(),
            collapse_key=self.collapse_key(),
            receipt=self.receipt(event.to, retain=retain),
        )

    def qos(self) -> int:
        return self._whole("qos", 1, least=0, most=1)

    def flag(self, name: str) -> bool:
        value = self._document.get(name, False)
        if not isinstance(value, bool):
            self._problem(f"/{name}", "must be true or false")
            return False
        return value

    def receipt(self, to: Sequence[Address], *, retain: bool) -> bool:
        wanted = self.flag("receipt")
        if wanted and retain:
            self._problem("/receipt", _NO_RETAINED_RECEIPT)
        elif wanted and to and not any(address.kind is Kind.CLIENT for address in to):
            self._problem("/receipt", _NOBODY_CONFIRMS)
        return wanted

    def deliver_at(self) -> datetime | None:
        if "deliverAt" not in self._document:
            return None
        value = self._document["deliverAt"]
        try:
            if not isinstance(value, str) or len(value) > _MAX_TIME_CHARS:
                raise ValueError
            return parse_time(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self._problem("/deliverAt", "must be an RFC 3339 time with a zone")
            return None

    def collapse_key(self) -> str | None:
        if "collapseKey" not in self._document:
            return None
        value = self._document["collapseKey"]
        if not isinstance(value, str) or not _COLLAPSE_KEY.fullmatch(value):
            self._problem("/collapseKey", _COLLAPSE_KEY_RULE)
            return None
        return value

    def ttl(self) -> int | None:
        if "ttl" not in self._document:
            return None
        return self._whole("ttl", 1, least=MIN_MESSAGE_EXPIRY_S, most=MAX_MESSAGE_EXPIRY_S)

    def finish(self) -> None:
        for name in _REQUIRED:
            if name not in self._document:
                self._problem(f"/{name}", "is required")
        for name in self._document:
            if name not in _KNOWN:
                near = difflib.get_close_matches(name[:64], _FIELDS, n=1)
                self._problem(_pointer(name), "is not a field of an event", *near)
        if self._problems:
            raise InvalidEvent(self._problems)

    def _whole(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self._document.get(name, default)
        # JSON has one kind of number, so 60.0 is 60; JSON Schema says the same of `integer`.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        # A boolean is an int to Python, but not to JSON.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._problem(f"/{name}", f"must be a whole number from {least} to {most}")
            return default
        return value

    def _address(self, pointer: str, value: JsonValue, namespace: str) -> Address | None:
        if not isinstance(value, str):
            self._problem(pointer, "must be an address such as user:42")
            return None
        try:
            return _known_address(value, namespace)
        except InvalidAddress as error:
            self._problem(pointer, error.problem)
            return None

    def _problem(self, pointer: str, problem: str, hint: str | None = None) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(FieldProblem(pointer=pointer, problem=problem, hint=hint))


@lru_cache(maxsize=_REMEMBERED_ADDRESSES)
def _known_address(text: str, namespace: str) -> Address:
    address = Address.parse(text)
    address.topic(namespace)
    return address


def _pointer(name: str) -> str:
    escaped = name[:64].replace("~", "~0").replace("/", "~1")
    return f"/{escaped}"
