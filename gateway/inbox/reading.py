"""Reading a message: its events, and which of them its sender may send.

Owns the ids of events that bring none, and the order of the checks. A pure function of the message:
read again, it gives the same events with the same ids, so that a message received twice is each of
its events once.
Does not: know the forms of events (`gateway/formats`, as for the event API), nor take them.
Source: docs/inbox.md, "The message".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.core.event import Event
from gateway.errors import RequestRefused
from gateway.formats.trace_context import trace_extensions

if TYPE_CHECKING:
    from gateway.core.service import Service
    from gateway.formats.submission import Item, Reader
    from gateway.inbox.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The events of one message, by their place in it.

    Attributes:
        events: Those that may be taken.
        refused: Why the others may not.
        many: Whether the body is an array.
    """

    events: dict[int, Event]
    refused: dict[int, RequestRefused]
    many: bool


def read_message(message: Message, *, service: Service, reader: Reader) -> Contents:
    """Read a message.

    Args:
        message: The message.
        service: Who sent it.
        reader: The reader of the event API.

    Raises:
        RequestRefused: The body as a whole cannot be read, or its only event is none or not allowed.
    """
    submission = reader.read_by_shape(
        # What is no text is then refused as what it is: not UTF-8.
        message.body.encode(errors="surrogatepass"),
        own_source=service.source,
        trace=trace_extensions(
            message.attributes.get("traceparent", ""), message.attributes.get("tracestate", "")
        ),
        address=message.group,
    )
    events: dict[int, Event] = {}
    refused: dict[int, RequestRefused] = {}
    for place, item in enumerate(submission.items):
        try:
            events[place] = _named(_allowed(item, service), _id(message, place, submission.batch))
        except RequestRefused as refusal:
            if not submission.batch:
                raise
            refused[place] = refusal
    return Contents(events=events, refused=refused, many=submission.batch)


def _allowed(item: Item, service: Service) -> Event:
    if isinstance(item, RequestRefused):
        raise item
    service.check_may_publish(item.to)
    return item


def _id(message: Message, place: int, many: bool) -> str:  # noqa: FBT001 - a fact of the body
    # The one event of a message can be looked up by what SendMessage answered.
    return f"{message.id}.{place}" if many else message.id


def _named(event: Event, own_id: str) -> Event:
    # An id that the sender gave, or that comes from the message, may be known from before.
    return event if event.id_given else replace(event, id=own_id, id_given=True)
