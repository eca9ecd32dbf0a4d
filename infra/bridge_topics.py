"""The SNS topics at the far end of the bridges.

Owns making those that are configured by name, and the ARNs of all. Does not own the bridges.

Source: SNS developer guide, "FIFO topics".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.bridge_settings import SnsTopic


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeTopicsArgs:
    """What the topics are made of.

    Attributes:
        namespace: The namespace, for names.
        topics: Every topic of every bridge.
        protect: Whether those made here are protected: others subscribe to them.
        tags: For the topics.
    """

    namespace: str
    topics: tuple[SnsTopic, ...]
    protect: bool
    tags: Mapping[str, str]


class BridgeTopics(pulumi.ComponentResource):
    """Make the SNS topics that are configured by name.

    Pulumi type: ``serverless-websockets:infra:BridgeTopics``

    Creates:
        * SNS topic for each name; FIFO where the name ends in `.fifo`, without content-based
          deduplication: two equal messages may both be meant.

    Outputs:
        arns: Every topic's ARN, by topic.
        made: The ARNs of those made here, by their configured names.
    """

    arns: Mapping[SnsTopic, pulumi.Input[str]]
    made: Mapping[str, pulumi.Output[str]]

    def __init__(
        self, name: str, args: BridgeTopicsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:BridgeTopics", name, None, opts)
        self.made = {
            topic.name: aws.sns.Topic(
                f"{name}-{topic.name}",
                # A prefix, not a name: the provider then adds what is unique before `.fifo`.
                name_prefix=f"{args.namespace}-{topic.name.removesuffix('.fifo')}-",
                fifo_topic=topic.fifo or None,
                tags=dict(args.tags),
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            ).arn
            for topic in args.topics
            if topic.arn is None
        }
        self.arns = {topic: topic.arn or self.made[topic.name] for topic in args.topics}
        self.register_outputs({"made": dict(self.made)})
