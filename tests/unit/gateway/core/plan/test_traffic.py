"""Traffic: what clients do by themselves, and that the plan knows the client as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.plan.traffic import RENEW_AT, ROLL_OVER_H, connects_per_s, traffic_of
from gateway.core.plan.workload import To
from tests.unit.gateway.core.plan.workloads import workload_of

CLIENT = Path(__file__).resolve().parents[5] / "web/client"


def test_the_client_renews_and_rolls_over_as_planned() -> None:
    """The middle of what web/client/lifetime.js draws lots between."""
    text = (CLIENT / "lifetime.js").read_text()
    assert "ROLL_OVER_AFTER_MS = 23 * 3_600_000" in text
    assert "1 - 0.1 * random" in text
    assert pytest.approx(23 * (1 - 0.1 / 2)) == ROLL_OVER_H
    assert "0.75 + 0.15 * random" in text
    assert pytest.approx(0.75 + 0.15 / 2) == RENEW_AT


def test_a_roll_over_is_a_connect_and_nothing_else() -> None:
    """Pages open for a week: one session, seven and a bit connections."""
    traffic = traffic_of(workload_of(clients=1_000, session_h=168.0))
    week_s = 168 * 3_600
    assert traffic.sessions * week_s == pytest.approx(1_000)
    assert traffic.subscribes * week_s == pytest.approx(1_000)
    assert traffic.filters_subscribed * week_s == pytest.approx(3_000)
    assert traffic.connects * week_s == pytest.approx(1_000 * 168 / 21.85)


def test_a_short_session_is_not_rolled_over() -> None:
    """Where pages close sooner, connections end with them."""
    load = workload_of(clients=3_600, session_h=1.0)
    assert connects_per_s(load, longest_h=2.0) == pytest.approx(1.0)
    assert traffic_of(load).connects == pytest.approx(1.0)
    assert connects_per_s(load, longest_h=0.5) == pytest.approx(2.0)


def test_without_retained_messages_nothing_is_replayed() -> None:
    """Neither kept nor sent on subscribing."""
    traffic = traffic_of(workload_of())
    assert (traffic.retained, traffic.replays, traffic.retained_topics) == (0, 0, 0)


def test_the_busiest_retained_topic_counts() -> None:
    """Half of ten a second to everyone is one topic; the rest is spread over a hundred users."""
    load = workload_of(
        clients=100, to={To.USER: 0.5, To.EVERYONE: 0.5}, events_per_s=10.0, retained=0.2
    )
    traffic = traffic_of(load)
    assert traffic.retained == pytest.approx(2)
    assert traffic.retained_on_one_topic == pytest.approx(1)
    assert traffic.retained_topics == 101
    assert traffic.largest_fan_out == 100
    # Two filters of each new client may hold a retained message: its user's, and everyone's.
    assert traffic.replays == pytest.approx(2 * traffic.sessions)
