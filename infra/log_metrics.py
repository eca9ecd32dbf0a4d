"""Metrics that the stack's own log lines become.

Owns the metric filters and the words they look for. Does not own the lines: `lambdas/credentials`
and the gateway write them; tests hold the words equal where they can.

Source: CloudWatch Logs user guide, "Filter and pattern syntax" (JSON).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.watches import metric_namespace

PACKED_FIELD: Final = "packed_policy_percent"
CHARS_FIELD: Final = "session_policy_chars"
"""Members of the credential Lambda's one line per request."""

DEAD_LETTER_PHRASES: Final = ("delivery failed", "delivery poisoned")
"""The gateway's lines for a delivery it gave up, and for one that it took out of the shared outbox's
dead-letter queue: within seconds, so that the queue's own alarm may never see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMetricsArgs:
    """What the metrics are made from.

    Attributes:
        namespace: The stack's namespace; it is in the metrics' namespace.
        credential_log_group: The credential Lambda's.
        gateway_log_group: The gateway service's, if there is one.
    """

    namespace: str
    credential_log_group: pulumi.Input[str]
    gateway_log_group: pulumi.Input[str] | None


class LogMetrics(pulumi.ComponentResource):
    """Count and measure what logs say.

    Pulumi type: ``serverless-websockets:infra:LogMetrics``

    Creates:
        * Metric filters: session policy size in percent packed and in characters;
          events that the gateway gave up.
    """

    def __init__(
        self, name: str, args: LogMetricsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:LogMetrics", name, None, opts)
        credentials = args.credential_log_group
        filters: list[tuple[str, pulumi.Input[str] | None, str, str, str]] = [
            (
                "PackedPolicySize",
                credentials,
                f"{{ $.{PACKED_FIELD} >= 0 }}",
                f"$.{PACKED_FIELD}",
                "Percent",
            ),
            (
                "SessionPolicyChars",
                credentials,
                f"{{ $.{CHARS_FIELD} >= 0 }}",
                f"$.{CHARS_FIELD}",
                "Count",
            ),
            (
                "GatewayDeadLetters",
                args.gateway_log_group,
                "{ "
                + " || ".join(f'($.message = "{phrase}")' for phrase in DEAD_LETTER_PHRASES)
                + " }",
                "1",
                "Count",
            ),
        ]
        for metric, group, pattern, value, unit in filters:
            if group is None:
                continue
            aws.cloudwatch.LogMetricFilter(
                f"{name}-{metric.lower()}",
                log_group_name=group,
                pattern=pattern,
                metric_transformation={
                    "namespace": metric_namespace(args.namespace),
                    "name": metric,
                    "value": value,
                    "unit": unit,
                },
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
