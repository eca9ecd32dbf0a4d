"""The inbox's queue: every call to SQS.

Owns receiving, extending, giving back, deleting, and sending to the dead-letter queue, which the
queue's own redrive policy names.
Does not: decide what becomes of a message (`taking.py`).
Source: SQS API; SQS developer guide, "Visibility timeout" and "Dead-letter queues".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import ClientError

from gateway.errors import InboxUnusable
from gateway.inbox.dead_letter import DeadLetter
from gateway.inbox.message import CARRIED, SYSTEM_ATTRIBUTES, Message, message_of
from gateway.outbox.aws.calls import AWS_ERRORS, word_for

log = logging.getLogger(__name__)

BATCH: Final = 10
"""Most messages of one call. Source: SQS API, ReceiveMessage and the batch calls."""

POLL_S: Final = 4
"""Longest wait of one receive, seconds; also how long stopping may take."""

GATHER_S: Final = 0.01
"""How long a delete waits for others, seconds: ten in one call cost as much as one."""


class InboxQueue:
    """The queue that services send events to.

    Args:
        client: An aioboto3 `sqs` client.
        url: The queue's URL.
        visibility_s: How long a received message is this gateway's, seconds.
    """

    def __init__(self, client: Any, *, url: str, visibility_s: float) -> None:
        self._client = client
        self._url = url
        self._visibility_s = int(visibility_s)
        self._dead_url: str | None = None
        self._done: list[Message] = []

    async def look(self) -> None:
        """Learn of the dead-letter queue; needed before anything is received.

        Raises:
            InboxUnusable: There is none: what cannot be taken would have nowhere to go.
        """
        answer = await self._client.get_queue_attributes(
            QueueUrl=self._url, AttributeNames=["RedrivePolicy"]
        )
        policy = (answer.get("Attributes") or {}).get("RedrivePolicy")
        if policy is None:
            raise InboxUnusable("no_dead_letter_queue")
        name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
        self._dead_url = f"{self._url.rpartition('/')[0]}/{name}"

    async def receive(self, most: int) -> list[Message]:
        """Wait for messages and return up to `most` of them, at most ten."""
        answer = await self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(BATCH, most),
            WaitTimeSeconds=POLL_S,
            VisibilityTimeout=self._visibility_s,
            MessageSystemAttributeNames=list(SYSTEM_ATTRIBUTES),
            MessageAttributeNames=list(CARRIED),
        )
        return [message_of(found) for found in answer.get("Messages") or []]

    async def extend(self, messages: Sequence[Message], seconds: float | None = None) -> None:
        """Keep messages for longer, or give them back: they show again after `seconds`.

        What cannot be extended shows again by itself, and finds itself known.
        """
        timeout_s = self._visibility_s if seconds is None else int(seconds)
        for start in range(0, len(messages), BATCH):
            await self._try(
                "extend",
                self._client.change_message_visibility_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {
                            "Id": str(number),
                            "ReceiptHandle": message.receipt,
                            "VisibilityTimeout": timeout_s,
                        }
                        for number, message in enumerate(messages[start : start + BATCH])
                    ],
                ),
            )

    async def delete(self, message: Message) -> None:
        """Delete a message, together with others that are done at this moment.

        One that stays comes again, and finds itself known.
        """
        self._done.append(message)
        await asyncio.sleep(GATHER_S)
        # Whoever wakes first takes all that gathered; the others find nothing left.
        while self._done:
            batch, self._done = self._done[:BATCH], self._done[BATCH:]
            await self._try(
                "delete",
                self._client.delete_message_batch(
                    QueueUrl=self._url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": one.receipt}
                        for number, one in enumerate(batch)
                    ],
                ),
            )

    async def bury(self, letter: DeadLetter) -> None:
        """Send one dead letter; raises what the client raises.

        A body that leaves too little room for the whole problem goes with its code alone.
        """
        try:
            await self._bury(letter)
        except ClientError as error:
            if word_for(error) not in _TOO_LONG:
                raise
            attributes = {n: v for n, v in letter.attributes.items() if n != "problem"}
            await self._bury(replace(letter, attributes=attributes))

    async def _bury(self, letter: DeadLetter) -> None:
        if self._dead_url is None:
            raise InboxUnusable("no_dead_letter_queue")
        ordered = {
            "MessageGroupId": letter.group,
            "MessageDeduplicationId": letter.deduplication_id,
        }
        await self._client.send_message(
            QueueUrl=self._dead_url,
            MessageBody=letter.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in letter.attributes.items()
            },
            **(ordered if self._dead_url.endswith(".fifo") else {}),
        )

    async def _try(self, what: str, call: Any) -> None:
        try:
            await call
        except AWS_ERRORS as error:
            log.warning("inbox call failed", extra={"what": what, "why": word_for(error)})


_TOO_LONG: Final = ("InvalidParameterValue", "InvalidMessageContents", "BatchRequestTooLong")
"""What SQS says of a message that is too long, attributes included."""
