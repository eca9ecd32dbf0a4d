# ruff: noqa: N803 - the arguments are named as AWS names them
"""Simulated SQS: the calls that `gateway/outbox/aws/queue.py` makes.

Owns turning arguments into what a queue does, that into answers, and who waits for messages.
Does not: decide what goes wrong (`network.py`) or what things mean (`simulated_queue.py`).
Source: SQS API.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.unit.gateway.outbox.aws.faults import Kind
from tests.unit.gateway.outbox.aws.network import Mortal, Network, aws_error
from tests.unit.gateway.outbox.aws.simulated_queue import SimulatedQueue

QUEUE_URL = "https://sqs.simulated/1/outbox.fifo"
DEAD_URL = "https://sqs.simulated/1/dead.fifo"


class Sqs:
    """Both queues, and who waits for messages.

    Args:
        queue: The queue.
        dead: Its dead-letter queue.
    """

    def __init__(self, queue: SimulatedQueue, dead: SimulatedQueue) -> None:
        self.queues = {QUEUE_URL: queue, DEAD_URL: dead}
        # In order, where a set's would differ from run to run.
        self._waiting: dict[asyncio.Future[None], None] = {}

    def announce(self) -> None:
        """Let those who wait look again."""
        for waiting in self._waiting:
            _ring(waiting)

    async def news(self, until: float) -> None:
        """Wait until something changed, or until then."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        timer = loop.call_at(until, _ring, future)
        self._waiting[future] = None
        try:
            await future
        finally:
            timer.cancel()
            del self._waiting[future]


class SqsClient:
    """One gateway's `sqs` client."""

    def __init__(self, caller: Mortal, network: Network, sqs: Sqs) -> None:
        self._caller = caller
        self._network = network
        self._sqs = sqs

    async def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:
        """Send up to ten."""

        def send(entry: Any, now: float) -> bool:
            self._sqs.queues[QueueUrl].send(
                entry["MessageBody"],
                group=entry["MessageGroupId"],
                deduplication_id=entry["MessageDeduplicationId"],
                now=now,
            )
            return True

        return await self._batch("send", Entries, send)

    async def send_message(self, *, QueueUrl: str, **entry: Any) -> Any:
        """Send one."""
        return await self.send_message_batch(QueueUrl=QueueUrl, Entries=[{"Id": "0", **entry}])

    async def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:
        """Hide up to ten for so long."""
        queue = self._sqs.queues[QueueUrl]
        return await self._batch(
            "extend",
            Entries,
            lambda e, now: queue.change_visibility(
                e["ReceiptHandle"], e["VisibilityTimeout"], now=now
            ),
        )

    async def delete_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:
        """Delete up to ten."""
        queue = self._sqs.queues[QueueUrl]
        return await self._batch(
            "delete", Entries, lambda e, now: queue.delete(e["ReceiptHandle"], now=now)
        )

    async def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Any:
        """Delete one."""
        entries = [{"Id": "0", "ReceiptHandle": ReceiptHandle}]
        return await self.delete_message_batch(QueueUrl=QueueUrl, Entries=entries)

    async def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
        VisibilityTimeout: int,
    ) -> Any:
        """Wait for messages; SQS may give fewer than there are."""
        loop, queue = asyncio.get_running_loop(), self._sqs.queues[QueueUrl]
        end = loop.time() + WaitTimeSeconds
        most = min(MaxNumberOfMessages, self._network.random.choice((1, 3, 10)))
        while not self._network.plan.away("sqs", loop.time(), self._caller.place):
            found = queue.receive(most, visibility_s=VisibilityTimeout, now=loop.time())
            if found:
                # They are hidden from here on, whether the answer arrives or not.
                answer = {"Messages": [{"Body": m.body, "ReceiptHandle": m.receipt} for m in found]}
                return await self._call("receive", lambda _, said=answer: said)
            if loop.time() >= end:
                return {}
            await self._sqs.news(min(end, queue.changes_at(loop.time()) or end))
        await asyncio.sleep(0.01)
        raise aws_error(Kind.REFUSED)

    async def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:
        """Tell what the queue is."""
        assert "RedrivePolicy" in AttributeNames
        redrive = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:r:1:dead.fifo"})
        waiting = str(len(self._sqs.queues[QueueUrl].messages))
        said = {
            "FifoQueue": "true",
            "RedrivePolicy": redrive,
            "ApproximateNumberOfMessages": waiting,
        }
        return await self._call("look", lambda _: {"Attributes": said}, fated=False)

    async def _batch(self, operation: str, entries: list[Any], one: Any) -> Any:
        def effect(partial: bool) -> Any:  # noqa: FBT001 - one fact
            now = asyncio.get_running_loop().time()
            # The first is left out: what comes after it must not overtake it.
            failed = [e for n, e in enumerate(entries) if (partial and n == 0) or not one(e, now)]
            self._sqs.announce()
            return {"Failed": [{"Id": e["Id"], "Code": "Simulated"} for e in failed]}

        return await self._call(operation, effect)

    async def _call(self, operation: str, effect: Any, *, fated: bool = True) -> Any:
        return await self._network.call(
            self._caller,
            operation,
            effect,
            service="sqs",
            limit_s=14.0,
            error=aws_error,
            fated=fated,
        )


def _ring(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
