"""Workloads and figures that the tests of a plan begin with."""

from __future__ import annotations

from typing import Any

from gateway.core.plan.figures import Figures, figures_for
from gateway.core.plan.workload import ENVELOPE_BYTES, Outbox, To, Workload
from gateway.plan.figures_file import read_figures

TABLES = read_figures()

MONTH_S = 2_628_000
"""730 hours, as AWS counts."""


def figures_of(region: str = "us-east-1", prices_of: str | None = None) -> Figures:
    """Return the figures of a region as the file has them."""
    return figures_for(TABLES, region, prices_of)


def workload_of(*, payload_bytes: int = 500, **changes: Any) -> Workload:
    """Return a small workload with some of it changed; its payload is counted with the envelope."""
    fields: dict[str, Any] = {
        "clients": 10,
        "groups": 0,
        "groups_per_client": 0,
        "clients_per_user": 1.0,
        "to": {To.CLIENT: 1.0},
        "events_per_s": 0.1,
        "data_bytes": payload_bytes - ENVELOPE_BYTES,
        "topic_bytes": 40,
        "qos": 0,
        "retained": 0.0,
        "session_h": 8.0,
        "credential_life_s": 3_600,
        "events_per_post": 1,
        "peak": 1.0,
        "outbox": Outbox.SQLITE,
        "gateways": 1,
    }
    return Workload(**(fields | changes))
