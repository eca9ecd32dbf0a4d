"""How topics, subscriptions and queues are made through boto3.

Owns the types of SNS and SQS. Does not own the other types: `applied_resources`, `applied_network`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.integration.applied_resources import tag_list

if TYPE_CHECKING:
    from tests.integration.applied_account import AppliedAccount
    from tests.integration.applied_resources import Inputs, Maker, Result


def _topic(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    made = account.client("sns").create_topic(
        Name=name,
        Attributes={"FifoTopic": "true"} if inputs.get("fifoTopic") else {},
        Tags=tag_list(inputs),
    )
    return made["TopicArn"], {"arn": made["TopicArn"]}


def _subscription(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    made = account.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes={
            "RawMessageDelivery": json.dumps(inputs["rawMessageDelivery"]),
            "RedrivePolicy": inputs["redrivePolicy"],
        },
        ReturnSubscriptionArn=True,
    )
    return made["SubscriptionArn"], {"arn": made["SubscriptionArn"]}


QUEUE_ATTRIBUTES = {
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}


def _queue(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    assert set(inputs) <= {*QUEUE_ATTRIBUTES, "name", "namePrefix", "tags"}, sorted(inputs)
    attributes = {
        attribute: _text(inputs[member])
        for member, attribute in QUEUE_ATTRIBUTES.items()
        if inputs.get(member) is not None
    }
    url = account.client("sqs").create_queue(
        QueueName=name, Attributes=attributes, tags=inputs["tags"]
    )["QueueUrl"]
    arn = account.arn("sqs", name)
    account.made.queue_urls[arn] = url
    return url, {"arn": arn, "url": url}


def _queue_policy(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    account.client("sqs").set_queue_attributes(
        QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]}
    )
    return inputs["queueUrl"], {}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return json.dumps(value)
    return str(int(value)) if isinstance(value, float) else str(value)


MAKERS: Mapping[str, Maker] = {
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _queue_policy,
}
"""By Pulumi type token."""
