"""The work that a plan is made for: who is connected, and what is sent to whom.

Owns its fields, their bounds, and finding every one that is wrong at once.
Does not: turn it into traffic (`traffic.py`).
Source: docs/design.md, "Addresses and topics" and "Event API"; wire/limits.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from gateway.errors import PlanRefused
from wire.envelope import CLOUDEVENTS_JSON, Envelope
from wire.limits import (
    MAX_CHAINED_SESSION_S,
    MAX_PAYLOAD_BYTES,
    MAX_SUBSCRIPTIONS_PER_CONNECTION,
    MAX_TOPIC_BYTES,
    MIN_SESSION_S,
)


class To(StrEnum):
    """Kinds of address."""

    CLIENT = "client"
    USER = "user"
    GROUP = "group"
    EVERYONE = "everyone"


class Outbox(StrEnum):
    """Where gateways keep events."""

    SQLITE = "sqlite"
    SHARED = "shared"


FIXED_FILTERS: Final = 3
"""Topic filters of every client besides its groups: its own, its user's and everyone's."""

ENVELOPE_BYTES: Final = len(
    Envelope(
        id="0" * 32,
        source="/services/shop",
        type="order.shipped",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        data="",
    ).encode()
) - len('""')
"""Bytes of a typical envelope around an event's data."""

CONTENT_TYPE_BYTES: Final = len(CLOUDEVENTS_JSON)
"""Bytes of the MQTT 5 content type that goes with every event, and is metered with it."""

_BOUNDS: Final = (
    ("clients", 1, 100_000_000),
    ("groups", 0, 100_000_000),
    ("groups_per_client", 0, MAX_SUBSCRIPTIONS_PER_CONNECTION - FIXED_FILTERS),
    ("clients_per_user", 1, 1_000),
    ("events_per_s", 0, 1_000_000),
    ("data_bytes", 0, MAX_PAYLOAD_BYTES - ENVELOPE_BYTES),
    ("topic_bytes", 1, MAX_TOPIC_BYTES),
    ("qos", 0, 1),
    ("retained", 0, 1),
    ("session_h", 0.01, 10_000),
    ("credential_life_s", MIN_SESSION_S, MAX_CHAINED_SESSION_S),
    ("events_per_post", 1, 1_000),
    ("peak", 1, 1_000),
    ("gateways", 1, 100),
)
"""Field, least, most."""

_OPTIONS: Final = {
    "data_bytes": "payload_bytes",
    "session_h": "session_hours",
}
"""Fields whose option is named otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is planned for, as an average of the month.

    Attributes:
        clients: Connected at the same time.
        groups: Groups there are; clients are spread over them evenly.
        groups_per_client: Groups that one client is in.
        clients_per_user: Connections (tabs, devices) of one user.
        to: Share of the events that go to each kind of address; they add up to 1.
        events_per_s: Events posted per second, each to one address.
        data_bytes: An event's data as JSON, without the envelope.
        topic_bytes: Bytes of a topic's name.
        qos: 0 or 1.
        retained: Share of the events that are retained.
        session_h: Time until a page is closed or loses its network, hours.
        credential_life_s: Life of a client's credentials, seconds.
        events_per_post: Events in one request to the gateway.
        peak: The busiest second's events as a multiple of the average.
        outbox: Where events are kept.
        gateways: How many run.

    Raises:
        PlanRefused: With everything that is wrong.
    """

    clients: int
    groups: int
    groups_per_client: int
    clients_per_user: float
    to: Mapping[To, float]
    events_per_s: float
    data_bytes: int
    topic_bytes: int
    qos: int
    retained: float
    session_h: float
    credential_life_s: int
    events_per_post: int
    peak: float
    outbox: Outbox
    gateways: int

    def __post_init__(self) -> None:
        problems = [
            f"--{_OPTIONS.get(name, name).replace('_', '-')} is {value:g}, "
            f"but must be {least:g} to {most:,}"
            for name, least, most in _BOUNDS
            if not least <= (value := getattr(self, name)) <= most
        ]
        problems += self._contradictions()
        if problems:
            raise PlanRefused(problems)

    @property
    def payload_bytes(self) -> int:
        """Bytes that a client receives: data and envelope."""
        return self.data_bytes + ENVELOPE_BYTES

    @property
    def filters(self) -> int:
        """Topic filters that one client subscribes to."""
        return FIXED_FILTERS + self.groups_per_client

    def recipients(self, to: To) -> float:
        """Return how many clients an event to one such address reaches, on average."""
        match to:
            case To.CLIENT:
                return 1.0
            case To.USER:
                return min(self.clients_per_user, self.clients)
            case To.GROUP:
                return self.clients * self.groups_per_client / self.groups
            case To.EVERYONE:
                return float(self.clients)

    def topics(self, to: To) -> float:
        """Return how many addresses of that kind there are."""
        match to:
            case To.CLIENT:
                return float(self.clients)
            case To.USER:
                return max(1.0, self.clients / self.clients_per_user)
            case To.GROUP:
                return float(self.groups)
            case To.EVERYONE:
                return 1.0

    def _contradictions(self) -> list[str]:
        problems = []
        if any(not 0 < share <= 1 for share in self.to.values()) or not math.isclose(
            sum(self.to.values()), 1.0, abs_tol=1e-6
        ):
            said = ", ".join(f"{to}={share:g}" for to, share in self.to.items())
            problems.append(f"--to: shares must be above 0 and add up to 1, not {said}")
        if self.groups_per_client > self.groups:
            problems.append(
                f"--groups-per-client is {self.groups_per_client}, more than --groups {self.groups}"
            )
        if To.GROUP in self.to and not self.groups_per_client:
            problems.append("--to group, but no client is in a group (--groups-per-client)")
        if self.outbox is Outbox.SQLITE and self.gateways > 1:
            problems.append(
                f"--gateways is {self.gateways}, but the sqlite outbox serves one; --outbox shared"
            )
        return problems
