"""The program users deploy, applied to localaws and put to work from end to end."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.key_file import write_keys
from gateway.keys import Keyring
from gateway.principals import new_principal
from tests.integration import applied_resources
from tests.integration.applied_account import Made
from tests.integration.applied_resources import MAKERS
from tests.integration.applied_stack import AppliedStack, Listener, applied
from tests.unit.infra.program import EVERYTHING, MINIMAL, run_program

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AppliedStack]:
    """Apply the program once for all tests here."""
    async with applied(tmp_path_factory.mktemp("applied")) as running:
        yield running


async def test_every_resource_was_made(stack: AppliedStack) -> None:
    """What the program registered is there, and asking the APIs for it finds it."""
    roles = await stack.call("iam", "list_roles")
    names = {role["RoleName"] for role in roles["Roles"]}
    assert {found.outputs["name"] for found in stack.program.all("iam/role:Role")} <= names
    queues = await stack.call("sqs", "list_queues")
    assert {found.outputs["url"] for found in stack.program.all("sqs/queue:Queue")} == set(
        queues["QueueUrls"]
    )
    table = stack.program.one("dynamodb/table:Table").outputs["name"]
    backups = await stack.call("dynamodb", "describe_continuous_backups", TableName=table)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    ttl = await stack.call("dynamodb", "describe_time_to_live", TableName=table)
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    alarms = await stack.call("cloudwatch", "describe_alarms")
    # Scaling has alarms of its own beside these.
    assert {alarm["AlarmName"] for alarm in alarms["MetricAlarms"]} >= {
        found.outputs["name"] for found in stack.program.all("cloudwatch/metricAlarm:MetricAlarm")
    }


async def test_everything_is_switched_on(stack: AppliedStack) -> None:
    """No type of resource that the program can make is missing here, so none goes unmade."""
    everything = await asyncio.to_thread(run_program, EVERYTHING)
    wanted = {found.type for found in everything.resources}
    assert {found.type for found in stack.program.resources} == wanted


async def test_an_event_reaches_those_addressed(stack: AppliedStack) -> None:
    """Token, credentials, signed URL, subscription; then gateway, role, publish: only to them."""
    async with (
        stack.browser("42", groups=["orders/eu"]) as ada,
        stack.browser("7", groups=["orders/us"]) as bob,
        stack.gateway() as gateway,
    ):
        event = {"to": "group:orders/eu", "type": "order.shipped", "data": {"n": 1}}
        async with gateway.post("/v1/events", json=event) as answer:
            assert answer.status in {200, 202}, await answer.text()
        async with gateway.post("/v1/events", json=event | {"to": "everyone"}) as answer:
            assert answer.status in {200, 202}
        topics = {(await ada.next())[0], (await ada.next())[0]}
        assert topics == {"applied/group/orders/eu", "applied/everyone"}
        topic, envelope = await bob.next()
        assert topic == "applied/everyone"
        assert envelope["data"] == {"n": 1}
        assert bob.received.empty()


async def test_sns_messages_reach_clients_in_an_envelope(stack: AppliedStack) -> None:
    """What a service publishes to a FIFO topic arrives at the group it names, in order."""
    async with stack.browser("42", groups=["orders/*"]) as ada:
        for number in range(12):
            await stack.call(
                "sns",
                "publish",
                TopicArn=stack.topics["orders.fifo"],
                Message=json.dumps({"n": number}),
                MessageGroupId="one",
                MessageDeduplicationId=f"order-{number}",
                MessageAttributes={
                    "to": {"DataType": "String", "StringValue": "group:orders/eu"},
                    "type": {"DataType": "String", "StringValue": "order.packed"},
                },
            )
        for number in range(12):
            topic, envelope = await ada.next()
            assert topic == "applied/group/orders/eu"
            assert envelope["data"] == {"n": number}
            assert envelope["type"] == "order.packed"
            assert envelope["source"] == "/sns/orders.fifo"


async def test_raw_messages_arrive_as_they_were_sent(stack: AppliedStack) -> None:
    """A raw bridge adds nothing."""
    async with stack.browser("42") as ada:
        await stack.call("sns", "publish", TopicArn=stack.topics["news"], Message="Hi!")
        assert await ada.next() == ("applied/everyone", b"Hi!")


async def test_what_cannot_be_bridged_becomes_a_dead_letter(stack: AppliedStack) -> None:
    """A message for an address outside the bridge is tried, given up and kept; others go on."""
    publish = {
        "TopicArn": stack.topics["orders.fifo"],
        "MessageGroupId": "two",
    }
    await stack.call(
        "sns",
        "publish",
        **publish,
        Message="astray",
        MessageDeduplicationId="astray",
        MessageAttributes={"to": {"DataType": "String", "StringValue": "group:secrets"}},
    )
    (dead,) = [
        found.outputs["url"]
        for found in stack.program.all("sqs/queue:Queue")
        if found.name.endswith("dead-letters") and ".fifo" in found.outputs["url"]
        and found.name.startswith("sns-to-iot")
    ]  # fmt: skip
    async with asyncio.timeout(10):
        while True:
            found = await stack.call("sqs", "receive_message", QueueUrl=dead)
            if found.get("Messages"):
                break
            await asyncio.sleep(0.05)
    assert json.loads(found["Messages"][0]["Body"])["Message"] == "astray"


async def test_a_clients_message_reaches_a_queue_by_way_of_sns(stack: AppliedStack) -> None:
    """A browser publishes to its group; whoever subscribes to the SNS topic has it, with its origin."""
    topic = "applied/group/support/42"
    async with (
        stack.browser("42", publish=["group:support/*"]) as ada,
        stack.listening_queue(stack.topics["support"]) as desk,
    ):
        await ada.publish(topic, {"text": "help"})
        got = await desk.receive()
    assert got["text"] == "help"
    assert got["iottopic"] == topic
    assert got["iotclient"] == ada.given["clientId"]


async def test_a_services_event_reaches_a_queue_by_way_of_sns(stack: AppliedStack) -> None:
    """The same for what the gateway publishes: the whole envelope, and no client."""
    async with (
        stack.gateway() as gateway,
        stack.listening_queue(stack.topics["support"]) as desk,
    ):
        event = {"to": "group:support/desk", "type": "ticket.opened", "data": {"n": 7}}
        async with gateway.post("/v1/events", json=event) as answer:
            assert answer.status in {200, 202}
        got = await desk.receive()
    assert (got["type"], got["data"], got["iotclient"]) == ("ticket.opened", {"n": 7}, "n/a")


async def test_nothing_goes_in_circles(stack: AppliedStack) -> None:
    """One group bridged both ways to one topic: each side's message crosses once, and only once."""
    topic = "applied/group/chat"
    async with (
        stack.browser("42", groups=["chat"], publish=["group:chat"]) as ada,
        stack.browser("7", groups=["chat"]) as bob,
        stack.listening_queue(stack.topics["chat"]) as service,
    ):
        await ada.publish(topic, {"from": "ada"})
        assert (await service.receive())["from"] == "ada"
        assert await bob.next() == (topic, {"from": "ada"})
        assert await ada.next() == (topic, {"from": "ada"})

        await stack.call(
            "sns", "publish", TopicArn=stack.topics["chat"], Message=json.dumps({"from": "service"})
        )
        for browser in (ada, bob):
            _, envelope = await browser.next()
            assert envelope["data"] == {"from": "service"}
        assert (await service.receive())["from"] == "service"

        # Whatever was to come has passed every stage that could send it on once more.
        await stack.settled()
        assert ada.received.empty()
        assert bob.received.empty()
        assert await service.is_empty()


