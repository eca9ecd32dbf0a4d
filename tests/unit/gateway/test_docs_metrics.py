"""docs/metrics.md lists every metric with its type and labels, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from gateway.metrics import Metrics

PAGE = (Path(__file__).resolve().parents[3] / "docs/metrics.md").read_text()


def test_every_metric_is_described() -> None:
    """As it is registered."""
    described = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in re.findall(
            r"^\| `(gateway_\w+)` \| (\w+) \| ([^|]*)\|", PAGE, re.M
        )
    }
    registered = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            registered[name] = (family.type, metric._labelnames)
    assert described == registered


def test_alarms_ask_for_what_there_is() -> None:
    """Every metric in an expression exists."""
    metrics = set(re.findall(r"^\| `(gateway_\w+)` \|", PAGE, re.M))
    for name in re.findall(r"gateway_\w+", PAGE):
        assert name.removesuffix("_bucket") in metrics, name
