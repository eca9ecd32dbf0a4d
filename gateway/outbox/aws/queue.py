"""The queue of the shared outbox: every call to SQS.

Owns sending, receiving, extending, deleting, and the dead-letter queue's address.
Does not: know what a turn leads to, or hold messages.
Source: SQS API; SQS developer guide, "FIFO queue delivery logic" and "Visibility timeout".
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import OutboxUnavailable
from gateway.outbox.aws.calls import persistently
from gateway.outbox.aws.message import BATCH, Turn, batches, read_turn

log = logging.getLogger(__name__)

SEND_S: Final = 5.0
"""Longest time for which one batch is tried again before the event is refused, seconds."""

POLL_S: Final = 4
"""Longest wait of one receive, seconds; also how long stopping may take."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that this gateway holds.

    Attributes:
        turn: What it says; None if it is none of ours.
        body: Its body.
        receipt: What it is extended and deleted with.
    """

    turn: Turn | None
    body: str
    receipt: str


class Queue:
    """The FIFO queue of all gateways.

    Args:
        client: An aioboto3 `sqs` client.
        url: The queue's URL.
        visibility_s: How long a received message is this gateway's, seconds.

    Attributes:
        waiting: About how many messages wait in it: as SQS said last, less what was received here.
    """

    def __init__(self, client: Any, *, url: str, visibility_s: float) -> None:
        self._client = client
        self._url = url
        self._visibility_s = max(1, int(visibility_s))
        self._poll_s = POLL_S
        self._dead_url: str | None = None
        self.waiting = 0

    async def send(self, turns: Sequence[Turn]) -> None:
        """Send turns, each topic's in order; repeated sends of the same turn add nothing.

        Raises:
            OutboxUnavailable: Some may not have been sent, in the time there is.
        """
        for batch in batches(turns):
            left = batch
            while left:
                left = await persistently(
                    lambda left=left: self._send(left),  # type: ignore[misc]
                    what="send_message_batch",
                    within_s=SEND_S,
                )

    async def _send(self, batch: Sequence[Turn]) -> list[Turn]:
        answer = await self._client.send_message_batch(
            QueueUrl=self._url,
            Entries=[
                {
                    "Id": str(number),
                    "MessageBody": turn.body(),
                    "MessageGroupId": turn.group,
                    "MessageDeduplicationId": turn.deduplication_id,
                }
                for number, turn in enumerate(batch)
            ],
        )
        failed = answer.get("Failed") or []
        if len(failed) == len(batch):
            raise OSError(str(failed[0].get("Code", "unknown")))
        return [batch[int(entry["Id"])] for entry in failed]

    async def receive(self) -> list[Message]:
        """Wait for messages and return them; raises what the client raises."""
        received = await self._receive(self._url, self._poll_s)
        self.waiting = max(0, self.waiting - len(received))
        return received

    async def receive_dead(self) -> list[Message]:
        """Return messages of the dead-letter queue, without waiting."""
        return await self._receive(self._dead_url, 0) if self._dead_url else []

    async def _receive(self, url: str, wait_s: int) -> list[Message]:
        answer = await self._client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=self._visibility_s,
        )
        return [
            Message(read_turn(found["Body"]), found["Body"], found["ReceiptHandle"])
            for found in answer.get("Messages") or []
        ]

    async def extend(self, messages: Sequence[Message], seconds: float) -> list[Message]:
        """Keep up to ten messages for longer, or give them back with 0; return those that are lost."""
        answer = await self._client.change_message_visibility_batch(
            QueueUrl=self._url,
            Entries=[
                {
                    "Id": str(number),
                    "ReceiptHandle": message.receipt,
                    "VisibilityTimeout": int(seconds),
                }
                for number, message in enumerate(messages)
            ],
        )
        return [messages[int(entry["Id"])] for entry in answer.get("Failed") or []]

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete up to ten messages; one that stays comes again, and finds itself settled."""
        await self._client.delete_message_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": message.receipt}
                for number, message in enumerate(messages)
            ],
        )

    async def delete_dead(self, message: Message) -> None:
        """Delete a message of the dead-letter queue."""
        if self._dead_url:
            await self._client.delete_message(
                QueueUrl=self._dead_url, ReceiptHandle=message.receipt
            )

    async def bury(self, message: Message) -> None:
        """Move a message that is none of ours to the dead-letter queue, with the reason."""
        if self._dead_url is None:
            return
        await self._client.send_message(
            QueueUrl=self._dead_url,
            MessageBody=message.body,
            MessageGroupId="unreadable",
            MessageDeduplicationId=hashlib.sha256(message.body.encode()).hexdigest(),
            MessageAttributes={
                "reason": {"DataType": "String", "StringValue": "not a message of this outbox"}
            },
        )
        await self.delete([message])

    async def look(self) -> None:
        """Learn of the dead-letter queue, and about how many messages wait.

        Raises:
            OutboxUnavailable: The queue cannot be reached, or is no FIFO queue.
        """
        answer = await self._client.get_queue_attributes(
            QueueUrl=self._url,
            AttributeNames=["ApproximateNumberOfMessages", "RedrivePolicy", "FifoQueue"],
        )
        said = answer.get("Attributes") or {}
        if said.get("FifoQueue") != "true":
            raise OutboxUnavailable("not_fifo")
        if "RedrivePolicy" in said:
            name = json.loads(said["RedrivePolicy"])["deadLetterTargetArn"].rpartition(":")[2]
            self._dead_url = f"{self._url.rpartition('/')[0]}/{name}"
        self.waiting = int(said.get("ApproximateNumberOfMessages", 0))
