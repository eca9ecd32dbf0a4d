"""What holds for every workload: more clients are never cheaper, and the first limit is the fullest."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.plan.plan import bills_of, client_counts, most_clients, plan_of
from gateway.core.plan.workload import Outbox, To, Workload
from tests.unit.gateway.core.plan.workloads import figures_of, workload_of

FIGURES = figures_of()


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    """Draw any workload whatever."""
    kinds = draw(st.lists(st.sampled_from(To), min_size=1, unique=True))
    weights = draw(st.lists(st.integers(1, 9), min_size=len(kinds), max_size=len(kinds)))
    groups_per_client = draw(st.integers(1, 47))
    outbox = draw(st.sampled_from(Outbox))
    return workload_of(
        clients=draw(st.integers(1, 2_000_000)),
        groups=draw(st.integers(groups_per_client, 10_000)),
        groups_per_client=groups_per_client,
        clients_per_user=draw(st.floats(1, 20)),
        to={kind: weight / sum(weights) for kind, weight in zip(kinds, weights, strict=True)},
        events_per_s=draw(st.floats(0, 5_000)),
        payload_bytes=draw(st.integers(152, 131_072)),
        qos=draw(st.integers(0, 1)),
        retained=draw(st.floats(0, 1)),
        session_h=draw(st.floats(0.02, 100)),
        credential_life_s=draw(st.integers(900, 3_600)),
        events_per_post=draw(st.integers(1, 1_000)),
        peak=draw(st.floats(1, 50)),
        outbox=outbox,
        gateways=1 if outbox is Outbox.SQLITE else draw(st.integers(1, 20)),
    )


@given(workloads(), st.integers(1, 2_000_000))
def test_more_clients_are_never_cheaper(load: Workload, more: int) -> None:
    """On none of the bills."""
    fewer = bills_of(load, FIGURES)
    for few, many in zip(
        fewer, bills_of(replace(load, clients=load.clients + more), FIGURES), strict=True
    ):
        assert many.usd >= few.usd * (1 - 1e-12)


@given(workloads())
def test_a_bill_is_the_sum_of_its_lines(load: Workload) -> None:
    """No line is negative, endless or missing; lines of one price pay what the price says."""
    for bill in plan_of(load, FIGURES).bills:
        assert all(0 <= line.usd < math.inf and line.amount >= 0 for line in bill.lines)
        assert bill.usd == pytest.approx(sum(line.usd for line in bill.lines))
        for price in {line.price.name: line.price for line in bill.own}.values():
            lines = [line for line in bill.own if line.price.name == price.name]
            together = price.cost(sum(line.amount for line in lines))
            assert sum(line.usd for line in lines) == pytest.approx(together)


@given(workloads())
def test_the_first_limit_has_the_highest_share(load: Workload) -> None:
    """And a storm takes as long as its slowest part."""
    plan = plan_of(load, FIGURES)
    assert all(use.share <= plan.first_limit.share for use in plan.uses)
    for storm in plan.storms:
        assert storm.bound.seconds == max(bound.seconds for bound in storm.bounds)
    short, anew = plan.storms
    assert anew.bound.seconds >= short.bound.seconds


@settings(max_examples=25)  # each looks for the limit in 27 steps
@given(workloads())
def test_the_most_clients_are_the_most(load: Workload) -> None:
    """With them, the quota that is named holds; with one more it does not."""
    most, quota = most_clients(load, FIGURES)

    def share(clients: int) -> float:
        uses = plan_of(replace(load, clients=clients), FIGURES).uses
        return next(use.share for use in uses if use.quota.name == quota.name)

    assert share(most + 1) > 1
    assert most == 0 or share(most) <= 1


@given(workloads())
def test_acknowledgements_cost_what_they_cost(load: Workload) -> None:
    """QoS 0 is never dearer; it differs in nothing else."""
    plan = plan_of(load, FIGURES)
    if load.qos == 0:
        assert plan.unacknowledged is None
    else:
        assert plan.unacknowledged is not None
        assert plan.unacknowledged.usd <= plan.bills[0].usd


@pytest.mark.parametrize("clients", [1, 7, 10_000, 100_000_000])
def test_the_counts_of_a_plot_include_its_clients(clients: int) -> None:
    """From a hundredth to ten times as many, ascending, each once."""
    counts = client_counts(clients)
    assert clients in counts
    assert list(counts) == sorted(set(counts))
    assert counts[0] >= 1
    assert counts[-1] == min(10 * clients, 100_000_000)
