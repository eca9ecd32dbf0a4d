"""One message as Lambda brings it: an SQS record, with SNS's envelope or without.

Owns reading it into a value. Both ways in which SNS delivers to a queue are read: its JSON envelope
(the stack's own subscriptions), and raw delivery, where the body is the message and SNS's attributes
are SQS's. Pure.

Source: Lambda developer guide, "Using Lambda with Amazon SQS" (event); SNS developer guide, "Raw
message delivery" and "Parsing message formats".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lambdas.sns_bridge.errors import UnexpectedEvent
from wire.envelope import parse_time

_ENVELOPE: Final = ("MessageId", "TopicArn", "Message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message.

    Attributes:
        receipt: SQS's message id, by which a failure is reported.
        queue_arn: The queue it came through.
        group: Its message group in a FIFO queue, else None.
        id: SNS's message id; with raw delivery SQS's, as SNS's is not told.
        text: The message.
        attributes: SNS message attributes, as texts.
        sent_at: When SNS (or, raw, SQS) took it.
    """

    receipt: str
    queue_arn: str
    group: str | None
    id: str
    text: str
    sent_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)


def read_records(event: Mapping[str, object]) -> list[Incoming]:
    """Read an SQS event, in its order.

    Raises:
        UnexpectedEvent: It is none.
    """
    records = event.get("Records")
    if not isinstance(records, list):
        raise UnexpectedEvent("no_records", "the event has no list of records")
    try:
        return [_read(record) for record in records]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnexpectedEvent("bad_record", f"no SQS record ({type(error).__name__})") from error


def _read(record: Mapping[str, Any]) -> Incoming:
    if record["eventSource"] != "aws:sqs":
        raise UnexpectedEvent("bad_record", "a record is not from SQS")
    common = {
        "receipt": str(record["messageId"]),
        "queue_arn": str(record["eventSourceARN"]),
        "group": record["attributes"].get("MessageGroupId"),
    }
    envelope = _notification(record["body"])
    if envelope is not None:
        return Incoming(
            **common,
            id=str(envelope["MessageId"]),
            text=envelope["Message"],
            attributes=_texts(envelope.get("MessageAttributes"), "Value"),
            sent_at=_time(envelope.get("Timestamp")) or _sent(record),
        )
    return Incoming(
        **common,
        id=str(record["messageId"]),
        text=record["body"],
        attributes=_texts(record.get("messageAttributes"), "stringValue"),
        sent_at=_sent(record),
    )


def _notification(body: str) -> Mapping[str, Any] | None:
    if not body.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("Type") != "Notification":
        return None
    return found if all(isinstance(found.get(name), str) for name in _ENVELOPE) else None


def _texts(attributes: object, member: str) -> Mapping[str, str]:
    if not isinstance(attributes, dict):
        return {}
    return {
        name: value[member]
        for name, value in attributes.items()
        if isinstance(value, dict) and isinstance(value.get(member), str)
    }


def _sent(record: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1_000, UTC)


def _time(text: object) -> datetime | None:
    try:
        return parse_time(text) if isinstance(text, str) else None
    except ValueError:
        return None
