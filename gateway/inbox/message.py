"""A message of the inbox, as SQS gives it out.

Owns which of its facts matter here, and what its groups are.
Does not: read its body (`reading.py`) or call SQS (`queue.py`).
Source: SQS API, ReceiveMessage, `Message` and `MessageSystemAttributeNames`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

SYSTEM_ATTRIBUTES: Final = (
    "ApproximateReceiveCount",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
)
"""What SQS is asked to tell of each message; it stamps the sender, who cannot write it."""

CARRIED: Final = ("traceparent", "tracestate")
"""Message attributes that are read here: W3C Trace Context, as the headers of the event API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that this gateway holds.

    Attributes:
        id: Its MessageId: the same however often it is received.
        body: Its body.
        sender: Who signed it, e.g. ``AROA…:session``; empty where SQS does not say.
        group: Its message group, or None in a standard queue.
        receipt: What it is extended and deleted with.
        receives: How often it was received, this time included.
        sent_ms: When it was sent, milliseconds since the epoch.
        attributes: Those of its message attributes that are in `CARRIED`.
    """

    id: str
    body: str
    sender: str
    group: str | None
    receipt: str
    receives: int
    sent_ms: int
    attributes: Mapping[str, str]


def message_of(found: Mapping[str, Any]) -> Message:
    """Read one message of an answer of SQS."""
    said = found.get("Attributes") or {}
    more = found.get("MessageAttributes") or {}
    return Message(
        id=found["MessageId"],
        body=found["Body"],
        sender=said.get("SenderId", ""),
        group=said.get("MessageGroupId"),
        receipt=found["ReceiptHandle"],
        receives=int(said.get("ApproximateReceiveCount", 1)),
        sent_ms=int(said.get("SentTimestamp", 0)),
        attributes={
            name: more[name]["StringValue"]
            for name in CARRIED
            if "StringValue" in more.get(name, {})
        },
    )


def by_group(messages: Iterable[Message]) -> list[list[Message]]:
    """Return messages of one group together, in their order; one without a group stands alone."""
    alone: list[list[Message]] = []
    groups: dict[str, list[Message]] = {}
    for message in messages:
        if message.group is None:
            alone.append([message])
        else:
            groups.setdefault(message.group, []).append(message)
    return [*groups.values(), *alone]
