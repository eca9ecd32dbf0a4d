"""What a developer wants to see of the IoT endpoint: who came, who went, what was refused and why.

Owns the log lines. Does not log messages: there may be thousands a second, and payloads are private.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from localaws.core.observer import Denial, Observer

if TYPE_CHECKING:
    from localaws.core.connection import Connection, Ending

log = logging.getLogger(__name__)


class ConnectionLog(Observer):
    """Writes one line for each connection that begins or ends, and for each denial."""

    def connected(self, connection: Connection, now: float) -> None:
        """Log an accepted CONNECT."""
        del now
        log.info("client connected", extra={"client": _client(connection)})

    def disconnected(self, connection: Connection, ending: Ending, now: float) -> None:
        """Log the end of a connection, with its length in seconds."""
        log.info(
            "client disconnected",
            extra={
                "client": _client(connection),
                "reason": ending.reason.value,
                "detail": ending.detail,
                "seconds": round(now - connection.opened_at, 1),
            },
        )

    def denied(self, denial: Denial, now: float) -> None:
        """Log which rule said no: AWS itself would keep silent about it."""
        del now
        log_denial(denial)

    def dropped(self, client_id: str, why: str, now: float) -> None:
        """Log that a message did not reach a client."""
        del now
        log.info("message dropped", extra={"client": client_id, "why": why})


def log_denial(denial: Denial) -> None:
    """Log a denial by policy, of an MQTT client or of a caller of the HTTP API."""
    log.info(
        "denied by policy",
        extra={
            "client": denial.client_id,
            "principal": denial.principal,
            "action": denial.action,
            "resource": f"{denial.resource_kind}/{denial.name}",
            "why": denial.explanation,
        },
    )


def _client(connection: Connection) -> str:
    return connection.session.client_id if connection.session else ""
