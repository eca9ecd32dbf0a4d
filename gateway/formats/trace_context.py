"""The caller's trace, carried from its request into the envelope of the event.

Owns reading the two W3C headers. Does not: make spans (`gateway/tracing.py`), and is there whether
traces are on or not.
Source: W3C Trace Context, sections 3.2 and 3.3; CloudEvents distributed tracing extension.
"""

from __future__ import annotations

import re
from typing import Final

_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_TRACESTATE: Final = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,511}", re.ASCII)


def trace_extensions(parent: str, state: str) -> dict[str, str]:
    """Return the CloudEvents extensions that carry the caller's trace; none if it sent none.

    What is not by the book is left out, as the standard asks, and is no reason to refuse an event.

    Args:
        parent: The `traceparent` header, or nothing.
        state: The `tracestate` headers, joined by commas where there are several, or nothing.
    """
    if not _TRACEPARENT.fullmatch(parent):
        return {}
    found = {"traceparent": parent}
    if _TRACESTATE.fullmatch(state):
        found["tracestate"] = state
    return found
