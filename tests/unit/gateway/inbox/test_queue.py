"""The calls to SQS that a real queue here would not show: bounds of batches, a letter that is too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gateway.errors import InboxUnusable
from gateway.inbox.dead_letter import DeadLetter
from gateway.inbox.queue import InboxQueue
from tests.unit.gateway.inbox.messages import message

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/inbox.fifo"
POLICY = '{"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead.fifo"}'
LETTER = DeadLetter(
    body="b", group="g", deduplication_id="d", attributes={"reason": "r", "problem": "p" * 99}
)


class Client:
    """An SQS client that notes its calls.

    Attributes:
        calls: Operation and parameters of each.
        refuse: Returns the error code of a call, or None.
        policy: The inbox's redrive policy.
    """

    def __init__(self, *, policy: str | None = POLICY) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuse: Callable[[dict[str, Any]], str | None] = lambda _: None
        self.policy = policy

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        async def call(**parameters: Any) -> dict[str, Any]:
            self.calls.append((operation, parameters))
            code = self.refuse(parameters)
            if code is not None:
                raise ClientError({"Error": {"Code": code}}, operation)
            return {"Attributes": {"RedrivePolicy": self.policy}} if self.policy else {}

        return call

    def of(self, operation: str) -> list[dict[str, Any]]:
        """Return the parameters of each call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]


def queue(client: Client) -> InboxQueue:
    """Return a queue that calls the client."""
    return InboxQueue(client, url=URL, visibility_s=60)


async def test_deletes_gather_in_calls_of_ten() -> None:
    """Messages that are done at one moment share a call; each is in one."""
    client = Client()
    inbox = queue(client)
    await asyncio.gather(*(inbox.delete(message(receipt=str(n))) for n in range(25)))
    batches = [one["Entries"] for one in client.of("delete_message_batch")]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert {e["ReceiptHandle"] for batch in batches for e in batch} == set(map(str, range(25)))


async def test_what_cannot_be_extended_is_no_trouble() -> None:
    """It shows again by itself; the others of other calls are extended."""
    client = Client()
    client.refuse = lambda _: "ServiceUnavailable"
    await queue(client).extend([message(receipt=str(n)) for n in range(12)], 0)
    calls = client.of("change_message_visibility_batch")
    assert [len(call["Entries"]) for call in calls] == [10, 2]
    assert {entry["VisibilityTimeout"] for call in calls for entry in call["Entries"]} == {0}


async def test_a_letter_that_is_too_long_goes_with_its_code_alone() -> None:
    """The body is not cut: what was sent can still be seen."""
    client = Client()
    inbox = queue(client)
    await inbox.look()
    client.refuse = lambda call: (
        "InvalidParameterValue" if "problem" in call["MessageAttributes"] else None
    )
    await inbox.bury(LETTER)
    sent = client.of("send_message")[-1]
    assert (sent["MessageBody"], list(sent["MessageAttributes"])) == ("b", ["reason"])
    assert sent["QueueUrl"] == URL.replace("inbox", "dead")
    assert (sent["MessageGroupId"], sent["MessageDeduplicationId"]) == ("g", "d")


async def test_other_trouble_with_a_letter_is_told() -> None:
    """Its message must not be deleted."""
    client = Client()
    inbox = queue(client)
    await inbox.look()
    client.refuse = lambda _: "ServiceUnavailable"
    with pytest.raises(ClientError):
        await inbox.bury(LETTER)
    assert len(client.of("send_message")) == 1


async def test_without_dead_letters_it_is_unusable() -> None:
    """There is nothing to send a letter to."""
    inbox = queue(Client(policy=None))
    with pytest.raises(InboxUnusable, match="no_dead_letter_queue"):
        await inbox.look()
    with pytest.raises(InboxUnusable):
        await inbox.bury(LETTER)
