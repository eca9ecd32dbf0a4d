"""Which form a body has, by its headers.

Owns the media types that are read here. Does not: read the body.
Source: RFC 9110 section 8.3; CloudEvents HTTP binding 1.0.2, section 3; github.com/ndjson/ndjson-spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from functools import lru_cache
from typing import Final

from gateway.errors import UnsupportedMedia


class Form(StrEnum):
    """How events stand in a body."""

    JSON = "application/json"
    """One event, or an array of them."""
    NDJSON = "application/x-ndjson"
    """One event on each line."""
    CLOUD_EVENT = "application/cloudevents+json"
    """One CloudEvent, structured mode."""
    CLOUD_EVENTS = "application/cloudevents-batch+json"
    """CloudEvents, batch mode."""
    BINARY = "binary"
    """One CloudEvent, binary mode: attributes in `ce-` headers, the body is its data."""


ACCEPTED: Final = tuple(str(form) for form in Form if form is not Form.BINARY)
"""What may stand in Content-Type without `ce-` headers."""

_TYPES: Final = {
    **{str(form): form for form in Form if form is not Form.BINARY},
    "application/ndjson": Form.NDJSON,
}
_UTF_8: Final = ("utf-8", "utf8")


@dataclass(frozen=True, slots=True)
class Media:
    """What the headers say about a body.

    Attributes:
        form: How events stand in it.
        content_type: Its media type without parameters, lower case; empty where there is none.
    """

    form: Form
    content_type: str


def media_of(headers: Mapping[str, str]) -> Media:
    """Return what the headers say.

    Args:
        headers: The request's headers; looked up without regard to case.

    Raises:
        UnsupportedMedia: The type is not read here, or its charset is not UTF-8.
    """
    content_type, charset = _parsed(headers.get("Content-Type", ""))
    if charset not in _UTF_8:
        raise UnsupportedMedia("Content-Type", ACCEPTED)
    # A structured event may repeat its attributes in headers; the type decides (section 3).
    form = _TYPES.get(content_type)
    cloud = "ce-specversion" in headers
    if form in (Form.CLOUD_EVENT, Form.CLOUD_EVENTS) or (form is not None and not cloud):
        return Media(form, content_type)
    if cloud:
        return Media(Form.BINARY, content_type)
    raise UnsupportedMedia("Content-Type", ACCEPTED)


@lru_cache(maxsize=256)
def _parsed(header: str) -> tuple[str, str]:
    """Return type and charset of a Content-Type header; callers send the same few all day."""
    if not header:
        return "", "utf-8"
    message = Message()
    message["Content-Type"] = header
    charset = message.get_param("charset", "utf-8")
    return message.get_content_type(), str(charset).lower()
