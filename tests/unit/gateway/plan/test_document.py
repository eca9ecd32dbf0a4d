"""The JSON document: its shape, and that it says what the plan says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema_rs

from gateway.core.plan.plan import plan_of
from gateway.core.plan.workload import Outbox
from gateway.plan.document import document_of
from tests.unit.gateway.core.plan.workloads import figures_of, workload_of


def members(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with just these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(items: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": items, "minItems": 1}


TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "number", "minimum": 0}
NUMBERS = {"type": "object", "additionalProperties": NUMBER, "minProperties": 1}
SOURCE = {
    "source": TEXT,
    "date": TEXT,
    "standing": {"enum": ["aws", "secondary", "unverified", "ours", "assumed", "yours"]},
}
USE = members(
    name=TEXT,
    service=TEXT,
    says=TEXT,
    amount=NUMBER,
    quota=NUMBER,
    share=NUMBER,
    hard={"type": "boolean"},
    **SOURCE,
)
BOUND = members(quota=TEXT, work=NUMBER, perSecond=NUMBER, seconds=NUMBER)
LINE = members(what=TEXT, amount=NUMBER, unit=TEXT, usd=NUMBER, price=TEXT, **SOURCE)
SCHEMA = members(
    version={"const": 1},
    region=TEXT,
    pricesOf=TEXT,
    workload={
        "type": "object",
        "properties": {"to": NUMBERS, "outbox": {"enum": ["sqlite", "shared"]}},
        "additionalProperties": NUMBER,
        "propertyNames": {"pattern": "^[a-zA-Z]+$"},
    },
    traffic=NUMBERS,
    quotas=many(USE),
    firstLimit=TEXT,
    mostClients=members(clients={"type": "integer", "minimum": 0}, quota=TEXT),
    fanOutSeconds=NUMBER,
    reconnect=many(members(name=TEXT, says=TEXT, seconds=NUMBER, bound=TEXT, bounds=many(BOUND))),
    bills=many(members(name=TEXT, says=TEXT, usd=NUMBER, lines=many(LINE))),
    usdWithQos0=NUMBER,
    websocketQuotas=many(USE),
    assumptions=many(members(name=TEXT, says=TEXT, value=NUMBER, **SOURCE)),
    unknown=many(TEXT),
)


def test_the_document_has_its_shape() -> None:
    """As it is read back, with every member and no other."""
    load = workload_of(qos=1, retained=0.5, outbox=Outbox.SHARED, gateways=2)
    for plan in (plan_of(load, figures_of()), plan_of(workload_of(), figures_of())):
        document = json.loads(json.dumps(document_of(plan), allow_nan=False))
        jsonschema_rs.Draft202012Validator(SCHEMA).validate(document)


def test_the_document_says_what_the_plan_says() -> None:
    """Totals, limits, and names as the options and figures have them."""
    plan = plan_of(workload_of(qos=1), figures_of().with_yours("quota", "iot_connections", 20))
    document = document_of(plan)
    assert [bill["usd"] for bill in document["bills"]] == [bill.usd for bill in plan.bills]
    assert [bill["name"] for bill in document["bills"]] == ["iot", "websocket", "appsync"]
    for bill in document["bills"]:
        assert sum(line["usd"] for line in bill["lines"]) - bill["usd"] < 1e-9
    assert document["firstLimit"] == "iot_connections"
    assert document["mostClients"] == {"clients": 20, "quota": "iot_connections"}
    first = next(use for use in document["quotas"] if use["name"] == "iot_connections")
    assert (first["share"], first["standing"]) == (0.5, "yours")
    assert document["workload"]["to"] == {"client": 1.0}
    assert document["traffic"]["deliveryBytes"] == 568
    assert plan.unacknowledged is not None
    assert document["usdWithQos0"] == plan.unacknowledged.usd
    at_0 = plan_of(replace(plan.workload, qos=0), plan.figures)
    assert document_of(at_0)["usdWithQos0"] == at_0.bills[0].usd
