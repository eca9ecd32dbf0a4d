"""Topic rules made by boto3, fired by real messages, carried out against SNS, SQS and functions."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.core.message import Message
from localaws.embedded import LocalAws
from tests.integration.localaws_parts import allow, trust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localaws.core.signature import AccessKey

IOT = {"Service": "iot.amazonaws.com"}
HERE = "us-east-1:123456789012"
TOPIC = f"arn:aws:sns:{HERE}:events"
SESSION = "arn:aws:sts::123456789012:assumed-role/rules/rules-engine"


class World:
    """localaws, an admin's clients, a queue and a role for rules."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.role = aws.moto.create_role("rules", trust(IOT), {"all": allow("*")})
        self.queue_url = ""
        self.sqs = self.client("sqs")

    def client(self, service: str, key: AccessKey | None = None) -> Any:
        """Return a real boto3 client that signs with a key, the admin's if none is given."""
        key = key or self.aws.admin
        endpoints = self.aws.endpoints
        make: Any = boto3.client  # its stubs want a literal service name
        return make(
            service,
            endpoint_url=endpoints.iot_url if service == "iot-data" else endpoints.aws_url,
            region_name="us-east-1",
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret.reveal(),
            config=Config(retries={"max_attempts": 0}, read_timeout=20, connect_timeout=5),
        )

    async def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call an API as the admin without stopping the servers in this loop."""
        client = self.client(service)
        return await asyncio.to_thread(getattr(client, operation), **parameters)

    async def make_rule(
        self, sql: str, *actions: dict[str, Any], name: str = "r", **more: Any
    ) -> None:
        """Make a topic rule."""
        payload = {"sql": sql, "actions": list(actions), "awsIotSqlVersion": "2016-03-23", **more}
        await self.call("iot", "create_topic_rule", ruleName=name, topicRulePayload=payload)

    def to_queue(self, **more: Any) -> dict[str, Any]:
        """Return an action that sends to the queue."""
        return {"sqs": {"queueUrl": self.queue_url, "roleArn": self.role, **more}}

    async def publish(self, topic: str, payload: bytes | dict[str, Any], **more: Any) -> None:
        """Publish over HTTP as the admin and wait until the rules have done their work."""
        written = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self.call("iot-data", "publish", topic=topic, payload=written, **more)
        await self.aws.rules.idle()

    async def received(self) -> list[str]:
        """Take everything out of the queue."""
        answer = await self.call(
            "sqs", "receive_message", QueueUrl=self.queue_url, MaxNumberOfMessages=10
        )
        return [message["Body"] for message in answer.get("Messages", [])]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run localaws with a queue."""
    async with LocalAws() as aws:
        one = World(aws)
        made = await one.call("sqs", "create_queue", QueueName="inbox")
        one.queue_url = made["QueueUrl"]
        yield one


async def refused(call: Any) -> tuple[int, str, str]:
    """Return status, code and message of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        await call
    answer = caught.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"]["Message"],
    )


async def test_a_rule_sends_to_a_queue(world: World) -> None:
    """Published over HTTP, filtered, selected, sent with the role's own rights."""
    sql = "SELECT a AS b, topic(2) AS t, clientid() AS c FROM 'x/+' WHERE a > 1"
    await world.make_rule(sql, world.to_queue())
    await world.publish("x/y", {"a": 2})
    await world.publish("x/y", {"a": 1})
    await world.publish("y/x", {"a": 2})
    assert [json.loads(body) for body in await world.received()] == [{"b": 2, "t": "y", "c": "n/a"}]


async def test_a_rule_publishes_to_sns(world: World) -> None:
    """Raw or as JSON with one text per protocol; SNS hands it on to a subscribed queue."""
    await world.call("sns", "create_topic", Name="events")
    await world.call(
        "sns",
        "subscribe",
        TopicArn=TOPIC,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{HERE}:inbox",
        Attributes={"RawMessageDelivery": "true"},
    )
    action = {"targetArn": f"arn:aws:sns:{HERE}:${{topic(2)}}", "roleArn": world.role}
    await world.make_rule("SELECT * FROM 'raw/+'", {"sns": action})
    as_json = {"sns": {**action, "messageFormat": "JSON"}}
    await world.make_rule("SELECT * FROM 'json/+'", as_json, name="as_json")
    await world.publish("raw/events", b"H\xc3\xad!")
    await world.publish("json/events", {"default": "d", "sqs": "for queues"})
    assert sorted(await world.received()) == ["Hí!", "for queues"]


async def test_a_rule_invokes_a_function(world: World) -> None:
    """A handler in this process, with the permission AddPermission would have given."""
    seen: list[dict[str, Any]] = []

    def build() -> Any:
        return lambda event, context: seen.append({**event, "arn": context.invoked_function_arn})

    arn = world.aws.functions.register("presence", build)
    world.aws.functions.permit(
        "presence", principal="iot.amazonaws.com", source_arn=f"arn:aws:iot:{HERE}:rule/r"
    )
    await world.make_rule("SELECT * FROM 'x'", {"lambda": {"functionArn": arn}})
    await world.publish("x", {"a": 1})
    assert seen == [{"a": 1, "arn": arn}]


