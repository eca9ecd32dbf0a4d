"""A plan: what a workload does, which quota it reaches first, what it costs, and beside what.

Owns putting the parts together, the cost at other numbers of clients, and what no plan knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.core.plan.appsync_bill import appsync_bill
from gateway.core.plan.bill import Bill
from gateway.core.plan.figures import Figures, Quota
from gateway.core.plan.own_bill import own_bill
from gateway.core.plan.quotas import Use, first_limit, uses_of, websocket_uses
from gateway.core.plan.reconnect import Storm, storms_of
from gateway.core.plan.traffic import Traffic, connects_per_s, traffic_of
from gateway.core.plan.websocket_bill import websocket_bill
from gateway.core.plan.workload import Workload

UNKNOWN: Final = (
    "Free tiers, discounts, taxes and support plans are left out.",
    "So are logs, metrics, alarms, traces, backups; NAT gateways, VPC endpoints, load balancer units.",
    "The one gateway of the embedded outbox is priced as on Fargate, without its durable disk.",
    "Retries, throttled requests and refusals cost more; AWS meters some of them.",
    "Absent clients are left out; IoT Core bills a QoS 1 message for one twice and keeps 500 a second.",
    "Clients that publish are left out, and so are receipts and look-ups: their price is not known.",
    "Events are spread evenly over groups, users and time; --peak is the only unevenness.",
    "AppSync Events' quotas were not found: whether it has room is unknown.",
    "Whether a client's groups fit its session policy is for the credential Lambda to say.",
)
"""What the plan leaves out or does not know."""

_MOST_CLIENTS: Final = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan.

    Attributes:
        workload: What was asked.
        figures: What it was reckoned with.
        traffic: What the workload does.
        uses: Every quota and how much of it is used.
        websocket_uses: The same for API Gateway WebSockets, as far as known.
        storms: How long until everybody is back.
        bills: Ours, then the rivals'.
        unacknowledged: Ours with QoS 0, which is what the rivals do; None if it is that already.
    """

    workload: Workload
    figures: Figures
    traffic: Traffic
    uses: tuple[Use, ...]
    websocket_uses: tuple[Use, ...]
    storms: tuple[Storm, ...]
    bills: tuple[Bill, ...]
    unacknowledged: Bill | None

    @property
    def first_limit(self) -> Use:
        """The quota that is reached first."""
        return first_limit(self.uses)

    @property
    def fan_out_s(self) -> float:
        """Seconds of the whole quota of publishes out that one event to its largest audience takes."""
        return self.traffic.largest_fan_out / self.figures.quotas["iot_publishes_out_per_s"].value


def plan_of(workload: Workload, figures: Figures) -> Plan:
    """Make the plan for a workload."""
    traffic = traffic_of(workload)
    return Plan(
        workload=workload,
        figures=figures,
        traffic=traffic,
        uses=uses_of(workload, traffic, figures),
        websocket_uses=websocket_uses(
            workload,
            connects=connects_per_s(workload, longest_h=figures.assumed("websocket_life_h")),
            posts=traffic.deliveries - traffic.replays,
            figures=figures,
        ),
        storms=storms_of(workload, traffic, figures),
        bills=bills_of(workload, figures),
        unacknowledged=bills_of(replace(workload, qos=0), figures)[0] if workload.qos else None,
    )


def bills_of(workload: Workload, figures: Figures) -> tuple[Bill, ...]:
    """Return what a workload costs, over IoT Core and otherwise."""
    traffic = traffic_of(workload)
    return (
        own_bill(workload, traffic, figures),
        websocket_bill(workload, traffic, figures),
        appsync_bill(workload, traffic, figures),
    )


def client_counts(clients: int) -> tuple[int, ...]:
    """Return numbers of clients to look at, from a hundredth of these to ten times as many."""
    steps = 36
    counts = {round(clients / 100 * 1000 ** (step / steps)) for step in range(steps + 1)}
    return tuple(sorted({min(_MOST_CLIENTS, max(1, count)) for count in counts} | {clients}))


def most_clients(workload: Workload, figures: Figures) -> tuple[int, Quota]:
    """Return the most clients that quotas allow if nothing else changes, and the quota that says so.

    Only what grows with the clients counts. A rate that is too high for any number of them, or that
    is spread thinner over more, is no matter of clients; `Plan.first_limit` tells of it.
    """

    def shares(clients: int) -> dict[str, Use]:
        tried = replace(workload, clients=clients)
        return {use.quota.name: use for use in uses_of(tried, traffic_of(tried), figures)}

    few, many = shares(workload.clients), shares(_MOST_CLIENTS)
    growing = [name for name, use in few.items() if many[name].share > use.share]

    def first(clients: int) -> Use:
        found = shares(clients)
        return first_limit(found[name] for name in growing)

    least, most = 0, _MOST_CLIENTS
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if first(middle).share <= 1 else (least, middle)
    return least, first(most).quota
