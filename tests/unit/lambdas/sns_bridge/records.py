"""SQS records as Lambda brings them to the bridge, after the examples of its developer guide."""

from __future__ import annotations

import json
from typing import Any

QUEUE = "arn:aws:sqs:eu-west-1:123456789012:prod-orders"
FIFO = "arn:aws:sqs:eu-west-1:123456789012:prod-orders.fifo"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:orders"
SENT_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


def record(
    body: str,
    *,
    receipt: str = "r-1",
    queue: str = QUEUE,
    group: str | None = None,
    **attributes: str,
) -> dict[str, Any]:
    """Return a record with this very body; further arguments are SQS message attributes."""
    system = {"ApproximateReceiveCount": "1", "SentTimestamp": str(SENT_MS)}
    if group is not None:
        system["MessageGroupId"] = group
    return {
        "messageId": receipt,
        "receiptHandle": f"handle-{receipt}",
        "body": body,
        "attributes": system,
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in attributes.items()
        },
        "md5OfBody": "0" * 32,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": "eu-west-1",
    }


def notification(message: str, **attributes: str) -> str:
    """Return a body as SNS makes it without raw delivery."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "sns-1",
            "TopicArn": TOPIC,
            "Subject": None,
            "Message": message,
            "Timestamp": "2026-02-03T04:05:06.789Z",
            "MessageAttributes": {
                name: {"Type": "String", "Value": value} for name, value in attributes.items()
            },
        }
    )
