"""An inbox in localaws: its queues, who sends to it, and a gateway that takes from it.

Owns what the inbox tests share: real queues of moto behind verified signatures and evaluated
policies, the gateway as a process with the rights that infra gives it, a browser.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.key_file import write_keys
from gateway.keys import Keyring
from gateway.principals import Principal, new_principal
from infra.inbox_policies import inbox_policy, inbox_rule_policy, inbox_rule_trust_policy
from infra.outbox import HASH_KEY, INDEX, LIST_INDEX, RANGE_KEY
from infra.policies import gateway_policy
from infra.service_policies import outbox_policy
from localaws.embedded import LocalAws
from tests.integration.applied_account import client
from tests.integration.gateway_process import GatewayProcess, environment, gateway_process

WAIT_S = 15.0


@dataclass(slots=True)
class Sender:
    """A service with IAM and no HTTP.

    Attributes:
        id: Its unique id, as SQS stamps it.
        sqs: Its boto3 client.
    """

    id: str
    sqs: Any


@dataclass(slots=True, kw_only=True)
class InboxWorld:
    """Queues, senders and the keys file of one test.

    Attributes:
        aws: The localaws it stands in.
        url: The inbox.
        dead_url: Its dead-letter queue.
        folder: A folder to throw away.
        admin: boto3 clients that may do anything, by service.
    """

    aws: LocalAws
    url: str
    dead_url: str
    folder: Path
    admin: dict[str, Any]
    principals: list[Principal] = field(default_factory=list)
    more_rights: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The inbox's ARN."""
        return self.arn_of(self.url)

    @property
    def keys_file(self) -> Path:
        """The gateway's keys file."""
        return self.folder / "keys.json"

    def sender(self, user: str) -> Sender:
        """Make a user that may send to the inbox, known to the gateway or not."""
        key = self.aws.moto.create_user_key(user, {"send": _allow("sqs:SendMessage", self.arn)})
        known = self.aws.moto.directory.known_key(key.access_key_id)
        assert known is not None
        return Sender(known.principal.user_id, self._client("sqs", key))

    def know(
        self, id_: str, name: str, publish: Sequence[str] = ("*",), rate_per_s: float | None = None
    ) -> None:
        """Name a principal in the keys file."""
        self.principals.append(
            new_principal(
                id_=id_, name=name, publish=publish, rate_per_s=rate_per_s, now=datetime.now(UTC)
            )
        )
        write_keys(self.keys_file, Keyring(principals=self.principals))

    def service(self, name: str, *publish: str, rate_per_s: float | None = None) -> Sender:
        """Make a user that the gateway knows as a service."""
        sender = self.sender(f"{name}-user")
        self.know(sender.id, name, publish or ("*",), rate_per_s)
        return sender

    def know_again(self, id_: str, name: str, rate_per_s: float | None) -> None:
        """Name a principal anew."""
        self.principals = [one for one in self.principals if one.id != id_]
        self.know(id_, name, rate_per_s=rate_per_s)

    def environ(self, *, may_delete: bool = True, **settings: str) -> dict[str, str]:
        """Return the environment of a gateway with exactly the rights that infra gives it."""
        policies: dict[str, dict[str, object]] = {
            "gateway": gateway_policy(self.aws.stack.place),
            "inbox": inbox_policy(queue_arn=self.arn, dead_letter_arn=self.arn_of(self.dead_url)),
            **self.more_rights,
        }
        if not may_delete:
            policies["never"] = _allow("sqs:DeleteMessage", self.arn, effect="Deny")
        key = self.aws.moto.create_user_key("inbox-gateway", policies)
        return environment(
            AWS_ACCESS_KEY_ID=key.access_key_id,
            AWS_SECRET_ACCESS_KEY=key.secret.reveal(),
            GATEWAY_NAMESPACE="local",
            **{
                "GATEWAY_IOT_ENDPOINT": self.aws.endpoints.iot_url,
                "GATEWAY_INBOX": self.url,
                "GATEWAY_KEYS_FILE": str(self.keys_file),
                **settings,
            },
        )

    @asynccontextmanager
    async def gateway(
        self, *, may_delete: bool = True, **settings: str
    ) -> AsyncIterator[GatewayProcess]:
        """Run a gateway that takes from the inbox."""
        async with gateway_process(self.environ(may_delete=may_delete, **settings)) as process:
            with process.reading():
                yield process

    async def send(self, sender: Sender, *bodies: object, group: str = "g", **more: Any) -> Any:
        """Send a message for each body, in order; return the last answer."""
        answer = None
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            answer = await asyncio.to_thread(
                sender.sqs.send_message,
                QueueUrl=self.url,
                MessageBody=text,
                **({"MessageGroupId": group} if self.url.endswith(".fifo") else {}),
                **more,
            )
        return answer

    async def dead_letters(self, count: int) -> list[dict[str, Any]]:
        """Wait for as many dead letters; return body and attributes of each, in order."""
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(WAIT_S):
            while len(found) < count:
                answer = await asyncio.to_thread(
                    self.admin["sqs"].receive_message,
                    QueueUrl=self.dead_url,
                    MaxNumberOfMessages=10,
                    MessageAttributeNames=["All"],
                )
                for message in answer.get("Messages", []):
                    attributes = message.get("MessageAttributes", {})
                    said = {name: one["StringValue"] for name, one in attributes.items()}
                    found.append({"body": message["Body"], **said})
                    await asyncio.to_thread(
                        self.admin["sqs"].delete_message,
                        QueueUrl=self.dead_url,
                        ReceiptHandle=message["ReceiptHandle"],
                    )
                await asyncio.sleep(0.05)
        return found

    async def emptied(self) -> None:
        """Wait until nothing is in the inbox, hidden or not."""
        async with asyncio.timeout(WAIT_S):
            while await self.depth():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def visible(self) -> int:
        """Return how many messages of the inbox anybody could receive now."""
        names = ["ApproximateNumberOfMessages"]
        answer = await self.call("sqs", "get_queue_attributes", AttributeNames=names)
        return int(answer["Attributes"][names[0]])

    async def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call an API as the admin; SQS's about the inbox."""
        about = {"QueueUrl": self.url} if service == "sqs" else {}
        operate = getattr(self.admin[service], operation)
        return await asyncio.to_thread(operate, **about, **parameters)

    async def rule(self, name: str, *, group: str, source: str) -> str:
        """Make a rule as infra makes it, with a role of its own; return the role's unique id."""
        made = await self.call(
            "events", "put_rule", Name=name, EventPattern=json.dumps({"source": [source]})
        )
        account = self.aws.stack.place.account
        trust = inbox_rule_trust_policy(rule_arn=made["RuleArn"], account=account)
        send = inbox_rule_policy(queue_arn=self.arn)
        role_arn = self.aws.moto.create_role(f"rule-{name}", trust, {"send": send})
        target = {
            "Id": "inbox",
            "Arn": self.arn,
            "RoleArn": role_arn,
            "SqsParameters": {"MessageGroupId": group},
        }
        await self.call("events", "put_targets", Rule=name, Targets=[target])
        role = await self.call("iam", "get_role", RoleName=f"rule-{name}")
        return str(role["Role"]["RoleId"])

    async def put_events(self, *entries: dict[str, str]) -> Any:
        """Put events on the default bus."""
        return await self.call("events", "put_events", Entries=list(entries))

    async def shared_outbox(self) -> dict[str, str]:
        """Make a shared outbox; return the settings of gateways that use it."""
        name, table = "outbox.fifo", "outbox"
        sqs, dynamodb = self.admin["sqs"], self.admin["dynamodb"]
        made = await asyncio.to_thread(
            sqs.create_queue, QueueName=name, Attributes={"FifoQueue": "true"}
        )
        keys = [HASH_KEY, RANGE_KEY]
        indexes = [(index, [f"{index}{key}" for key in keys]) for index in (INDEX, LIST_INDEX)]
        every = [*keys, *(key for _, names in indexes for key in names)]
        await asyncio.to_thread(
            dynamodb.create_table,
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": k, "AttributeType": "S"} for k in every],
            KeySchema=_key_schema(keys),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": _key_schema(names),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index, names in indexes
            ],
        )
        place = self.aws.stack.place
        arn = f"arn:aws:dynamodb:{place.region}:{place.account}:table/{table}"
        queue_arn = self.arn_of(made["QueueUrl"])
        self.more_rights["outbox"] = outbox_policy(
            queue_arn=queue_arn, dead_letter_arn=f"{queue_arn}-dead", table_arn=arn
        )
        return {
            "GATEWAY_OUTBOX": f"aws://{made['QueueUrl']}?table={table}",
            "AWS_ENDPOINT_URL": self.aws.endpoints.aws_url,
        }

    async def depth(self, url: str | None = None) -> int:
        """Return how many messages a queue holds, hidden ones included; the inbox by default."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = await asyncio.to_thread(
            self.admin["sqs"].get_queue_attributes,
            QueueUrl=url or self.url,
            AttributeNames=names,
        )
        return sum(int(answer["Attributes"][name]) for name in names)

    def _client(self, service: str, key: Any) -> Any:
        return client(
            service, key, url=self.aws.endpoints.aws_url, region=self.aws.stack.place.region
        )

    def arn_of(self, url: str) -> str:
        """Return a queue's ARN."""
        place = self.aws.stack.place
        return f"arn:aws:sqs:{place.region}:{place.account}:{url.rpartition('/')[2]}"


