"""Bridges from SNS to IoT: what is published to some SNS topics reaches browsers.

Owns the bridge Lambda, its role, log and event sources. Does not own its code
(`lambdas/sns_bridge`), the queues (`infra.bridge_queue`) or the topics (`infra.bridge_topics`).

Source: docs/decisions/0012-sns-bridges.md; Lambda developer guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.bridge_policies import bridge_lambda_policy
from infra.bridge_queue import BridgeQueue, BridgeQueueArgs
from infra.bridge_settings import Bridge, SnsTopic
from infra.policies import Place, lambda_trust_policy, role_name

TIMEOUT_S: Final = 30
"""Longest run for one batch; the Lambda itself stops in time (`lambdas/sns_bridge/batch.py`)."""

BATCH_MESSAGES: Final = 10
"""Most messages a run; also the most that SQS gives for a FIFO queue."""

MEMORY_MB: Final = 256
"""Enough for botocore; publishing waits for the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsToIotArgs:
    """What the bridges are made of.

    Attributes:
        place: Where the addresses' topics are.
        namespace: The namespace, for topics and names.
        bridges: The bridges.
        topic_arns: The SNS topics' ARNs.
        code: The bridge Lambda's bundle.
        iot_endpoint: Where it publishes, https.
        tracing: Whether it sends traces to X-Ray.
        protect: Whether queues are protected from deletion.
        log_level: Level of its own log.
        log_retention_days: Life of a log line.
        tags: For everything that takes tags.
    """

    place: pulumi.Input[Place]
    namespace: str
    bridges: tuple[Bridge, ...]
    topic_arns: Mapping[SnsTopic, pulumi.Input[str]]
    code: pulumi.Archive
    iot_endpoint: pulumi.Input[str]
    tracing: bool
    protect: bool
    log_level: str
    log_retention_days: int
    tags: Mapping[str, str]


class SnsToIot(pulumi.ComponentResource):
    """Publish messages of SNS topics to addresses.

    Pulumi type: ``serverless-websockets:infra:SnsToIot``

    Creates:
        * BridgeQueue for each bridge.
        * Log group, IAM role and policy: these addresses and these queues.
        * Lambda function: arm64, python3.13, JSON logs.
        * Event source mapping for each queue, with partial batch responses.

    Outputs:
        function_name: The Lambda.
        dead_letter_names: Names of the dead-letter queues, for alarms.
    """

    function_name: pulumi.Output[str]
    dead_letter_names: list[pulumi.Output[str]]

    def __init__(
        self, name: str, args: SnsToIotArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:SnsToIot", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        queues = [
            BridgeQueue(
                f"{name}-{bridge.key}",
                BridgeQueueArgs(
                    namespace=args.namespace,
                    bridge=bridge,
                    topic_arn=args.topic_arns[bridge.topic],
                    function_timeout_s=TIMEOUT_S,
                    protect=args.protect,
                    tags=args.tags,
                ),
                opts=child,
            )
            for bridge in args.bridges
        ]
        queue_arns = pulumi.Output.all(*(queue.arn for queue in queues))
        function = _function(name, args, queue_arns, child)
        for bridge, queue in zip(args.bridges, queues, strict=True):
            aws.lambda_.EventSourceMapping(
                f"{name}-{bridge.key}-source",
                event_source_arn=queue.arn,
                function_name=function.arn,
                batch_size=BATCH_MESSAGES,
                function_response_types=["ReportBatchItemFailures"],
                tags=dict(args.tags),
                opts=child,
            )
        self.function_name = function.name
        self.dead_letter_names = [queue.dead_letter_name for queue in queues]
        self.register_outputs(
            {"function_name": self.function_name, "dead_letter_names": self.dead_letter_names}
        )


def _function(
    name: str,
    args: SnsToIotArgs,
    queue_arns: pulumi.Output[list[str]],
    child: pulumi.ResourceOptions,
) -> aws.lambda_.Function:
    logs = aws.cloudwatch.LogGroup(
        f"{name}-logs",
        name_prefix=f"/aws/lambda/{role_name(args.namespace, 'bridge')}-",
        retention_in_days=args.log_retention_days,
        tags=dict(args.tags),
        opts=child,
    )
    role, policy = _role(name, args, queue_arns, logs.arn, child)
    return aws.lambda_.Function(
        role_name(args.namespace, "bridge"),
        description="Publishes messages of SNS topics to IoT topics",
        code=args.code,
        handler="lambdas.sns_bridge.handler.handler",
        runtime=aws.lambda_.Runtime.PYTHON3D13,
        architectures=["arm64"],
        role=role.arn,
        memory_size=MEMORY_MB,
        timeout=TIMEOUT_S,
        environment={
            "variables": {
                "SNS_BRIDGE_NAMESPACE": args.namespace,
                "SNS_BRIDGE_IOT_ENDPOINT": args.iot_endpoint,
                "SNS_BRIDGE_ROUTES": queue_arns.apply(lambda arns: routes(args.bridges, arns)),
            }
        },
        tracing_config={"mode": "Active" if args.tracing else "PassThrough"},
        logging_config={
            "log_format": "JSON",
            "log_group": logs.name,
            "application_log_level": args.log_level,
            "system_log_level": "WARN",
        },
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=child.parent, depends_on=[policy]),
    )


def _role(
    name: str,
    args: SnsToIotArgs,
    queue_arns: pulumi.Output[list[str]],
    log_group_arn: pulumi.Output[str],
    child: pulumi.ResourceOptions,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    role = aws.iam.Role(
        role_name(args.namespace, "bridge"),
        description="The SNS bridge: takes from its queues, publishes to its addresses",
        assume_role_policy=json.dumps(lambda_trust_policy()),
        tags=dict(args.tags),
        opts=child,
    )
    policy = aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.id,
        policy=pulumi.Output.all(
            place=args.place, queue_arns=queue_arns, log_group_arn=log_group_arn
        ).apply(
            lambda found: json.dumps(
                bridge_lambda_policy(
                    found["place"],
                    receivers=[bridge.pattern for bridge in args.bridges],
                    queue_arns=found["queue_arns"],
                    log_group_arn=found["log_group_arn"],
                    tracing=args.tracing,
                )
            )
        ),
        opts=child,
    )
    return role, policy


def routes(bridges: tuple[Bridge, ...], queue_arns: list[str]) -> str:
    """Return SNS_BRIDGE_ROUTES: where each queue's messages go."""
    return json.dumps(
        {
            arn: {"to": str(bridge.pattern), "raw": bridge.raw, "sns": bridge.topic.name}
            for bridge, arn in zip(bridges, queue_arns, strict=True)
        },
        separators=(",", ":"),
    )
