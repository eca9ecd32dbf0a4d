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
from infra.inbox_policies import inbox_policy
from infra.policies import gateway_policy
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

    def environ(self, **settings: str) -> dict[str, str]:
        """Return the environment of a gateway with exactly the rights that infra gives it."""
        key = self.aws.moto.create_user_key(
            "inbox-gateway",
            {
                "gateway": gateway_policy(self.aws.stack.place),
                "inbox": inbox_policy(
                    queue_arn=self.arn, dead_letter_arn=self.arn_of(self.dead_url)
                ),
            },
        )
        return environment(
            AWS_ACCESS_KEY_ID=key.access_key_id,
            AWS_SECRET_ACCESS_KEY=key.secret.reveal(),
            GATEWAY_NAMESPACE="local",
            GATEWAY_IOT_ENDPOINT=self.aws.endpoints.iot_url,
            GATEWAY_INBOX=self.url,
            GATEWAY_KEYS_FILE=str(self.keys_file),
            **settings,
        )

    @asynccontextmanager
    async def gateway(self, **settings: str) -> AsyncIterator[GatewayProcess]:
        """Run a gateway that takes from the inbox."""
        async with gateway_process(self.environ(**settings)) as process:
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
                    VisibilityTimeout=600,
                )
                for message in answer.get("Messages", []):
                    attributes = message.get("MessageAttributes", {})
                    said = {name: one["StringValue"] for name, one in attributes.items()}
                    found.append({"body": message["Body"], **said})
                await asyncio.sleep(0.05)
        return found

    async def emptied(self) -> None:
        """Wait until nothing is in the inbox, hidden or not."""
        async with asyncio.timeout(WAIT_S):
            while await self.depth():  # noqa: ASYNC110
                await asyncio.sleep(0.05)

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
            for service in ("sqs", "events", "iam")
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


def _allow(action: str, resource: str) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}
