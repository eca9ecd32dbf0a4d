"""Alarms, dashboard, metrics out of logs, X-Ray, protection: what keeps a stack looked after."""

from __future__ import annotations

import json
import logging
import re

import pytest

from infra import log_metrics
from infra.watches import CREDENTIALS_LATENCY_MS
from tests.unit.infra.program import EVERYTHING, MINIMAL, ROOT, Program, run_program
from tests.unit.issuer import Issuer, claims
from tests.unit.lambdas.credentials.stack import Stack
from tests.unit.lambdas.events import event

STATEFUL = (
    "sqs/queue:Queue",
    "sns/topic:Topic",
    "dynamodb/table:Table",
    "lb/loadBalancer:LoadBalancer",
)
WORTHLESS = ("presence",)
"""Parts of names of queues whose content is old news after an hour."""


def alarms(program: Program) -> dict[str, dict[str, object]]:
    """Return the inputs of every alarm, by name without the namespace."""
    return {
        found.name.removeprefix("push-prod-"): found.inputs
        for found in program.all("cloudwatch/metricAlarm:MetricAlarm")
    }


def test_everything_that_can_go_wrong_has_an_alarm(everything: Program) -> None:
    """Credential API, Lambdas, every dead-letter queue, session policies, IoT, the service."""
    found = alarms(everything)
    assert {name for name in found if not name.startswith("bridge-")} == {
        "credential-api-5xx", "credential-api-latency",
        "credentials-errors", "credentials-throttles",
        "session-policy-packed", "session-policy-chars",
        "iot-connect-autherror-mqtt", "iot-subscribe-autherror-mqtt",
        "iot-publishin-autherror-http", "iot-connect-throttle-mqtt",
        "iot-subscribe-throttle-mqtt", "iot-publishin-throttle-http",
        "rule-errors", "outbox-dead-letters", "inbox-dead-letters", "inbox-rules-dead-letters",
        "gateway-5xx", "gateway-unhealthy", "gateway-cpu", "gateway-dead-letters",
        "iot-publishout-throttle-mqtt",
    }  # fmt: skip
    assert {"bridge-errors", "bridge-throttles"} < set(found)
    watched = {
        inputs["dimensions"]["QueueName"]  # type: ignore[index]
        for inputs in found.values()
        if inputs["namespace"] == "AWS/SQS"
    }
    ends = {
        queue.outputs["name"]
        for queue in everything.all("sqs/queue:Queue")
        if re.search("dead-letters|rule-errors", queue.name)
    }
    assert watched == ends
    assert len(ends) == 7


def test_every_alarm_tells_the_configured_topic(everything: Program) -> None:
    """When it begins and when it ends; silence means that all is well."""
    for name, inputs in alarms(everything).items():
        assert inputs["alarmActions"] == [EVERYTHING["alarmTopicArn"]], name
        assert inputs["okActions"] == [EVERYTHING["alarmTopicArn"]]
        assert inputs["treatMissingData"] == "notBreaching"
        assert inputs["comparisonOperator"] == "GreaterThanThreshold"
        assert ("statistic" in inputs) != ("extendedStatistic" in inputs)


def test_the_limits_are_those_meant(everything: Program) -> None:
    """80 % of both of STS's limits; a p95; nothing in a dead-letter queue."""
    found = alarms(everything)
    assert found["session-policy-packed"]["threshold"] == 80
    assert found["session-policy-chars"]["threshold"] == pytest.approx(0.8 * 2_048)
    assert found["credential-api-latency"]["threshold"] == CREDENTIALS_LATENCY_MS
    assert found["credential-api-latency"]["extendedStatistic"] == "p95"
    assert found["outbox-dead-letters"]["threshold"] == 0


def test_metrics_out_of_logs_feed_their_alarms(everything: Program) -> None:
    """Each filter makes the very metric that an alarm watches, out of the right log."""
    made = {
        (
            found.inputs["metricTransformation"]["namespace"],
            found.inputs["metricTransformation"]["name"],
        ): found.inputs["logGroupName"]
        for found in everything.all("cloudwatch/logMetricFilter:LogMetricFilter")
    }
    watched = {
        (inputs["namespace"], inputs["metricName"])
        for inputs in alarms(everything).values()
        if str(inputs["namespace"]).startswith("ServerlessWebsockets")
    }
    assert watched == set(made)
    namespaces = {namespace for namespace, _ in made}
    assert namespaces == {"ServerlessWebsockets/push-prod"}
    groups = {
        found.name: found.outputs["name"]
        for found in everything.all("cloudwatch/logGroup:LogGroup")
    }
    assert (
        made["ServerlessWebsockets/push-prod", "PackedPolicySize"]
        == (groups["credential-lambda-logs"])
    )
    assert (
        made["ServerlessWebsockets/push-prod", "GatewayDeadLetters"]
        == (groups["gateway-service-logs"])
    )


