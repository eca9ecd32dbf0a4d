"""A workload: every field has bounds, and all that is wrong is said at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.core.plan.workload import CONTENT_TYPE_BYTES, ENVELOPE_BYTES, Outbox, To
from gateway.errors import PlanRefused
from tests.unit.gateway.core.plan.workloads import workload_of
from wire.envelope import Envelope
from wire.limits import MAX_PAYLOAD_BYTES


def test_the_envelope_is_counted_as_it_is_sent() -> None:
    """Data and envelope together are the bytes on the topic."""
    data = {"order": 12_345}
    envelope = Envelope(
        id="5d0c1ad0e3a94d6f8a0f0c6b7f1b2c3d",
        source="/services/shop",
        type="order.shipped",
        time=datetime(2026, 11, 30, tzinfo=UTC),
        data=data,
    )
    assert len(envelope.encode()) == len(b'{"order":12345}') + ENVELOPE_BYTES
    assert len("application/cloudevents+json") == CONTENT_TYPE_BYTES


def test_who_gets_an_event() -> None:
    """One client, a user's, a group's, everyone; topics the other way round."""
    load = workload_of(clients=1_000, groups=50, groups_per_client=2, clients_per_user=4.0)
    assert [load.recipients(to) for to in To] == [1, 4, 40, 1_000]
    assert [load.topics(to) for to in To] == [1_000, 250, 50, 1]
    assert load.filters == 5
    alone = workload_of(clients=1, clients_per_user=4.0)
    assert (alone.recipients(To.USER), alone.topics(To.USER)) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"clients": 0}, "--clients is 0, but must be 1 to 100,000,000"),
        ({"events_per_s": -1.0}, "--events-per-s is -1, but must be 0 to 1,000,000"),
        ({"events_per_s": float("nan")}, "--events-per-s is nan"),
        ({"payload_bytes": MAX_PAYLOAD_BYTES + 1}, "--payload-bytes is 130921, but must be 0 to"),
        ({"session_h": 0.0}, "--session-hours is 0, but must be 0.01 to 10,000"),
        ({"qos": 2}, "--qos is 2, but must be 0 to 1"),
        ({"credential_life_s": 60}, "--credential-life-s is 60, but must be 900 to 3,600"),
        ({"groups": 60, "groups_per_client": 48}, "--groups-per-client is 48, but must be 0 to 47"),
        ({"groups": 1, "groups_per_client": 2}, "--groups-per-client is 2, more than --groups 1"),
        ({"to": {To.GROUP: 1.0}}, "--to group, but no client is in a group"),
        ({"to": {To.USER: 0.5}}, "shares must be above 0 and add up to 1, not user=0.5"),
        ({"to": {To.USER: 1.5, To.CLIENT: -0.5}}, "shares must be above 0 and add up to 1"),
        ({"gateways": 2}, "--gateways is 2, but the sqlite outbox serves one"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], says: str) -> None:
    """By the option's name, with its bounds."""
    with pytest.raises(PlanRefused) as caught:
        workload_of(**changes)
    assert says in str(caught.value)


def test_everything_wrong_is_said_at_once() -> None:
    """Nobody finds three mistakes in three attempts."""
    with pytest.raises(PlanRefused) as caught:
        workload_of(clients=0, qos=7, retained=2.0, outbox=Outbox.SHARED, gateways=0)
    assert len(caught.value.problems) == 4
    assert str(caught.value).startswith("no plan: --clients is 0")


def test_the_largest_payload_fits() -> None:
    """128 KB with the envelope, not one byte more."""
    assert workload_of(payload_bytes=MAX_PAYLOAD_BYTES).payload_bytes == MAX_PAYLOAD_BYTES
