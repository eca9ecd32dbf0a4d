"""What taking events in costs, whatever brings them to the clients.

Owns the lines of gateways, load balancer, outbox and data out. They stand in every bill alike: a
rival does the same work only if something answers 202, keeps, orders and repeats for it as well.
Source: docs/deploy.md, "The gateway service" and "Costs".
"""

from __future__ import annotations

from typing import Final

from gateway.core.plan.bill import MONTH_H, MONTH_S, Line, line
from gateway.core.plan.figures import Figures
from gateway.core.plan.shared_outbox import outbox_load
from gateway.core.plan.traffic import Traffic
from gateway.core.plan.workload import Outbox, Workload

GB_BYTES: Final = 1_000_000_000
"""Bytes of a GB of data out: the smaller reading, so the dearer one."""


def intake_lines(workload: Workload, traffic: Traffic, figures: Figures) -> tuple[Line, ...]:
    """Return the lines that every way of doing the work has."""
    prices = figures.prices
    vcpu_h = workload.gateways * figures.assumed("gateway_vcpu") * MONTH_H
    gb_h = workload.gateways * figures.assumed("gateway_memory_gb") * MONTH_H
    lines = [
        line("gateways: vCPUs", vcpu_h, prices["fargate_vcpu_h"]),
        line("gateways: memory", gb_h, prices["fargate_gb_h"]),
    ]
    if workload.outbox is Outbox.SHARED:
        load = outbox_load(workload, figures, events_per_s=traffic.events)
        lines += [
            line("gateways: load balancer", MONTH_H, prices["load_balancer_h"]),
            line("outbox: queue", load.sqs_calls * MONTH_S, prices["sqs_fifo_request"]),
            line("outbox: table writes", load.writes * MONTH_S, prices["dynamodb_write"]),
            line("outbox: sweep", load.reads * MONTH_S, prices["dynamodb_read"]),
        ]
    out_gb = traffic.deliveries * traffic.delivery_bytes * MONTH_S / GB_BYTES
    lines.append(line("data out to browsers", out_gb, prices["data_out"]))
    return tuple(lines)
