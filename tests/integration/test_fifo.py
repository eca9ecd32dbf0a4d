"""FIFO queues and conditional writes as the shared outbox needs them, asked of localaws over HTTP.

On moto 5.2.5 as it comes, a group in flight is given away to a receive that waits, receives at the
same moment get the same message, ids are forgotten with their messages, and receipts never end;
`localaws/moto_fifo.py` and `localaws/moto_server.py` are what these tests are about.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.shared_place import SharedPlace

pytestmark = pytest.mark.timeout(180)  # the first one waits for the process of SQS and DynamoDB


class Fifo:
    """A FIFO queue, called as anybody would."""

    def __init__(self, place: SharedPlace) -> None:
        self.sqs: Any = place.account.client("sqs")
        self.url = place.queue_url
        self.dead_url = place.dead_letters_url

    async def send(self, group: str, name: str) -> None:
        """Send a message whose body is its id."""
        await asyncio.to_thread(
            self.sqs.send_message,
            QueueUrl=self.url,
            MessageBody=name,
            MessageGroupId=group,
            MessageDeduplicationId=name,
        )

    async def receive(
        self, wait_s: int = 0, seconds: int = 30, url: str | None = None
    ) -> list[dict[str, Any]]:
        """Receive up to ten messages."""
        answer = await asyncio.to_thread(
            self.sqs.receive_message,
            QueueUrl=url or self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=seconds,
            AttributeNames=["ApproximateReceiveCount"],
        )
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    async def delete(self, message: dict[str, Any]) -> None:
        """Delete a message."""
        await asyncio.to_thread(
            self.sqs.delete_message, QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"]
        )

    async def extend(self, message: dict[str, Any], seconds: int) -> None:
        """Keep a message for longer, or give it back."""
        await asyncio.to_thread(
            self.sqs.change_message_visibility,
            QueueUrl=self.url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=seconds,
        )


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    """Return what the messages say."""
    return [message["Body"] for message in messages]


@pytest.fixture
def fifo(shared_place: SharedPlace) -> Fifo:
    """An empty queue."""
    return Fifo(shared_place)


async def test_a_group_in_flight_gives_nothing_to_a_receive_that_waits(fifo: Fifo) -> None:
    """Even what was sent while it waited; it comes once the one before is deleted."""
    await fifo.send("a", "a-1")
    (first,) = await fifo.receive()
    waiting = asyncio.create_task(fifo.receive(wait_s=10))
    await asyncio.sleep(0.3)
    await fifo.send("a", "a-2")
    await fifo.send("b", "b-1")
    assert bodies(await waiting) == ["b-1"]
    waiting = asyncio.create_task(fifo.receive(wait_s=20))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await fifo.delete(first)
    assert bodies(await waiting) == ["a-2"]


async def test_one_receive_gives_several_of_a_group_in_order(fifo: Fifo) -> None:
    """And so does the next one, once all of them were given back."""
    for name in ("a-1", "b-1", "a-2", "a-3"):
        await fifo.send("a", name)
    taken = await fifo.receive()
    assert bodies(taken) == ["a-1", "b-1", "a-2", "a-3"]
    for message in taken[:-1]:
        await fifo.extend(message, 0)
    assert await fifo.receive() == []
    await fifo.extend(taken[-1], 0)
    assert bodies(await fifo.receive()) == bodies(taken)


async def test_receives_at_the_same_moment_share_nothing(fifo: Fifo) -> None:
    """Each message goes to one of them, and so does each group."""
    for number in range(60):
        await fifo.send(f"g{number % 7}", f"m-{number}")
    taken = await asyncio.gather(*[fifo.receive() for _ in range(8)])
    names = [name for messages in taken for name in bodies(messages)]
    assert len(names) == len(set(names))
    groups = [{int(name[2:]) % 7 for name in bodies(messages)} for messages in taken]
    assert sum(map(len, groups)) == len(set().union(*groups))


async def test_an_id_is_known_though_its_message_is_gone(fifo: Fifo) -> None:
    """Deleted or not, for five minutes."""
    await fifo.send("a", "a-1")
    await fifo.send("a", "a-1")
    (only,) = await fifo.receive()
    await fifo.delete(only)
    await fifo.send("a", "a-1")
    assert await fifo.receive() == []


async def test_a_stale_receipt_does_nothing(fifo: Fifo) -> None:
    """It neither deletes what somebody else has now, nor shortens their time."""
    await fifo.send("a", "a-1")
    (mine,) = await fifo.receive(seconds=1)
    (theirs,) = await fifo.receive(wait_s=10)
    with pytest.raises(ClientError):
        await fifo.extend(mine, 0)
    with pytest.raises(ClientError):
        await fifo.delete(mine)
    assert await fifo.receive() == []
    await fifo.delete(theirs)
    await fifo.delete(theirs)


async def test_a_time_out_is_kept_to(fifo: Fifo) -> None:
    """A message shows again when its time is over, not before, and counts its receives."""
    await fifo.send("a", "a-1")
    (first,) = await fifo.receive(seconds=2)
    began = time.monotonic()
    (again,) = await fifo.receive(wait_s=10)
    assert time.monotonic() - began > 1.5
    counts = [one["Attributes"]["ApproximateReceiveCount"] for one in (first, again)]
    assert counts == ["1", "2"]


async def test_what_was_received_too_often_becomes_a_dead_letter(fifo: Fifo) -> None:
    """At the receive after the last one; what stands behind it in its group comes then."""
    arn = await asyncio.to_thread(
        fifo.sqs.get_queue_attributes, QueueUrl=fifo.dead_url, AttributeNames=["QueueArn"]
    )
    policy = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": 2}
    await asyncio.to_thread(
        fifo.sqs.set_queue_attributes,
        QueueUrl=fifo.url,
        Attributes={"RedrivePolicy": json.dumps(policy)},
    )
    await fifo.send("a", "a-1")
    for _ in range(2):
        (bad,) = await fifo.receive()
        await fifo.extend(bad, 0)
    await fifo.send("a", "a-2")
    assert bodies(await fifo.receive()) == ["a-2"]
    assert bodies(await fifo.receive(url=fifo.dead_url)) == ["a-1"]


async def test_of_conditional_writes_at_once_one_succeeds(shared_place: SharedPlace) -> None:
    """However many look at the same item."""
    tables: Any = shared_place.account.client("dynamodb")

    def put(number: int) -> bool:
        try:
            tables.put_item(
                TableName=shared_place.table,
                Item={"pk": {"S": "one"}, "sk": {"S": "one"}, "by": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except tables.exceptions.ConditionalCheckFailedException:
            return False
        return True

    kept = await asyncio.gather(*[asyncio.to_thread(put, number) for number in range(16)])
    assert sum(kept) == 1
