"""The shared outbox's load: none where it is embedded, and the constants of the code that makes it."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from gateway.core.plan import shared_outbox as subject
from gateway.core.plan.shared_outbox import outbox_load
from gateway.core.plan.workload import Outbox
from gateway.outbox.aws import deliveries, item, message, queue, sweep
from tests.unit.gateway.core.plan.workloads import TABLES, figures_of, workload_of


def test_the_constants_are_those_of_the_outbox() -> None:
    """Receivers, waits, looks, sweeps, batches and shards."""
    assert deliveries.RECEIVERS / queue.POLL_S == subject.IDLE_RECEIVES_PER_S
    assert 2 / sweep.LOOK_S == subject.LOOKS_PER_S
    assert item.SHARDS / sweep.SWEEP_S * 0.5 == subject.SWEEP_READS_PER_S
    assert message.BATCH == subject.BATCH
    assert TABLES["quotas"]["dynamodb_index_writes_per_s"]["all"] == item.SHARDS * 1_000


def test_the_embedded_outbox_asks_nothing_of_aws() -> None:
    """Neither calls nor units."""
    load = outbox_load(workload_of(), figures_of(), events_per_s=1_000)
    assert set(astuple(load)) == {0}


def test_an_idle_gateway_polls_and_sweeps() -> None:
    """Without events, two gateways still wait, look and sweep."""
    shared = workload_of(outbox=Outbox.SHARED, gateways=2, events_per_s=0.0)
    load = outbox_load(shared, figures_of(), events_per_s=0)
    assert load.sqs_calls == pytest.approx(2 * 0.75 + 2 * 0.2)
    assert (load.writes, load.reads) == (0, 8)


def test_batches_share_calls_up_to_ten() -> None:
    """A hundred events in a post are ten messages in a call."""
    shared = workload_of(outbox=Outbox.SHARED, gateways=1, events_per_post=100)
    load = outbox_load(shared, figures_of(), events_per_s=1_000)
    assert load.busiest_sqs_call == 100
    assert load.sqs_calls == pytest.approx(300.2)
    assert load.writes == 7_000
