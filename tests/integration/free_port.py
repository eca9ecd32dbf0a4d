"""Ports for processes that must be told theirs before they start.

Owns choosing one that stays free until then: outside of what systems give to outgoing connections
(from 32768 up on Linux, from 49152 up elsewhere), since a test's own connections would take it.
"""

from __future__ import annotations

import random
import socket

PORTS = range(20_000, 32_000)


def free_port() -> int:
    """Return a port that is free on all addresses."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        try:
            with socket.create_server(("0.0.0.0", port)):
                return port
        except OSError:
            continue
