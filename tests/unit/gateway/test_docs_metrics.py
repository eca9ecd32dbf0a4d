"""docs/metrics.md lists every metric with its type and labels, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import Gauge

from gateway.instruments import Counter, Histogram
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
        match metric:
            case Counter():
                registered[f"{metric.name}_total"] = ("counter", metric.label_names)
            case Histogram():
                registered[metric.name] = ("histogram", metric.label_names)
            case Gauge():
                registered[metric._name] = ("gauge", metric._labelnames)
    assert described == registered


def test_alarms_ask_for_what_there_is() -> None:
    """Every metric in an expression exists."""
    metrics = set(re.findall(r"^\| `(gateway_\w+)` \|", PAGE, re.M))
    for name in re.findall(r"gateway_\w+", PAGE):
        assert name.removesuffix("_bucket") in metrics, name
