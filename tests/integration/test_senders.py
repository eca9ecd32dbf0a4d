"""Who sent an SQS message is what AWS would stamp on it, and nobody chooses it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.inbox_policies import inbox_rule_policy, inbox_rule_trust_policy
from localaws.senders import SENDER_HEADER
from tests.integration.localaws_parts import (
    ACCOUNT,
    ADMIN,
    REGION,
    Parts,
    allow,
    running_parts,
    trust,
)

QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
PATTERN = json.dumps({"source": ["shop"]})


class World:
    """A queue, an admin, and what the queue got."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.key = parts.moto.create_user_key("admin", {"all": ADMIN})
        self.url = ""

    async def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call an API as the admin."""
        client = self.parts.client(service, self.key)
        return await asyncio.to_thread(getattr(client, operation), **parameters)

    async def senders(self) -> list[str]:
        """Return who sent what is in the queue now."""
        found = await self.call(
            "sqs",
            "receive_message",
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            AttributeNames=["SenderId"],
        )
        return [message["Attributes"]["SenderId"] for message in found.get("Messages", [])]

    async def rule(self, name: str, **target: str) -> str:
        """Make a rule that sends to the queue; return its ARN."""
        made = await self.call("events", "put_rule", Name=name, EventPattern=PATTERN)
        targets = [{"Id": "q", "Arn": QUEUE_ARN, **target}]
        await self.call("events", "put_targets", Rule=name, Targets=targets)
        return str(made["RuleArn"])

    async def put(self) -> None:
        """Put an event that every rule here matches."""
        entry = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
        await self.call("events", "put_events", Entries=[entry])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run moto behind the front, with a queue in it."""
    async with running_parts() as parts:
        running = World(parts)
        running.url = (await running.call("sqs", "create_queue", QueueName="q"))["QueueUrl"]
        yield running


def claim_to_be_somebody_else(request: Any, **_: object) -> None:
    """Add the header by which the front tells moto who calls."""
    request.headers[SENDER_HEADER] = "AIDASOMEBODYELSE"


async def test_the_caller_is_the_sender(world: World) -> None:
    """A user by its id, a role by its id and the session; a header of the client's own is nothing."""
    role = world.parts.moto.create_role(
        "fn", trust({"Service": "lambda.amazonaws.com"}), {"send": allow("sqs:SendMessage")}
    )
    session = world.parts.moto.lambda_role_session(role, session_name="job")
    for key in (world.key, session):
        client = world.parts.client("sqs", key)
        client.meta.events.register("before-send.sqs", claim_to_be_somebody_else)
        await asyncio.to_thread(client.send_message, QueueUrl=world.url, MessageBody="Hi!")
    role_id = (await world.call("iam", "get_role", RoleName="fn"))["Role"]["RoleId"]
    user_id = (await world.call("iam", "get_user", UserName="admin"))["User"]["UserId"]
    assert sorted(await world.senders()) == sorted([user_id, f"{role_id}:job"])
    assert user_id.startswith("AIDA")
    assert role_id.startswith("AROA")


async def test_what_sns_sends_its_publisher_does_not(world: World) -> None:
    """It is SNS's own message."""
    topic = (await world.call("sns", "create_topic", Name="t"))["TopicArn"]
    await world.call("sns", "subscribe", TopicArn=topic, Protocol="sqs", Endpoint=QUEUE_ARN)
    await world.call("sns", "publish", TopicArn=topic, Message="Hi!")
    (sender,) = await world.senders()
    user_id = (await world.call("iam", "get_user", UserName="admin"))["User"]["UserId"]
    assert sender != user_id


async def test_a_rule_sends_as_its_role(world: World) -> None:
    """Which trusts EventBridge for this rule; whoever puts events is not the sender."""
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"
    role = world.parts.moto.create_role(
        "rule",
        inbox_rule_trust_policy(rule_arn=arn, account=ACCOUNT),
        {"send": inbox_rule_policy(queue_arn=QUEUE_ARN)},
    )
    assert await world.rule("r", RoleArn=role) == arn
    await world.put()
    role_id = (await world.call("iam", "get_role", RoleName="rule"))["Role"]["RoleId"]
    assert await world.senders() == [f"{role_id}:eventbridge"]


@pytest.mark.parametrize("lacks", ["trust", "right", "role"])
async def test_a_rule_that_may_not_sends_nothing(world: World, lacks: str) -> None:
    """Its role is for another rule, may not send here, or does not exist."""
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{'other' if lacks == 'trust' else 'r'}"
    queue_arn = f"{QUEUE_ARN}2" if lacks == "right" else QUEUE_ARN
    role = world.parts.moto.create_role(
        "rule",
        inbox_rule_trust_policy(rule_arn=arn, account=ACCOUNT),
        {"send": inbox_rule_policy(queue_arn=queue_arn)},
    )
    await world.rule("r", RoleArn=f"{role}2" if lacks == "role" else role)
    await world.put()
    assert await world.senders() == []


async def test_a_rule_without_a_role_is_eventbridges_own(world: World) -> None:
    """One made-up sender; not whoever put the event."""
    await world.rule("r")
    await world.put()
    (sender,) = await world.senders()
    user_id = (await world.call("iam", "get_user", UserName="admin"))["User"]["UserId"]
    assert sender != user_id
