"""What the same work costs over AppSync Events.

Owns what of it is metered: operations of 5 KB. A publish of several events (five at most) is counted
as that many operations.
In its favour: acknowledgements, retained messages and what a client missed are not counted, since
it has none of them.
Source: the Price List's operations; https://docs.aws.amazon.com/appsync/latest/eventapi/.
"""

from __future__ import annotations

from gateway.core.plan.bill import MONTH_MIN, MONTH_S, Bill, line, lines_of_one_price, metered
from gateway.core.plan.figures import Figures
from gateway.core.plan.intake_bill import intake_lines
from gateway.core.plan.traffic import Traffic, connects_per_s
from gateway.core.plan.workload import Workload


def appsync_bill(workload: Workload, traffic: Traffic, figures: Figures) -> Bill:
    """Return the month's bill of AppSync Events."""
    units = metered(workload.payload_bytes, figures.metered_bytes(5))
    connects = connects_per_s(workload, longest_h=figures.assumed("appsync_life_h"))
    subscribes = connects * workload.filters
    operations = [
        ("publishes in", traffic.events * units),
        ("messages out", (traffic.deliveries - traffic.replays) * units),
        ("connects", connects),
        ("subscribes", subscribes),
        ("handlers that allow a subscribe", subscribes),
        ("pings", workload.clients / figures.assumed("appsync_ping_s")),
    ]
    return Bill(
        name="appsync",
        says="AppSync Events",
        own=(
            line("connections", workload.clients * MONTH_MIN, figures.prices["appsync_connection"]),
            *lines_of_one_price(
                [(what, per_s * MONTH_S) for what, per_s in operations],
                figures.prices["appsync_operation"],
            ),
        ),
        intake=intake_lines(workload, traffic, figures),
    )
