"""Counters and histograms of one thread.

Owns counting without locks: all of the gateway's counting happens on its event loop, some eight
times for each event, and prometheus_client's own instruments take a lock each time.
Does not: hold a registry, write Prometheus' text format or check names; prometheus_client does.
Source: prometheus_client, "Custom Collectors"; docs/performance.md.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString


class Count:
    """One row of a counter.

    Attributes:
        value: What was counted.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Count."""
        self.value += amount


class Distribution:
    """One row of a histogram.

    Attributes:
        counts: Values in each bucket, and those above all of them.
        total: Sum of all values.
    """

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Take a value in; one that equals a bound lies below it."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


Row = TypeVar("Row", Count, Distribution)


class Instrument(Collector, Generic[Row]):
    """Rows by the values of their labels.

    Attributes:
        name: Its name.
        label_names: Names of its labels.

    Args:
        name: Its name.
        documentation: What it says.
        labels: Names of its labels; none for an instrument with one row.
        registry: Where it is shown.
    """

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], registry: CollectorRegistry
    ) -> None:
        self.name: Final = name
        self._documentation = documentation
        self.label_names: Final = tuple(labels)
        self._rows: dict[tuple[str, ...], Row] = {}
        if not labels:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Row:
        """Return the row of these values; hot paths keep it.

        Args:
            values: One for each label, in their order.
        """
        row = self._rows.get(values)
        if row is None:
            if len(values) != len(self.label_names):
                raise ValueError(
                    f"{self.name} has the labels {', '.join(self.label_names) or 'none'}"
                )
            row = self._rows[values] = self._row()
        return row

    def rows(self) -> Iterable[tuple[dict[str, str], Row]]:
        """Return all rows with their labels."""
        for values, row in self._rows.items():
            yield dict(zip(self.label_names, values, strict=True)), row

    @abstractmethod
    def _row(self) -> Row:
        """Make a row."""


class Counter(Instrument[Count]):
    """Something that only grows; its samples end in ``_total``."""

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Return the samples; the registry calls this at each scrape."""
        family = CounterMetricFamily(self.name, self._documentation, labels=self.label_names)
        for values, row in self._rows.items():
            family.add_metric(values, row.value)
        return [family]

    def _row(self) -> Count:
        return Count()


class Histogram(Instrument[Distribution]):
    """How values are distributed over buckets.

    Attributes:
        bounds: Upper bounds of the buckets, rising; above the last is one more.

    Args:
        bounds: The same.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        registry: CollectorRegistry,
        *,
        bounds: Sequence[float],
    ) -> None:
        self.bounds: Final = tuple(bounds)
        super().__init__(name, documentation, labels, registry)

    def observe(self, value: float) -> None:
        """Take a value into the only row of a histogram without labels."""
        self.labels().observe(value)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Return the samples; the registry calls this at each scrape."""
        family = HistogramMetricFamily(self.name, self._documentation, labels=self.label_names)
        for values, row in self._rows.items():
            buckets = [(_bound(bound), below) for bound, below in self.buckets(row).items()]
            family.add_metric(values, buckets, row.total)
        return [family]

    def buckets(self, row: Distribution) -> dict[float, float]:
        """Return how many values lie below the upper bound of each bucket; the last is infinite."""
        below = accumulate(row.counts)
        return dict(zip((*self.bounds, math.inf), map(float, below), strict=True))

    def _row(self) -> Distribution:
        return Distribution(self.bounds)


def _bound(bound: float) -> str:
    return str(floatToGoString(bound))  # type: ignore[no-untyped-call]
