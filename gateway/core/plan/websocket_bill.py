"""What the same work costs over API Gateway WebSockets with a connection table in DynamoDB.

Owns what of it is metered: a message for each recipient in units of 32 KB, connections that live two
hours at most, a row for each thing a client listens to, a query for each event.
In its favour: the CPU that calls @connections for every recipient is not counted, nor are
acknowledgements, retained messages and what a client missed, which it has not.
Source: https://aws.amazon.com/api-gateway/pricing/; API Gateway developer guide, quotas.
"""

from __future__ import annotations

import math
from typing import Final

from gateway.core.plan.bill import MONTH_MIN, MONTH_S, Bill, line, lines_of_one_price, metered
from gateway.core.plan.figures import Figures
from gateway.core.plan.intake_bill import intake_lines
from gateway.core.plan.traffic import Traffic, connects_per_s
from gateway.core.plan.workload import Workload

READ_UNIT_BYTES: Final = 4_096
"""Bytes of one read unit; an eventually consistent read costs half of it. Source: DynamoDB."""


def websocket_bill(workload: Workload, traffic: Traffic, figures: Figures) -> Bill:
    """Return the month's bill of the API Gateway WebSocket pattern."""
    prices = figures.prices
    sent = traffic.deliveries - traffic.replays
    units = metered(workload.payload_bytes, figures.metered_bytes(32))
    pings = max(0.0, workload.clients / figures.assumed("websocket_ping_s") - sent)
    connects = connects_per_s(workload, longest_h=figures.assumed("websocket_life_h")) * MONTH_S
    gb_s = 2 * connects * figures.assumed("websocket_run_s") * figures.assumed("lambda_memory_gb")
    return Bill(
        name="websocket",
        says="API Gateway WebSockets + DynamoDB",
        own=(
            line("connections", workload.clients * MONTH_MIN, prices["websocket_connection"]),
            *lines_of_one_price(
                [
                    ("messages out", sent * units * MONTH_S),
                    ("messages against idling out", pings * MONTH_S),
                ],
                prices["websocket_message"],
            ),
            line("$connect, $disconnect: Lambda requests", 2 * connects, prices["lambda_request"]),
            line("$connect, $disconnect: Lambda time", gb_s, prices["lambda_gb_s"]),
            line(
                "connection table: rows written and deleted",
                2 * connects * workload.filters,
                prices["dynamodb_write"],
            ),
            line(
                "connection table: who gets an event",
                _query_units(workload, figures) * MONTH_S,
                prices["dynamodb_read"],
            ),
        ),
        intake=intake_lines(workload, traffic, figures),
    )


def _query_units(workload: Workload, figures: Figures) -> float:
    """Return read units per second of finding recipients."""
    row_bytes = figures.assumed("websocket_row_bytes")
    return math.fsum(
        workload.events_per_s
        * share
        * 0.5
        * max(1, math.ceil(workload.recipients(to) * row_bytes / READ_UNIT_BYTES))
        for to, share in workload.to.items()
    )
