"""One foreign MQTT client under remote control: the Python side of `lines.mjs`.

Owns the lines: a command a line on stdin, an event a line on stdout. Does not own MQTT: each
program wraps one client and translates, nothing more. `lines.mjs` says what the words mean.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

_writing = threading.Lock()


class Client(Protocol):
    """A client that has been told to connect."""

    def subscribe(self, topic_filter: str) -> None:
        """Ask for a topic filter; the answer is an event."""

    def publish(self, topic: str, payload: str) -> None:
        """Publish; the answer is an event."""

    def disconnect(self) -> None:
        """Say goodbye; `disconnected` follows."""


def tell(event: str, **facts: object) -> None:
    """Tell what happened; from any thread."""
    with _writing:
        sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
        sys.stdout.flush()


def obey(make_client: Callable[[dict[str, Any]], Client]) -> None:
    """Obey commands until stdin ends.

    Args:
        make_client: Takes what `connect` said and starts to connect.
    """
    client: Client | None = None
    for line in sys.stdin:
        facts = json.loads(line)
        verb = facts.pop("do")
        if verb == "connect":
            client = make_client(facts)
        elif client is None:
            raise SystemExit(f"{verb} before connect")
        elif verb == "subscribe":
            client.subscribe(facts["filter"])
        elif verb == "publish":
            client.publish(facts["topic"], facts["payload"])
        elif verb == "disconnect":
            client.disconnect()
    # Native threads of a client that still tries to connect would keep the process.
    os._exit(0)


def place(endpoint: str) -> tuple[str, int]:
    """Return the host and port of an endpoint."""
    parts = urlsplit(endpoint)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
