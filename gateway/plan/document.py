"""A plan as a JSON document.

Owns its members; what they mean stands in docs/planning.md. Every number is plain, in the unit that
its name or its price says, and every figure used comes with source, date and standing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from gateway.core.plan.bill import Bill
from gateway.core.plan.figures import Source
from gateway.core.plan.plan import UNKNOWN, Plan, most_clients
from gateway.core.plan.quotas import Use
from gateway.core.plan.reconnect import Storm
from gateway.core.plan.workload import Workload

VERSION = 1
"""Raised when a member changes its meaning or goes."""


def document_of(plan: Plan) -> dict[str, Any]:
    """Return the plan as values that JSON has."""
    most, quota = most_clients(plan.workload, plan.figures)
    return {
        "version": VERSION,
        "region": plan.figures.region,
        "pricesOf": plan.figures.prices_of,
        "workload": _workload(plan.workload),
        "traffic": _camel(asdict(plan.traffic)),
        "quotas": [_use(use) for use in plan.uses],
        "firstLimit": plan.first_limit.quota.name,
        "mostClients": {"clients": most, "quota": quota.name},
        "fanOutSeconds": plan.fan_out_s,
        "reconnect": [_storm(storm) for storm in plan.storms],
        "bills": [_bill(bill) for bill in plan.bills],
        "usdWithQos0": plan.unacknowledged.usd if plan.unacknowledged else plan.bills[0].usd,
        "websocketQuotas": [_use(use) for use in plan.websocket_uses],
        "assumptions": [
            {"name": one.name, "says": one.says, "value": one.value, **_source(one.source)}
            for one in plan.figures.assumptions.values()
        ],
        "unknown": list(UNKNOWN),
    }


def _workload(workload: Workload) -> dict[str, Any]:
    found = {field.name: getattr(workload, field.name) for field in fields(workload)}
    return _camel(found | {"to": {str(to): share for to, share in workload.to.items()}})


def _camel(members: Mapping[str, Any]) -> dict[str, Any]:
    """Name members as the gateway's other documents name theirs: `delivery_bytes`, `deliveryBytes`."""
    return {
        first + "".join(word.capitalize() for word in rest): value
        for (first, *rest), value in ((name.split("_"), value) for name, value in members.items())
    }


def _use(use: Use) -> dict[str, Any]:
    quota = use.quota
    return {
        "name": quota.name,
        "service": use.service,
        "says": quota.says,
        "amount": use.amount,
        "quota": quota.value,
        "share": use.share,
        "hard": quota.hard,
        **_source(quota.source),
    }


def _storm(storm: Storm) -> dict[str, Any]:
    return {
        "name": storm.name,
        "says": storm.says,
        "seconds": storm.bound.seconds,
        "bound": storm.bound.quota.name,
        "bounds": [
            {
                "quota": bound.quota.name,
                "work": bound.work,
                "perSecond": bound.per_s,
                "seconds": bound.seconds,
            }
            for bound in storm.bounds
        ],
    }


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "name": bill.name,
        "says": bill.says,
        "usd": bill.usd,
        "lines": [
            {
                "what": line.what,
                "amount": line.amount,
                "unit": line.price.thing,
                "usd": line.usd,
                "price": line.price.name,
                **_source(line.price.source),
            }
            for line in bill.lines
        ],
    }


def _source(source: Source) -> dict[str, str]:
    return {"source": source.text, "date": source.date, "standing": str(source.standing)}