async def test_a_rule_republishes(world: World) -> None:
    """The message goes out again through the broker, and may call another rule."""
    forward = {"topic": "copy/${topic(2)}", "roleArn": world.role, "qos": 1}
    await world.make_rule("SELECT * FROM 'x/#'", {"republish": forward})
    await world.make_rule("SELECT * FROM 'copy/#'", world.to_queue(useBase64=True), name="copied")
    await world.publish("x/y", b"\xff")
    assert await world.received() == [base64.b64encode(b"\xff").decode()]


async def test_a_rule_that_calls_itself_is_cut(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """AWS would go on for ever; a laptop must not."""
    again = {"republish": {"topic": "x", "roleArn": world.role}}
    await world.make_rule("SELECT * FROM 'x'", again, world.to_queue())
    await world.publish("x", {})
    assert "rule loop cut" in caplog.messages
    assert len(await world.received()) == 10


async def test_a_rule_sees_lifecycle_events(world: World) -> None:
    """What the broker says about connections calls rules like any other message."""
    sql = (
        "SELECT clientId, eventType FROM '$aws/events/presence/+/#' "
        "WHERE startswith(clientId, 'local.')"
    )
    await world.make_rule(sql, world.to_queue())
    for client_id in ("local.ann.a", "other.ann.a"):
        event = {"clientId": client_id, "eventType": "connected"}
        topic = f"$aws/events/presence/connected/{client_id}"
        message = Message(topic=topic, payload=json.dumps(event).encode(), qos=1)
        world.aws.iot.publish(message, 1.0)
    await world.aws.rules.idle()
    (body,) = await world.received()
    assert json.loads(body) == {"clientId": "local.ann.a", "eventType": "connected"}


async def test_basic_ingest_calls_its_rule_alone(world: World) -> None:
    """`$aws/rules/<name>/…` reaches the rule whatever its FROM says, and no other rule."""
    await world.make_rule("SELECT topic() AS t FROM 'x'", world.to_queue())
    await world.make_rule("SELECT 1 AS other FROM '#'", world.to_queue(), name="other")
    await world.publish("$aws/rules/r/deep/er", {})
    assert [json.loads(body) for body in await world.received()] == [{"t": "deep/er"}]


async def test_rules_are_replaced_switched_and_deleted(world: World) -> None:
    """Each change is in force when its call returns."""
    await world.make_rule("SELECT 1 AS v FROM 'x'", world.to_queue())
    replaced = {
        "sql": "SELECT 2 AS v FROM 'x'",
        "actions": [world.to_queue()],
        "awsIotSqlVersion": "2016-03-23",
    }
    await world.call("iot", "replace_topic_rule", ruleName="r", topicRulePayload=replaced)
    await world.publish("x", {})
    assert await world.received() == ['{"v":2}']
    await world.call("iot", "disable_topic_rule", ruleName="r")
    await world.publish("x", {})
    assert await world.received() == []
    await world.call("iot", "enable_topic_rule", ruleName="r")
    await world.publish("x", {})
    assert await world.received() == ['{"v":2}']
    await world.call("iot", "delete_topic_rule", ruleName="r")
    await world.publish("x", {})
    assert await world.received() == []
    assert world.aws.rules.rules == ()


@pytest.mark.parametrize(
    ("sql", "action", "code", "words"),
    [
        ("SELECT newuuid() AS u FROM 'x'", {}, "SqlParseException", "function newuuid()"),
        ("SELECT * FROM 'x' WHERE a IN [1]", {}, "SqlParseException", "support IN"),
        ("SELECT", {}, "SqlParseException", "ends too early"),
        (
            "SELECT * FROM 'x'",
            {"kinesis": {"streamName": "s", "roleArn": "arn:aws:iam::123456789012:role/rules"}},
            "InvalidRequestException",
            "the action kinesis",
        ),
    ],
)
async def test_a_rule_outside_the_subset_is_refused_by_name(
    world: World, sql: str, action: dict[str, Any], code: str, words: str
) -> None:
    """When it is made, never when it should have fired; moto does not see it."""
    call = world.make_rule(sql, action or world.to_queue())
    status, found, message = await refused(call)
    assert (status, found) == (400, code)
    assert words in message
    assert (await world.call("iot", "list_topic_rules"))["rules"] == []


async def test_making_a_rule_needs_rights(world: World) -> None:
    """To make it, and to pass its role to the rules engine."""
    rule = f"arn:aws:iot:{HERE}:rule/*"
    maker = world.aws.moto.create_user_key("maker", {"p": allow("iot:CreateTopicRule", rule)})
    client = world.client("iot", maker)
    payload = {"sql": "SELECT * FROM 'x'", "actions": [world.to_queue()]}

    def make() -> Any:
        return asyncio.to_thread(client.create_topic_rule, ruleName="r", topicRulePayload=payload)

    status, _, message = await refused(make())
    assert status == 403
    assert "iam:PassRole" in message
    assert any(one.action == "iam:PassRole" for one in world.aws.denials.latest())
    condition = {"StringEquals": {"iam:PassedToService": "iot.amazonaws.com"}}
    passing = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "iot:CreateTopicRule", "Resource": rule},
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": world.role,
                "Condition": condition,
            },
        ],
    }
    world.aws.moto.create_user_key("maker", {"p": passing})
    await make()


