"""A submission: the events of one request, each read or refused for itself.

Owns telling one event from many, and that one bad event spoils no other.
Does not: take them (`gateway/intake.py`) or answer (`gateway/routes/events.py`).
Source: docs/design.md, "Event API"; docs/api.md, "Many events at once".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from gateway.core.event import parse_event
from gateway.core.strict_json import JsonValue, is_array, parse_items, parse_json
from gateway.errors import MalformedBody, RequestRefused, TooManyEvents
from gateway.formats.binary_mode import members_of
from gateway.formats.bridge_event import is_bridge_event, read_bridge_event
from gateway.formats.cloud_event import read_cloud_event
from gateway.formats.media import Form

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from gateway.core.event import Event
    from gateway.formats.media import Media
    from gateway.settings import Settings

Item: TypeAlias = "Event | RequestRefused"
"""An event, or why it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How large events may be, and where they may go.

    Attributes:
        namespace: The stack's namespace.
        max_addresses: Most addresses of one event.
        max_depth: Most arrays and objects inside one another in one event.
        max_events: Most events in one request.
    """

    namespace: str
    max_addresses: int
    max_depth: int
    max_events: int

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """Return the bounds that the settings give."""
        return cls(
            namespace=settings.namespace,
            max_addresses=settings.max_addresses,
            max_depth=settings.max_json_depth,
            max_events=settings.max_batch_events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The events of one request.

    Attributes:
        items: Each event or its refusal, in the order of the request.
        batch: Whether the caller sent a form for many, and expects an answer for each.
    """

    items: tuple[Item, ...]
    batch: bool


class Reader:
    """Read the events of requests.

    Args:
        bounds: What is read at most.
        new_id: Makes the id of an event that brings none.
    """

    def __init__(self, bounds: Bounds, new_id: Callable[[], str]) -> None:
        self._bounds = bounds
        self._new_id = new_id

    def read(
        self,
        media: Media,
        headers: CIMultiDictProxy[str],
        body: bytes,
        *,
        own_source: str,
        trace: Mapping[str, str],
    ) -> Submission:
        """Read one request.

        Args:
            media: What its headers say about its body.
            headers: Its headers.
            body: Its body, decompressed.
            own_source: The source of the service that sends it.
            trace: The extensions that carry the request's trace, if it has one.

        Raises:
            RequestRefused: The request as a whole cannot be read, holds too many events, or its
                only event is none.
        """

        def plain(document: JsonValue) -> Event:
            return self._plain(document, trace)

        def cloud(document: JsonValue) -> Event:
            return self._cloud(document, own_source, trace)

        depth = self._bounds.max_depth
        match media.form:
            case Form.JSON if is_array(body):
                return _many(self._items(body), plain)
            case Form.JSON:
                return _one(plain(parse_json(body, max_depth=depth)))
            case Form.NDJSON:
                return _many(self._lines(body), plain)
            case Form.CLOUD_EVENT:
                return _one(cloud(parse_json(body, max_depth=depth)))
            case Form.CLOUD_EVENTS:
                return _many(self._items(body), cloud)
            case Form.BINARY:
                members = members_of(
                    headers.items(), body, content_type=media.content_type, max_depth=depth
                )
                return _one(cloud(members))

    def read_by_shape(
        self, body: bytes, *, own_source: str, trace: Mapping[str, str], address: str | None
    ) -> Submission:
        """Read a body that no header describes: each document shows what it is.

        A CloudEvent has a `specversion` and an event of EventBridge a `detail-type`, which no event
        of ours has. Arrays may mix them.

        Args:
            body: One document or an array of them.
            own_source: The source of the service that sends it.
            trace: The extensions that carry the sender's trace, if it has one.
            address: Where an event of EventBridge goes that does not say so itself.

        Raises:
            RequestRefused: The body as a whole cannot be read, holds too many events, or its only
                event is none.
        """

        def any_form(document: JsonValue) -> Event:
            if isinstance(document, dict):
                if "specversion" in document:
                    return self._cloud(document, own_source, trace)
                if is_bridge_event(document):
                    return read_bridge_event(
                        document,
                        address=address,
                        read=lambda members: self._cloud(members, own_source, trace),
                    )
            return self._plain(document, trace)

        if is_array(body):
            return _many(self._items(body), any_form)
        return _one(any_form(parse_json(body, max_depth=self._bounds.max_depth)))

    def _plain(self, document: JsonValue, trace: Mapping[str, str]) -> Event:
        event = self._event(document)
        return replace(event, extensions=trace) if trace else event

    def _cloud(self, document: JsonValue, own_source: str, trace: Mapping[str, str]) -> Event:
        return read_cloud_event(document, own_source=own_source, trace=trace, parse=self._event)

    def _event(self, document: JsonValue) -> Event:
        return parse_event(
            document,
            namespace=self._bounds.namespace,
            new_id=self._new_id(),
            max_addresses=self._bounds.max_addresses,
        )

    def _items(self, body: bytes) -> list[JsonValue | MalformedBody]:
        items = parse_items(
            body, max_depth=self._bounds.max_depth, max_items=self._bounds.max_events
        )
        if items is None:
            raise TooManyEvents(self._bounds.max_events)
        return items

    def _lines(self, body: bytes) -> Iterable[JsonValue | MalformedBody]:
        lines = [line for line in body.split(b"\n") if line.strip()]
        if len(lines) > self._bounds.max_events:
            raise TooManyEvents(self._bounds.max_events)
        for line in lines:
            try:
                yield parse_json(line, max_depth=self._bounds.max_depth)
            except MalformedBody as problem:
                yield problem


def _one(event: Event) -> Submission:
    return Submission(items=(event,), batch=False)


def _many(
    documents: Iterable[JsonValue | MalformedBody], read: Callable[[JsonValue], Event]
) -> Submission:
    return Submission(items=tuple(_item(document, read) for document in documents), batch=True)


def _item(document: JsonValue | MalformedBody, read: Callable[[JsonValue], Event]) -> Item:
    if isinstance(document, MalformedBody):
        return document
    try:
        return read(document)
    except RequestRefused as refusal:
        return refusal
