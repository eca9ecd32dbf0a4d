"""Clients of simulated SQS and DynamoDB: the calls that `queue.py` and `table.py` make.

Owns turning arguments into what the queue and the table do, and that into answers.
Does not: decide what goes wrong (`network.py`) or what things mean (`simulated_queue.py`,
`simulated_table.py`).
Source: SQS API; DynamoDB API.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from botocore.exceptions import ClientError

from tests.unit.gateway.outbox.aws.faults import Kind
from tests.unit.gateway.outbox.aws.network import Mortal, Network, aws_error
from tests.unit.gateway.outbox.aws.simulated_queue import SimulatedQueue
from tests.unit.gateway.outbox.aws.simulated_table import ConditionFailed, SimulatedTable

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
            if not waiting.done():
                waiting.set_result(None)

    async def news(self, until: float) -> None:
        """Wait until something changed, or until then."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        timer = loop.call_at(until, lambda: future.done() or future.set_result(None))
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
        while not self._network.plan.away("sqs", loop.time()):
            found = queue.receive(most, visibility_s=VisibilityTimeout, now=loop.time())
            if found:
                # They are hidden from here on, whether the answer arrives or not.
                answer = [{"Body": m.body, "ReceiptHandle": m.receipt} for m in found]
                return await self._call("receive", lambda _: {"Messages": answer})
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


class DynamoClient:
    """One gateway's `dynamodb` client."""

    def __init__(self, caller: Mortal, network: Network, table: SimulatedTable) -> None:
        self._caller = caller
        self._network = network
        self._table = table

    async def put_item(self, *, Item: Any, **more: Any) -> Any:
        """Write an item whole."""
        return await self._call("put_item", lambda _: self._put(Item, more))

    async def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> Any:
        """Write up to 25 items whole."""
        ((name, requests),) = RequestItems.items()

        def effect(partial: bool) -> Any:  # noqa: FBT001 - one fact
            left = requests[:1] if partial else []
            for request in requests[len(left) :]:
                self._put(request["PutRequest"]["Item"], {})
            return {"UnprocessedItems": {name: left} if left else {}}

        return await self._call("batch_write_item", effect)

    async def get_item(self, *, Key: Any, ConsistentRead: bool, **_: Any) -> Any:
        """Read an item as it is now."""
        assert ConsistentRead

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            found = self._table.get(Key)
            return {} if found is None else {"Item": dict(found)}

        return await self._call("get_item", effect)

    async def update_item(
        self, *, Key: Any, UpdateExpression: str, ReturnValues: str, **more: Any
    ) -> Any:
        """Change an item."""

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            condition, values = _said(more)
            now = asyncio.get_running_loop().time()
            try:
                before, after = self._table.update(
                    Key, UpdateExpression, condition, values, now=now
                )
            except ConditionFailed:
                raise _refused() from None
            said = before if ReturnValues == "ALL_OLD" else after
            return {} if said is None else {"Attributes": dict(said)}

        return await self._call(_purpose(UpdateExpression), effect)

    async def delete_item(self, *, Key: Any, **more: Any) -> Any:
        """Drop an item."""

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            try:
                self._table.delete(Key, *_said(more), now=asyncio.get_running_loop().time())
            except ConditionFailed:
                raise _refused() from None
            return {}

        return await self._call("delete_item", effect)

    async def query(
        self, *, IndexName: str, KeyConditionExpression: str, Limit: int, **more: Any
    ) -> Any:
        """Read a page of an index."""
        loop = asyncio.get_running_loop()
        values = more["ExpressionAttributeValues"]

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            found, last = self._table.query(
                IndexName,
                KeyConditionExpression,
                values,
                limit=Limit,
                forward=more.get("ScanIndexForward", True),
                keep=more.get("FilterExpression"),
                now=loop.time(),
            )
            return {"Items": found} | ({} if last is None else {"LastEvaluatedKey": last})

        # Nearly all find nothing; such a one takes no time, and nothing goes wrong with it.
        answer = effect(False)  # noqa: FBT003 - nothing is left out
        if not answer["Items"] and self._caller.alive and not self._away():
            return answer
        return await self._call("query", effect)

    def _away(self) -> bool:
        return self._network.plan.away("dynamodb", asyncio.get_running_loop().time())

    def _put(self, item: Any, more: Any) -> Any:
        try:
            self._table.put(item, *_said(more), now=asyncio.get_running_loop().time())
        except ConditionFailed:
            raise _refused() from None
        return {}

    async def _call(self, operation: str, effect: Any) -> Any:
        return await self._network.call(
            self._caller, operation, effect, service="dynamodb", limit_s=5.0, error=aws_error
        )


_PURPOSES = {
    "gen": "redeliver",
    "queued": "mark",
    "o": "settle",
    "c": "claim",
    "w": "want",
    "a": "put_off",
    "told": "tell",
    "st": "close",
    "gsi1sk": "take_over",
    "owner_service": "replace",
}
"""What an update is for, by an attribute that it sets; the first that is found."""


def _purpose(update: str) -> str:
    said = update.partition("REMOVE")[0]
    # Of delivery 2, `o2` is the outcome; `gsi1sk` has its number inside.
    names = {name.rstrip("0123456789") for name in re.findall(r"(\w+) =", said)}
    return next((purpose for name, purpose in _PURPOSES.items() if name in names), "release")


def _said(more: Any) -> tuple[str | None, Any]:
    return more.get("ConditionExpression"), more.get("ExpressionAttributeValues", {})


def _refused() -> ClientError:
    said = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "simulated"}}
    return ClientError(said, "simulated")  # type: ignore[arg-type]