@asynccontextmanager
async def inbox_world(folder: Path, *, fifo: bool = True) -> AsyncIterator[InboxWorld]:
    """Run localaws with an inbox in it.

    Args:
        folder: A folder to throw away.
        fifo: Whether its queues are FIFO queues.
    """
    async with LocalAws() as aws:
        admin = {
            service: client(
                service, aws.admin, url=aws.endpoints.aws_url, region=aws.stack.place.region
            )
            for service in ("sqs", "events", "iam", "dynamodb")
        }
        world = InboxWorld(aws=aws, url="", dead_url="", folder=folder, admin=admin)
        await asyncio.to_thread(_make_queues, world, fifo=fifo)
        try:
            yield world
        finally:
            for one in admin.values():
                one.close()


def _make_queues(world: InboxWorld, *, fifo: bool) -> None:
    kind = {"FifoQueue": "true", "ContentBasedDeduplication": "true"} if fifo else {}
    suffix, make = ".fifo" if fifo else "", world.admin["sqs"].create_queue
    world.dead_url = make(QueueName=f"inbox-dead{suffix}", Attributes=kind)["QueueUrl"]
    redrive = {"deadLetterTargetArn": world.arn_of(world.dead_url), "maxReceiveCount": 1_000}
    attributes = {**kind, "RedrivePolicy": json.dumps(redrive)}
    world.url = make(QueueName=f"inbox{suffix}", Attributes=attributes)["QueueUrl"]


def _key_schema(names: Sequence[str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind}
        for name, kind in zip(names, ("HASH", "RANGE"), strict=True)
    ]


def _allow(action: str, resource: str, *, effect: str = "Allow") -> dict[str, object]:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}