def test_the_credential_lambda_logs_what_is_measured(caplog: pytest.LogCaptureFixture) -> None:
    """Its one line per request has both members, as numbers; Lambda's JSON puts them at the top."""
    stack = Stack()
    stack.grants()
    with caplog.at_level(logging.INFO):
        status, _, _ = stack.send(event("post", token=Issuer().sign(claims())))
    assert status == 200
    (line,) = [line for line in caplog.records if line.message == "credentials request"]
    assert line.__dict__[log_metrics.PACKED_FIELD] == 37
    assert 0 < line.__dict__[log_metrics.CHARS_FIELD] <= 2_048


def test_the_gateway_logs_what_is_counted(everything: Program) -> None:
    """Its lines for deliveries given up have the phrases that the filter looks for."""
    pattern = everything.one("cloudwatch/logMetricFilter:LogMetricFilter", "dead").inputs["pattern"]
    assert pattern == '{ ($.message = "delivery failed") || ($.message = "delivery poisoned") }'
    text = "".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    for phrase in log_metrics.DEAD_LETTER_PHRASES:
        assert re.search(rf'log\.(warning|error)\("{phrase}"', text), phrase


def test_the_dashboard_draws_every_alarm(everything: Program) -> None:
    """One graph each, its limit drawn in, none over another."""
    body = json.loads(everything.one("cloudwatch/dashboard:Dashboard").inputs["dashboardBody"])
    widgets = body["widgets"]
    assert {widget["properties"]["title"] for widget in widgets} == set(alarms(everything))
    places = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(places) == len(widgets)
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)
    for widget in widgets:
        alarm = alarms(everything)[widget["properties"]["title"]]
        (line,) = widget["properties"]["annotations"]["horizontal"]
        assert line["value"] == alarm["threshold"]
        assert widget["properties"]["metrics"][0][:2] == [alarm["namespace"], alarm["metricName"]]


def test_nothing_watches_unasked(minimal: Program) -> None:
    """Alarms, dashboards and metrics cost money."""
    for kind in (
        "metricAlarm:MetricAlarm",
        "dashboard:Dashboard",
        "logMetricFilter:LogMetricFilter",
    ):
        assert minimal.all(f"cloudwatch/{kind}") == []


def test_traces_are_sent_on_request(minimal: Program, everything: Program) -> None:
    """Both Lambdas, with the right to; otherwise neither."""
    for program, mode in ((minimal, "PassThrough"), (everything, "Active")):
        for function in program.all("lambda/function:Function"):
            assert function.inputs["tracingConfig"] == {"mode": mode}
        policies = [one.inputs["policy"] for one in program.all("iam/rolePolicy:RolePolicy")]
        traced = sum("xray:PutTraceSegments" in policy for policy in policies)
        assert traced == (2 if mode == "Active" else 0)


def test_what_holds_data_is_protected() -> None:
    """Unless the operator says otherwise, which everything in the other tests does."""
    program = run_program({**EVERYTHING, "protectData": "true"})
    kept = [found for found in program.resources if found.type.removeprefix("aws:") in STATEFUL]
    assert len(kept) == 17
    for found in kept:
        assert found.protect or any(part in found.name for part in WORTHLESS), found.name
    assert program.one("dynamodb/table:Table").inputs["deletionProtectionEnabled"] is True
    assert program.one("lb/loadBalancer:LoadBalancer").inputs["enableDeletionProtection"] is True


def test_protection_can_be_lifted(everything: Program) -> None:
    """Or a stack could never be taken down."""
    assert not [found.name for found in everything.resources if found.protect]
    assert everything.one("dynamodb/table:Table").inputs["deletionProtectionEnabled"] is False


def test_the_regions_log_level_is_left_alone(minimal: Program, everything: Program) -> None:
    """It is the account's, not the stack's: only on request, with a role of its own."""
    assert minimal.all("iot/loggingOptions:LoggingOptions") == []
    options = everything.one("iot/loggingOptions:LoggingOptions").inputs
    assert (options["defaultLogLevel"], options["disableAllLogs"]) == ("WARN", False)
    off = run_program({**MINIMAL, "iotLogLevel": "DISABLED"})
    assert off.one("iot/loggingOptions:LoggingOptions").inputs["disableAllLogs"] is True


def test_a_domain_leads_to_the_api(everything: Program) -> None:
    """Name, mapping and both alias records; the browser's URL is the name's."""
    records = [
        record for record in everything.all("route53/record:Record") if "credential" in record.name
    ]
    assert {record.inputs["type"] for record in records} == {"A", "AAAA"}
    for record in records:
        (alias,) = record.inputs["aliases"]
        assert alias["name"] == everything.exports["apiDomainTarget"]
    name = everything.one("apigatewayv2/domainName:DomainName").inputs
    assert name["domainNameConfiguration"]["securityPolicy"] == "TLS_1_2"
    mapping = everything.one("apigatewayv2/apiMapping:ApiMapping").inputs
    assert mapping["stage"] == "$default"
    elsewhere = {key: value for key, value in EVERYTHING.items() if "ZoneId" not in key}
    assert run_program(elsewhere).all("route53/record:Record") == []