async def failure(world: World, action: dict[str, Any], payload: bytes = b"{}") -> str:
    """Return what the error action is told about an action that must fail."""
    await world.make_rule("SELECT * FROM 'x'", action, errorAction=world.to_queue())
    await world.publish("x", payload)
    (body,) = await world.received()
    document = json.loads(body)
    assert document["ruleName"] == "r"
    assert document["topic"] == "x"
    assert base64.b64decode(document["base64OriginalPayload"]) == payload
    (one,) = document["failures"]
    return str(one["errorMessage"])


async def test_a_role_that_does_not_trust_the_engine_cannot_be_used(world: World) -> None:
    """The trust policy must name iot.amazonaws.com."""
    await world.call("sns", "create_topic", Name="events")
    role = world.aws.moto.create_role(
        "other", trust({"Service": "lambda.amazonaws.com"}), {"all": allow("*")}
    )
    told = await failure(world, {"sns": {"targetArn": TOPIC, "roleArn": role}})
    assert "trust policy does not let iot.amazonaws.com act" in told


async def test_a_role_without_the_right_is_denied_by_the_target(world: World) -> None:
    """sns:Publish on the topic; the denial can be looked up."""
    await world.call("sns", "create_topic", Name="events")
    role = world.aws.moto.create_role(
        "narrow", trust(IOT), {"p": allow("sns:Publish", f"{TOPIC}-other")}
    )
    told = await failure(world, {"sns": {"targetArn": TOPIC, "roleArn": role}})
    assert "is not authorized to perform: sns:Publish" in told
    assert "assumed-role/narrow/rules-engine" in told
    denied = world.aws.denials.latest(action="sns:Publish")
    assert [one.resource for one in denied] == [TOPIC]


async def test_republishing_needs_a_right(world: World) -> None:
    """iot:Publish on the target topic, by the role."""
    right = allow("iot:Publish", f"arn:aws:iot:{HERE}:topic/copy/*")
    role = world.aws.moto.create_role("narrow", trust(IOT), {"p": right})
    told = await failure(world, {"republish": {"topic": "elsewhere", "roleArn": role}})
    assert "may not iot:Publish to elsewhere" in told
    assert "no statement of the identity policy allows it" in told


async def test_a_function_must_permit_the_rule(world: World) -> None:
    """Without AddPermission for the rule, AWS does not invoke; without a function it cannot."""
    arn = world.aws.functions.register("f", lambda: lambda _event, _context: None)
    world.aws.functions.permit(
        arn, principal="iot.amazonaws.com", source_arn=f"arn:aws:iot:{HERE}:rule/other"
    )
    assert "has no permission to invoke" in await failure(world, {"lambda": {"functionArn": arn}})
    await world.call("iot", "delete_topic_rule", ruleName="r")
    told = await failure(world, {"lambda": {"functionArn": f"{arn}-gone"}})
    assert "there is no function" in told


async def test_missing_targets_are_told(world: World) -> None:
    """SNS's own words reach the error action."""
    told = await failure(world, {"sns": {"targetArn": f"{TOPIC}-gone", "roleArn": world.role}})
    assert "Error Code: NotFound" in told


async def test_one_failure_spoils_no_other_action(world: World) -> None:
    """Actions are independent of each other."""
    bad = {"lambda": {"functionArn": "arn:${missing}"}}
    await world.make_rule("SELECT * FROM 'x'", bad, world.to_queue())
    await world.publish("x", {"a": 1})
    assert await world.received() == ['{"a": 1}']


async def test_a_function_that_fails_is_not_the_rules_business(world: World) -> None:
    """AWS invokes asynchronously, so the error action hears nothing."""

    def fail(_event: object, _context: object) -> None:
        raise RuntimeError

    arn = world.aws.functions.register("f", lambda: fail)
    world.aws.functions.permit(arn, principal="iot.amazonaws.com")
    await world.make_rule(
        "SELECT * FROM 'x'", {"lambda": {"functionArn": arn}}, errorAction=world.to_queue()
    )
    await world.publish("x", {})
    assert await world.received() == []


async def test_payloads_that_are_no_json(world: World) -> None:
    """`*` and encode work on bytes; a rule that needs an object does nothing and says so."""
    await world.make_rule("SELECT encode(*, 'base64') AS p FROM 'x'", world.to_queue())
    await world.make_rule("SELECT *, 1 AS v FROM 'x'", world.to_queue(), name="needs_object")
    await world.publish("x", b"\xff\x00")
    assert await world.received() == ['{"p":"/wA="}']
