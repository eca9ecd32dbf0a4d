"""Server-sent events: how one is written.

Owns the bytes of one event. Does not: know what it tells or send it.
Source: WHATWG HTML, "Server-sent events", the event stream format.
"""

from __future__ import annotations

import json
from typing import Final

MEDIA_TYPE: Final = "text/event-stream"


def server_sent(name: str, members: object) -> bytes:
    """Return one event of a stream.

    Args:
        name: Its type, a word of ours.
        members: What becomes its data, as JSON on one line.
    """
    data = json.dumps(members, separators=(",", ":"))
    return f"event: {name}\ndata: {data}\n\n".encode()
