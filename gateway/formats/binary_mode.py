"""CloudEvents in binary mode: attributes in headers, data in the body.

Owns how a header becomes an attribute, and a body its data.
Does not: know what the attributes mean (`cloud_event.py`).
Source: CloudEvents HTTP binding 1.0.2, sections 3.1 and 3.1.3.2 (percent-decoding).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from gateway.core.strict_json import JsonValue, parse_json
from gateway.errors import FieldProblem, InvalidEvent, MalformedBody, UnsupportedMedia

PREFIX: Final = "ce-"

_READABLE: Final = ("application/json", "text/plain")
_QUOTED_PAIR: Final = re.compile(r"\\(.)")


def members_of(
    headers: Iterable[tuple[str, str]], body: bytes, *, content_type: str, max_depth: int
) -> dict[str, JsonValue]:
    """Return the members that the same event would have in structured mode.

    Args:
        headers: All headers of the request, in order.
        body: The event's data.
        content_type: The body's media type without parameters; empty where there is none.
        max_depth: Most arrays and objects inside one another in JSON data.

    Raises:
        InvalidEvent: A header cannot be read, or stands twice.
        UnsupportedMedia: The data is neither JSON nor text.
        MalformedBody: The data is not what its type says.
    """
    found: dict[str, JsonValue] = {}
    for header, value in headers:
        name = header.lower()
        if not name.startswith(PREFIX):
            continue
        attribute = name.removeprefix(PREFIX)
        if attribute in ("data", "data_base64", "datacontenttype") or attribute in found:
            raise InvalidEvent([_problem(attribute, "stands twice, or not in its place")])
        found[attribute] = _decoded(attribute, value)
    found["data"] = _data(body, content_type, max_depth)
    if content_type:
        found["datacontenttype"] = content_type
    return found


def _data(body: bytes, content_type: str, max_depth: int) -> JsonValue:
    if not content_type and not body:
        return None
    if content_type == "application/json" or content_type.endswith("+json"):
        return parse_json(body, max_depth=max_depth)
    if content_type.startswith("text/"):
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise MalformedBody(f"the body is not UTF-8 (byte {error.start})") from None
    raise UnsupportedMedia("Content-Type", _READABLE)


def _decoded(attribute: str, value: str) -> str:
    if not value.isascii():
        raise InvalidEvent([_problem(attribute, "must be percent-encoded ASCII")])
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = _QUOTED_PAIR.sub(r"\1", text[1:-1])
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidEvent([_problem(attribute, "is not UTF-8 when decoded")]) from None


def _problem(attribute: str, problem: str) -> FieldProblem:
    return FieldProblem(
        pointer=f"/{attribute[:64]}", problem=f"header {PREFIX}{attribute[:64]} {problem}"
    )
