"""Metrics have documented names, and gateways do not share numbers."""

from __future__ import annotations

from gateway.metrics import Metrics


def test_counts_show_under_their_names() -> None:
    """What is counted is what is scraped."""
    metrics = Metrics()
    metrics.accepted.labels("shop").inc()
    metrics.failed.labels("shop", "user", "throttled").inc(2)
    metrics.publish_seconds.labels("published").observe(0.003)
    text = metrics.text().decode()
    assert 'gateway_events_accepted_total{service="shop"} 1.0' in text
    assert 'gateway_failed_total{kind="user",reason="throttled",service="shop"} 2.0' in text
    assert 'gateway_publish_seconds_bucket{le="0.005",outcome="published"} 1.0' in text
    assert metrics.content_type.startswith("text/plain")


def test_two_gateways_count_apart() -> None:
    """Each has a registry of its own."""
    first, second = Metrics(), Metrics()
    first.accepted.labels("shop").inc()
    assert 'service="shop"' not in second.text().decode()
