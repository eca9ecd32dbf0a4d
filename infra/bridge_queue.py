"""The queue between one SNS topic and the SNS bridge.

Owns queue, dead-letter queue, queue policy and subscription. Does not own the Lambda that reads it
(`infra.sns_to_iot`).

SNS would call a Lambda asynchronously: message by message, two retries, no order, no partial
failure. A queue gives what the bridge promises: batches, retries of single messages, a dead-letter
queue, and order where the topic is FIFO. docs/decisions/0012-sns-bridges.md.

Source: SNS developer guide, "Fanout to Amazon SQS queues" and "Message delivery for FIFO topics";
Lambda developer guide, "Configuring a queue to use with Lambda" (visibility, receives).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.bridge_policies import queue_policy
from infra.bridge_settings import Bridge

MAX_RECEIVES: Final = 5
"""Receives before a message goes to the dead-letter queue; Lambda's guide asks for at least 5."""

KEPT_S: Final = 345_600
"""Life of a message that is not taken, 4 days; dead letters live on for 14."""

DEAD_LETTERS_KEPT_S: Final = 1_209_600
"""14 days, SQS's most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeQueueArgs:
    """What the queue is made of.

    Attributes:
        namespace: The namespace, for names.
        bridge: The bridge it serves.
        topic_arn: The SNS topic it is subscribed to.
        function_timeout_s: Longest run of its reader; it decides the visibility time-out.
        protect: Whether the queues are protected from deletion.
        tags: For the queues.
    """

    namespace: str
    bridge: Bridge
    topic_arn: pulumi.Input[str]
    function_timeout_s: int
    protect: bool
    tags: Mapping[str, str]


class BridgeQueue(pulumi.ComponentResource):
    """Bring one SNS topic's messages to the bridge, in order where the topic keeps it.

    Pulumi type: ``serverless-websockets:infra:BridgeQueue``

    Creates:
        * SQS queue, encrypted; FIFO for a FIFO topic.
        * Dead-letter queue of the same kind.
        * Queue policy: this topic may send, nobody else.
        * SNS subscription, with SNS's envelope; what SNS cannot deliver is a dead letter too.

    Outputs:
        arn: The queue, once SNS may send to it.
        dead_letter_name: Name of the dead-letter queue, for alarms.
    """

    arn: pulumi.Output[str]
    dead_letter_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: BridgeQueueArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:BridgeQueue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        dead_letters = _queue(f"{name}-dead-letters", args, self, kept_s=DEAD_LETTERS_KEPT_S)
        queue = _queue(
            f"{name}-queue",
            args,
            self,
            kept_s=KEPT_S,
            redrive=dead_letters.arn.apply(
                lambda arn: json.dumps(
                    {"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}
                )
            ),
        )
        policies = [
            aws.sqs.QueuePolicy(
                f"{name}-{purpose}-policy",
                queue_url=each.url,
                policy=pulumi.Output.all(queue_arn=each.arn, topic_arn=args.topic_arn).apply(
                    lambda arns: json.dumps(queue_policy(**arns))
                ),
                opts=child,
            )
            for purpose, each in (("queue", queue), ("dead-letters", dead_letters))
        ]
        aws.sns.TopicSubscription(
            f"{name}-subscription",
            topic=args.topic_arn,
            protocol="sqs",
            endpoint=queue.arn,
            raw_message_delivery=False,
            redrive_policy=dead_letters.arn.apply(
                lambda arn: json.dumps({"deadLetterTargetArn": arn})
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=policies),
        )
        self.arn = pulumi.Output.all(queue.arn, policies[0].id).apply(lambda ready: str(ready[0]))
        self.dead_letter_name = dead_letters.name
        self.register_outputs({"arn": self.arn, "dead_letter_name": self.dead_letter_name})


def _queue(
    name: str,
    args: BridgeQueueArgs,
    parent: pulumi.Resource,
    *,
    kept_s: int,
    redrive: pulumi.Input[str] | None = None,
) -> aws.sqs.Queue:
    fifo = args.bridge.topic.fifo
    return aws.sqs.Queue(
        name,
        name_prefix=f"{args.namespace}-{name}-",
        fifo_queue=True if fifo else None,
        # As the topic: messages of one group in order, groups beside each other.
        deduplication_scope="messageGroup" if fifo else None,
        fifo_throughput_limit="perMessageGroupId" if fifo else None,
        message_retention_seconds=kept_s,
        visibility_timeout_seconds=6 * args.function_timeout_s,
        redrive_policy=redrive,
        sqs_managed_sse_enabled=True,
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent, protect=args.protect),
    )
