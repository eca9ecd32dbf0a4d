"""The inbox: a queue that services with IAM and no HTTP send events to.

Owns the queue, its dead-letter queue, who may send, and the gateway's right to take. Does not own
what a message looks like or who is which service: that is the gateway's (`GATEWAY_INBOX=<url>`).
It is never the outbox's queue: nobody but gateways may send there.

Source: docs/decisions/0013-inbox.md; SQS developer guide, "Exactly-once processing" and "High
throughput for FIFO queues".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.inbox_policies import inbox_policy, inbox_queue_policy
from infra.policies import role_name

KEPT_S: Final = 1_209_600
"""Life of a message, 14 days, SQS's most: gateways may be away for a while."""

VISIBILITY_S: Final = 60
"""How long a message is one gateway's; the gateway asks for its own time and extends it."""

MAX_RECEIVES: Final = 1_000
"""Receives before SQS itself moves a message to the dead letters; its most. The gateway moves what is
bad, with the reason; what waits for a service's rate or for SQS is no poison, and may wait long."""

MAX_MESSAGE_BYTES: Final = 262_144
"""Largest message: 256 KiB, twice the largest event."""

MAX_DEAD_LETTER_BYTES: Final = 1_048_576
"""Largest dead letter: a message of full size, and the problem with it. Source: SQS quotas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxArgs:
    """What the inbox is made of.

    Attributes:
        namespace: The namespace, for names.
        senders: ARNs of roles and users that the queue's own policy lets send; may be none.
        protect: Whether the queues are protected from deletion.
        tags: For everything that takes tags.
    """

    namespace: str
    senders: tuple[str, ...]
    protect: bool
    tags: Mapping[str, str]


class Inbox(pulumi.ComponentResource):
    """Keep messages of services until a gateway has taken their events.

    Pulumi type: ``serverless-websockets:infra:Inbox``

    Creates:
        * SQS FIFO queue, high throughput, encrypted, with deduplication by content, which rules of
          EventBridge need.
        * Dead-letter queue, FIFO as well.
        * With senders: queue policy.
        * IAM managed policy for gateways.

    Outputs:
        url: As GATEWAY_INBOX takes it.
        arn: For the policies of senders.
        policy_arn: The gateway's right to take from it.
        dead_letter_name: Name of the dead-letter queue, for alarms.
    """

    url: pulumi.Output[str]
    arn: pulumi.Output[str]
    policy_arn: pulumi.Output[str]
    dead_letter_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: InboxArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:Inbox", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        dead_letters = _queue(
            f"{name}-dead-letters", args, self, max_bytes=MAX_DEAD_LETTER_BYTES, redrive=None
        )
        queue = _queue(
            f"{name}-queue",
            args,
            self,
            max_bytes=MAX_MESSAGE_BYTES,
            redrive=dead_letters.arn.apply(
                lambda arn: json.dumps(
                    {"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}
                )
            ),
        )
        if args.senders:
            aws.sqs.QueuePolicy(
                f"{name}-queue-policy",
                queue_url=queue.url,
                policy=queue.arn.apply(
                    lambda arn: json.dumps(
                        inbox_queue_policy(queue_arn=arn, sender_arns=args.senders)
                    )
                ),
                opts=child,
            )
        policy = aws.iam.Policy(
            f"{role_name(args.namespace, 'inbox')}-policy",
            description="Take events from one namespace's inbox",
            policy=pulumi.Output.all(queue_arn=queue.arn, dead_letter_arn=dead_letters.arn).apply(
                lambda arns: json.dumps(inbox_policy(**arns))
            ),
            tags=dict(args.tags),
            opts=child,
        )
        self.url = queue.url
        self.arn = queue.arn
        self.policy_arn = policy.arn
        self.dead_letter_name = dead_letters.name
        self.register_outputs(
            {
                "url": self.url,
                "arn": self.arn,
                "policy_arn": self.policy_arn,
                "dead_letter_name": self.dead_letter_name,
            }
        )


def _queue(
    name: str,
    args: InboxArgs,
    parent: pulumi.Resource,
    *,
    max_bytes: int,
    redrive: pulumi.Input[str] | None,
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        name,
        name_prefix=f"{args.namespace}-{name}-",
        fifo_queue=True,
        content_based_deduplication=True,
        deduplication_scope="messageGroup",
        fifo_throughput_limit="perMessageGroupId",
        message_retention_seconds=KEPT_S,
        max_message_size=max_bytes,
        visibility_timeout_seconds=VISIBILITY_S,
        redrive_policy=redrive,
        sqs_managed_sse_enabled=True,
        tags=dict(args.tags),
        opts=pulumi.ResourceOptions(parent=parent, protect=args.protect),
    )
