"""What is watched: metrics of the stack, and from where on each is wrong.

Owns the list and its thresholds, with their reasons. `infra.alarms` makes alarms of it,
`infra.dashboard` draws it. Creates nothing.

Source: CloudWatch metrics of Lambda, API Gateway HTTP APIs, SQS, AWS IoT, ALB and ECS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi

from wire.limits import MAX_SESSION_POLICY_CHARS

PERIOD_S: Final = 300
"""One data point; alarms look at one or three of them."""

POLICY_SHARE: Final = 0.8
"""Share of STS's limit above which session policies are about to be refused."""

CREDENTIALS_LATENCY_MS: Final = 2_000
"""p95 of the credential API above which pages feel it; a cold start alone takes a second."""

AUTH_ERRORS: Final = 50
"""Refusals by IoT in one period that are more than browsers with expired credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One metric and its limit.

    Attributes:
        name: Short, unique in the stack: letters, digits and hyphens.
        meaning: What is wrong above the limit, and where to look.
        namespace: CloudWatch namespace.
        metric: Metric name.
        dimensions: Its dimensions.
        statistic: Such as `Sum`, `Maximum` or `p95`.
        limit: Wrong above this.
        periods: Data points in a row that must be above it.
    """

    name: str
    meaning: str
    namespace: pulumi.Input[str]
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    limit: float
    periods: int = 1


def credential_api_watches(api_id: pulumi.Input[str]) -> list[Watch]:
    """Watch the credential API: its failures and its latency."""
    dimensions = {"ApiId": api_id}
    return [
        Watch(
            name="credential-api-5xx",
            meaning="Browsers get no credentials: the credential Lambda's log says why.",
            namespace="AWS/ApiGateway",
            metric="5xx",
            dimensions=dimensions,
            statistic="Sum",
            limit=0,
        ),
        Watch(
            name="credential-api-latency",
            meaning="Browsers wait long for credentials: STS, the issuer's keys, or cold starts.",
            namespace="AWS/ApiGateway",
            metric="Latency",
            dimensions=dimensions,
            statistic="p95",
            limit=CREDENTIALS_LATENCY_MS,
            periods=3,
        ),
    ]


def function_watches(name: str, function_name: pulumi.Input[str]) -> list[Watch]:
    """Watch one Lambda function: errors and throttles."""
    return [
        Watch(
            name=f"{name}-{metric.lower()}",
            meaning=meaning,
            namespace="AWS/Lambda",
            metric=metric,
            dimensions={"FunctionName": function_name},
            statistic="Sum",
            limit=0,
        )
        for metric, meaning in (
            ("Errors", "The function failed or timed out: its log says why."),
            ("Throttles", "The function was not run: concurrency is used up."),
        )
    ]


def dead_letter_watch(name: str, queue_name: pulumi.Input[str], meaning: str) -> Watch:
    """Watch a dead-letter queue: anything in it is wrong."""
    return Watch(
        name=name,
        meaning=meaning,
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": queue_name},
        statistic="Maximum",
        limit=0,
    )


def session_policy_watches(namespace: str) -> list[Watch]:
    """Watch how much of STS's limits session policies take (`infra.log_metrics`)."""
    return [
        Watch(
            name="session-policy-packed",
            meaning="Session policies near STS's packed limit: fewer or shorter groups in tokens.",
            namespace=metric_namespace(namespace),
            metric="PackedPolicySize",
            dimensions={},
            statistic="Maximum",
            limit=100 * POLICY_SHARE,
        ),
        Watch(
            name="session-policy-chars",
            meaning="Session policies near 2,048 characters: fewer or shorter groups in tokens.",
            namespace=metric_namespace(namespace),
            metric="SessionPolicyChars",
            dimensions={},
            statistic="Maximum",
            limit=MAX_SESSION_POLICY_CHARS * POLICY_SHARE,
        ),
    ]


def iot_watches() -> list[Watch]:
    """Watch IoT Core: refusals and throttles. Its metrics are the region's, not the stack's."""
    return [
        Watch(
            name=f"iot-{metric.replace('.', '-').lower()}-{protocol.lower()}",
            meaning=meaning,
            namespace="AWS/IoT",
            metric=metric,
            dimensions={"Protocol": protocol},
            statistic="Sum",
            limit=limit,
        )
        for metric, protocol, limit, meaning in (
            ("Connect.AuthError", "MQTT", AUTH_ERRORS, "Many connects are refused."),
            ("Subscribe.AuthError", "MQTT", AUTH_ERRORS, "Many subscriptions are refused."),
            ("PublishIn.AuthError", "HTTP", 0, "The gateway or a bridge may not publish."),
            ("Connect.Throttle", "MQTT", 0, "Connects over the account's rate: a reconnect storm."),
            ("Subscribe.Throttle", "MQTT", 0, "Subscriptions over the account's rate."),
            ("PublishIn.Throttle", "HTTP", 0, "Publishes over the account's rate: ask for more."),
            ("PublishOut.Throttle", "MQTT", 0, "Clients get more than a connection may carry."),
        )
    ]


def gateway_watches(
    *,
    namespace: str,
    cluster_name: pulumi.Input[str],
    service_name: pulumi.Input[str],
    balancer_suffix: pulumi.Input[str],
    target_suffix: pulumi.Input[str],
) -> list[Watch]:
    """Watch the gateway service: answers, health, CPU, events given up."""
    behind = {"LoadBalancer": balancer_suffix, "TargetGroup": target_suffix}
    return [
        Watch(
            name="gateway-5xx",
            meaning="The event API fails: the gateways' log says why.",
            namespace="AWS/ApplicationELB",
            metric="HTTPCode_Target_5XX_Count",
            dimensions=behind,
            statistic="Sum",
            limit=10,
        ),
        Watch(
            name="gateway-unhealthy",
            meaning="A gateway does not answer its health check.",
            namespace="AWS/ApplicationELB",
            metric="UnHealthyHostCount",
            dimensions=behind,
            statistic="Maximum",
            limit=0,
            periods=3,
        ),
        Watch(
            name="gateway-cpu",
            meaning="Gateways are at their limit although scaling has had its time.",
            namespace="AWS/ECS",
            metric="CPUUtilization",
            dimensions={"ClusterName": cluster_name, "ServiceName": service_name},
            statistic="Average",
            limit=85,
            periods=3,
        ),
        Watch(
            name="gateway-dead-letters",
            meaning="Events were given up: GET /v1/events?status=failed lists them.",
            namespace=metric_namespace(namespace),
            metric="GatewayDeadLetters",
            dimensions={},
            statistic="Sum",
            limit=0,
        ),
    ]


def metric_namespace(namespace: str) -> str:
    """Return the CloudWatch namespace of metrics that the stack makes out of its logs."""
    return f"ServerlessWebsockets/{namespace}"
