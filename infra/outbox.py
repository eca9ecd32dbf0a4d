"""The shared outbox: what several gateways keep accepted events in.

Owns the queue, its dead-letter queue, the table and the right to use them. Does not own what stands
in them: that is the gateway's (`GATEWAY_OUTBOX=aws://<queue-url>?table=<name>`).

Source: docs/design.md, "The outbox"; SQS developer guide, "High throughput for FIFO queues";
DynamoDB developer guide, "Time to Live" and "Point-in-time recovery".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from infra.policies import role_name
from infra.service_policies import outbox_policy

KEPT_S: Final = 1_209_600
"""Life of a message, 14 days, SQS's most: an event may be due in 7 days and fail for more."""

VISIBILITY_S: Final = 60
"""Time one attempt has before another gateway may try; gateways extend it while they work."""

MAX_RECEIVES: Final = 100
"""Receives before a message counts as poison and goes to the dead-letter queue. What waits behind a
topic in trouble is received once more whenever the gateway that holds it stops, so the bound must
be far above the restarts that one outage may see."""

HASH_KEY: Final = "pk"
RANGE_KEY: Final = "sk"
TTL_ATTRIBUTE: Final = "expires_at"
"""Epoch seconds after which DynamoDB may drop an item."""

INDEX: Final = "gsi1"
"""A sparse index over `gsi1pk` and `gsi1sk`: what some gateway must look at, by when."""

LIST_INDEX: Final = "gsi2"
"""The index of a service's events over `gsi2pk` and `gsi2sk`: newest first, with their state."""

STATE_ATTRIBUTE: Final = "st"
"""Where an event stands; the one attribute that lists filter by."""

_KEYS: Final = (
    HASH_KEY,
    RANGE_KEY,
    f"{INDEX}{HASH_KEY}",
    f"{INDEX}{RANGE_KEY}",
    f"{LIST_INDEX}{HASH_KEY}",
    f"{LIST_INDEX}{RANGE_KEY}",
)
"""Every attribute that is a key somewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxArgs:
    """What the outbox is made of.

    Attributes:
        namespace: The namespace, for names.
        protect: Whether queue and table are protected from deletion.
        tags: For everything that takes tags.
    """

    namespace: str
    protect: bool
    tags: Mapping[str, str]


class Outbox(pulumi.ComponentResource):
    """Keep accepted events until they are published, whichever gateway lives.

    Pulumi type: ``serverless-websockets:infra:Outbox``

    Creates:
        * SQS FIFO queue, high throughput, encrypted; a message group is one topic.
        * Dead-letter queue, FIFO as well.
        * DynamoDB table, on demand, with TTL and point-in-time recovery.
        * IAM managed policy for gateways.

    Outputs:
        url: `aws://<queue-url>?table=<name>`, as GATEWAY_OUTBOX takes it.
        policy_arn: The right to use it.
        dead_letter_name: Name of the dead-letter queue, for alarms.
    """

    url: pulumi.Output[str]
    policy_arn: pulumi.Output[str]
    dead_letter_name: pulumi.Output[str]

    def __init__(
        self, name: str, args: OutboxArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:Outbox", name, None, opts)
        kept = pulumi.ResourceOptions(parent=self, protect=args.protect)
        dead_letters = _queue(f"{name}-dead-letters", args, kept, redrive=None)
        queue = _queue(
            f"{name}-queue",
            args,
            kept,
            redrive=dead_letters.arn.apply(
                lambda arn: json.dumps(
                    {"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}
                )
            ),
        )
        table = _table(args, kept)
        policy = aws.iam.Policy(
            f"{role_name(args.namespace, 'outbox')}-policy",
            description="Use one namespace's outbox: its queue, dead letters and table",
            policy=pulumi.Output.all(
                queue_arn=queue.arn, dead_letter_arn=dead_letters.arn, table_arn=table.arn
            ).apply(lambda arns: json.dumps(outbox_policy(**arns))),
            tags=dict(args.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.concat("aws://", queue.url, "?table=", table.name)
        self.policy_arn = policy.arn
        self.dead_letter_name = dead_letters.name
        self.register_outputs(
            {
                "url": self.url,
                "policy_arn": self.policy_arn,
                "dead_letter_name": self.dead_letter_name,
            }
        )


def _queue(
    name: str,
    args: OutboxArgs,
    opts: pulumi.ResourceOptions,
    *,
    redrive: pulumi.Input[str] | None,
) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        name,
        # A prefix, not a name: the provider then adds what is unique before `.fifo`.
        name_prefix=f"{args.namespace}-{name}-",
        fifo_queue=True,
        deduplication_scope="messageGroup",
        fifo_throughput_limit="perMessageGroupId",
        message_retention_seconds=KEPT_S,
        receive_wait_time_seconds=20,
        visibility_timeout_seconds=VISIBILITY_S,
        redrive_policy=redrive,
        sqs_managed_sse_enabled=True,
        tags=dict(args.tags),
        opts=opts,
    )


def _table(args: OutboxArgs, opts: pulumi.ResourceOptions) -> aws.dynamodb.Table:
    return aws.dynamodb.Table(
        f"{args.namespace}-outbox",
        billing_mode="PAY_PER_REQUEST",
        hash_key=HASH_KEY,
        range_key=RANGE_KEY,
        attributes=[{"name": name, "type": "S"} for name in _KEYS],
        global_secondary_indexes=[
            {
                "name": INDEX,
                "hash_key": f"{INDEX}{HASH_KEY}",
                "range_key": f"{INDEX}{RANGE_KEY}",
                # Keys alone: a payload in an index would be written again with every change.
                "projection_type": "KEYS_ONLY",
            },
            {
                "name": LIST_INDEX,
                "hash_key": f"{LIST_INDEX}{HASH_KEY}",
                "range_key": f"{LIST_INDEX}{RANGE_KEY}",
                "projection_type": "INCLUDE",
                "non_key_attributes": [STATE_ATTRIBUTE],
            },
        ],
        ttl={"attribute_name": TTL_ATTRIBUTE, "enabled": True},
        point_in_time_recovery={"enabled": True},
        server_side_encryption={"enabled": True},
        deletion_protection_enabled=args.protect,
        tags=dict(args.tags),
        opts=opts,
    )