async def test_an_event_of_a_bus_reaches_a_group(stack: AppliedStack, tmp_path: Path) -> None:
    """By the rule, under its role, through the inbox and a gateway that knows the role's id."""
    (principal,) = stack.program.exports["inboxPrincipals"].values()
    keys = tmp_path / "keys.json"
    named = new_principal(
        id_=principal, name="orders", publish=["group:support/*"], rate_per_s=None, now=NOW
    )
    write_keys(keys, Keyring(principals=[named]))
    inbox = stack.program.exports["inboxUrl"].replace("https://", "http://")
    async with (
        stack.browser("42", groups=["support/desk"]) as ada,
        stack.gateway(GATEWAY_INBOX=inbox, GATEWAY_KEYS_FILE=str(keys), insecure=False),
    ):
        entry = {"Source": "com.example.orders", "DetailType": "Order", "Detail": '{"n": 1}'}
        await stack.call("events", "put_events", Entries=[entry])
        topic, envelope = await ada.next()
    assert topic == "applied/group/support/desk"
    assert (envelope["type"], envelope["data"]) == ("Order", {"n": 1})


async def test_presence_reaches_its_queue(stack: AppliedStack) -> None:
    """Connects and disconnects of this namespace's clients are there, after the queue's delay."""
    async with stack.browser("99") as zoe:
        pass
    queue = Listener(stack, stack.program.exports["presenceQueueUrl"])
    seen: list[str] = []
    while seen[-2:] != ["connected", "disconnected"]:
        event = await queue.receive(within_s=20)
        assert event["clientId"].startswith("applied.")
        if event["clientId"] == zoe.given["clientId"]:
            seen.append(event["eventType"])


async def test_what_a_rule_cannot_deliver_is_kept(stack: AppliedStack) -> None:
    """A rule that may not reach its topic leaves the message, and why, among the dead letters."""
    (errors,) = [q for q in stack.program.all("sqs/queue:Queue") if "rule-errors" in q.name]
    support = stack.topics["support"]
    policies = stack.program.all("iam/rolePolicy:RolePolicy")
    (policy,) = [one for one in policies if support in one.inputs["policy"]]
    narrowed = policy.inputs["policy"].replace(f"{support}", f"{support}-gone")
    put = {"RoleName": policy.inputs["role"], "PolicyName": policy.outputs["name"]}
    await stack.call("iam", "put_role_policy", **put, PolicyDocument=narrowed)
    try:
        async with stack.browser("42", publish=["group:support/*"]) as ada:
            await ada.publish("applied/group/support/lost", {"text": "lost"})
            dead = await Listener(stack, errors.outputs["url"]).receive()
    finally:
        await stack.call("iam", "put_role_policy", **put, PolicyDocument=policy.inputs["policy"])
    assert dead["topic"] == "applied/group/support/lost"
    assert json.loads(base64.b64decode(dead["base64OriginalPayload"])) == {"text": "lost"}
    assert dead["failures"][0]["failedResource"] == support


async def test_an_unknown_resource_fails_by_name(
    stack: AppliedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A type this harness does not make stops the run, and says which."""
    known = {name: make for name, make in MAKERS.items() if "function" not in name}
    monkeypatch.setattr(applied_resources, "MAKERS", known)
    account = dataclasses.replace(stack.account, resources=[], made=Made())
    # Pulumi may tell of it in an error of its own, made of the same kind.
    with pytest.raises(AssertionError, match="does not know aws:lambda/function:Function"):
        await asyncio.to_thread(run_program, {**MINIMAL, "namespace": "another"}, account=account)
