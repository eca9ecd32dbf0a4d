"""The IAM documents of the SNS bridges, the rules engine and their queues, as pure functions.

Owns what the bridge Lambda, the topic rules and SNS may do. Does not create anything and does not
know Pulumi.

Source: AWS IoT developer guide, "Granting an AWS IoT rule the access it requires" and
"Cross-service confused deputy prevention"; SNS developer guide, "Subscribing an Amazon SQS queue";
Lambda developer guide, "Using Lambda with Amazon SQS", execution role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.policies import (
    Place,
    PolicyDocument,
    allow,
    document,
    send_traces,
    write_own_log,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wire.address import AddressPattern


def bridge_lambda_policy(
    place: Place,
    *,
    receivers: Sequence[AddressPattern],
    queue_arns: Sequence[str],
    log_group_arn: str,
    tracing: bool = False,
) -> PolicyDocument:
    """Let the SNS bridge publish to its addresses, take from its queues and write its log.

    Args:
        place: Where its topics are.
        receivers: The addresses it was configured with, and no others.
        queue_arns: The queues that feed it.
        log_group_arn: Its log group.
        tracing: Whether it sends traces to X-Ray.
    """
    topics = sorted({_topic_resource(place, pattern) for pattern in receivers})
    statements = [
        allow("Publish", "iot:Publish", topics),
        allow(
            "TakeFromQueues",
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            sorted(queue_arns),
        ),
        write_own_log(log_group_arn),
    ]
    if tracing:
        statements.append(send_traces())
    return document(*statements)


def iot_trust_policy(place: Place) -> PolicyDocument:
    """Let IoT Core, acting for this account and region and no other, take a role on.

    Source: "Cross-service confused deputy prevention": SourceArn must be `arn:…:<account>:*`.
    """
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "iot.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnLike": {"aws:SourceArn": place.iot("*")},
            },
        }
    )


def rules_policy(*, queue_arns: Sequence[str], topic_arns: Sequence[str] = ()) -> PolicyDocument:
    """Let rules deliver to these queues and topics.

    Args:
        queue_arns: SQS queues, that of the dead letters among them.
        topic_arns: SNS topics.
    """
    statements = [allow("SendToQueues", "sqs:SendMessage", sorted(queue_arns))]
    if topic_arns:
        statements.append(allow("PublishToTopics", "sns:Publish", sorted(topic_arns)))
    return document(*statements)


def queue_policy(*, queue_arn: str, topic_arn: str) -> PolicyDocument:
    """Let SNS deliver one topic's messages into one queue.

    The resource policy of a queue; nobody else is let in by it.
    """
    return document(
        {
            "Sid": "DeliverTopic",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
    )


def iot_logging_policy(place: Place) -> PolicyDocument:
    """Let IoT Core write the log group it always writes to, making it if need be.

    Source: AWS IoT developer guide, "Configure AWS IoT logging".
    """
    group = f"arn:{place.partition}:logs:{place.region}:{place.account}:log-group:AWSIotLogsV2"
    return document(
        allow(
            "MakeIotLog",
            ["logs:CreateLogGroup", "logs:PutMetricFilter", "logs:PutRetentionPolicy"],
            group,
        ),
        allow(
            "WriteIotLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            f"{group}:log-stream:*",
        ),
    )


def _topic_resource(place: Place, pattern: AddressPattern) -> str:
    topic = pattern.topic_prefix(place.namespace)
    return place.iot(f"topic/{topic}*" if pattern.subtree else f"topic/{topic}")
