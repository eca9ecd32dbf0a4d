"""The envelope in which an event reaches a browser: CloudEvents 1.0, JSON format.

Owns the bytes on the topic. Does not own the event as a service posts it (`gateway`), nor its
addresses: the topic says where it went.

Source: CloudEvents 1.0.2, JSON event format; docs/design.md, "Event API".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from wire.errors import InvalidEnvelope

CLOUDEVENTS_JSON: Final = "application/cloudevents+json"
"""Media type of one structured-mode event. Source: CloudEvents JSON format, section 3."""

_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
"""Made once: `json.dumps` would make one for every envelope."""

_ATTRIBUTE: Final = re.compile(r"[a-z0-9]{1,20}", re.ASCII)
_CORE: Final = frozenset(
    {"specversion", "id", "source", "type", "time", "data", "data_base64", "datacontenttype"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One event as subscribers see it.

    Attributes:
        id: The event's id, unique per source.
        source: Who sent it: a URI reference, for our gateway ``/services/<name>``.
        type: The event's type, e.g. ``order.shipped``.
        time: When it was accepted, with a zone.
        data: Any JSON value.
        extensions: Further CloudEvents attributes, names of a-z 0-9, e.g. ``traceparent``.
    """

    id: str
    source: str
    type: str
    time: datetime
    data: object = None
    extensions: Mapping[str, str] = field(default_factory=dict)

    def members(self) -> dict[str, object]:
        """Return it as the members of a JSON object, for whoever has an encoder of its own."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": format_time(self.time),
            **self.extensions,
            "data": self.data,
        }

    def encode(self) -> bytes:
        """Return the envelope as UTF-8 JSON, without blanks.

        Raises:
            ValueError: The data holds NaN or an infinity, which JSON cannot carry (a bug of the
                caller, who checks data at the edge).
        """
        return _JSON.encode(self.members()).encode()

    @classmethod
    def decode(cls, body: bytes) -> Envelope:
        """Read an envelope back.

        Raises:
            InvalidEnvelope: The bytes are no CloudEvents 1.0 JSON event.
        """
        try:
            members = json.loads(body)
        except (ValueError, RecursionError):
            raise InvalidEnvelope("it is not JSON") from None
        if not isinstance(members, dict) or members.get("specversion") != "1.0":
            raise InvalidEnvelope("it is not a CloudEvents 1.0 event")
        try:
            return cls(
                id=_text(members, "id"),
                source=_text(members, "source"),
                type=_text(members, "type"),
                time=parse_time(_text(members, "time")),
                data=members.get("data"),
                extensions={
                    name: value
                    for name, value in members.items()
                    if name not in _CORE and _ATTRIBUTE.fullmatch(name) and isinstance(value, str)
                },
            )
        except ValueError as error:
            raise InvalidEnvelope(str(error)) from None


@lru_cache(maxsize=256)  # events of one request share their moment
def format_time(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC with milliseconds and a `Z`.

    Args:
        moment: A time with a zone.
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time.

    Raises:
        ValueError: It is none, or has no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, e.g. 2026-01-31T12:00:00Z")
    return moment


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidEnvelope(f"attribute {name} must be a text that is not empty")
    return value
