"""A whole stack, applied to a localaws of its own: program, functions, API, pollers, foreign clients.

Owns the order of things and the verbs that tests use: become a browser, run the gateway, read a
queue. Does not own how resources are made (`applied_resources`) or run (`applied_functions`).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from localaws.embedded import LocalAws
from localaws.settings import Settings
from tests.integration.applied_account import AppliedAccount
from tests.integration.applied_functions import (
    Functions,
    gateway_environ,
    polled_queues,
    served_api,
)
from tests.integration.applied_premises import Premises, lay_out
from tests.integration.gateway_process import gateway_process
from tests.unit.infra.program import ACCOUNT, REGION, SECRET, Program, run_program

WAIT_S = 10.0
ORIGIN = "https://app.example.com"
PRINCIPAL = f"arn:aws:iam::{ACCOUNT}:user/shop"

CONFIG = {
    "namespace": "applied",
    "jwtAlgorithms": '["HS256"]',
    "jwtSecret": SECRET,
    "jwtAudience": "push",
    "allowedOrigins": json.dumps([ORIGIN]),
    "gatewayPrincipals": json.dumps([PRINCIPAL]),
    "snsToIot": json.dumps(
        [
            "orders.fifo -> group:orders/*",
            "chat -> group:chat",
            "news -> everyone raw",
        ]
    ),
    "presence": "true",
    "iotLogLevel": "WARN",
    "outbox": "true",
    "inbox": "true",
    "inboxSenders": json.dumps([PRINCIPAL]),
    "inboxRules": json.dumps(['group:support/desk <- {"source": ["com.example.orders"]}']),
    "dashboard": "true",
    "protectData": "false",
    "tracing": "true",
}
"""Everything on, together with what names the account's own things (`applied_premises`)."""


@dataclass(slots=True, kw_only=True)
class AppliedStack:
    """A stack that runs.

    Attributes:
        aws: The localaws it stands in.
        account: What was made.
        program: What the program registered and exported.
        functions: The functions at work.
        premises: What was there before it.
    """

    aws: LocalAws
    account: AppliedAccount
    premises: Premises
    program: Program
    functions: Functions

    @property
    def topics(self) -> Mapping[str, str]:
        """ARNs of the SNS topics by configured name."""
        arns: Mapping[str, str] = self.program.exports["snsTopicArns"]
        return arns

    async def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call an API as the admin."""
        return await asyncio.to_thread(
            getattr(self.account.client(service), operation), **parameters
        )

    async def settled(self) -> None:
        """Wait until rules and bridges have nothing left to do: three looks in a row see nothing."""
        sqs, quiet = self.account.client("sqs"), 0
        queues = [self.account.made.queue_urls[arn] for arn, _, _ in self.account.made.sources]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        async with asyncio.timeout(WAIT_S):
            while quiet < 3:
                await self.aws.rules.idle()
                held = 0
                for url in queues:
                    found = await asyncio.to_thread(
                        sqs.get_queue_attributes, QueueUrl=url, AttributeNames=names
                    )
                    held += sum(int(found["Attributes"][name]) for name in names)
                quiet = 0 if held else quiet + 1
                await asyncio.sleep(0.05)

    async def credentials(self, user: str, **claims: object) -> dict[str, Any]:
        """Trade a token for credentials, as a page of the configured origin does."""
        body = {"sub": user, "aud": "push", "exp": datetime.now(UTC) + timedelta(hours=1)}
        token = jwt.encode(body | claims, SECRET, algorithm="HS256")
        url = urlsplit(self.program.exports["credentialsUrl"])
        assert url.scheme == "https"
        headers = {"Authorization": f"Bearer {token}", "Origin": ORIGIN, "Host": url.netloc}
        async with (
            aiohttp.ClientSession() as session,
            # What DNS and TLS would do on the way to the API.
            session.post(self.account.api_url + url.path, json={}, headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            found: dict[str, Any] = await answer.json()
            return found

    @asynccontextmanager
    async def browser(self, user: str, **claims: object) -> AsyncIterator[Browser]:
        """Connect a client with a signed URL and subscribe to what its credentials list."""
        given = await self.credentials(user, **claims)
        browser = Browser(given)
        await browser.connect()
        try:
            yield browser
        finally:
            browser.close()

    @asynccontextmanager
    async def gateway(
        self, *, insecure: bool = True, **settings: str
    ) -> AsyncIterator[aiohttp.ClientSession]:
        """Run the gateway with the role that the program made for the shop."""
        shop = self.aws.moto.create_user_key("shop", {"become": _may_become_gateway(self.program)})
        sts = await asyncio.to_thread(
            lambda: _assume(self.account, shop, self.program.exports["gatewayRoleArn"])
        )
        if insecure:
            settings["GATEWAY_INSECURE_NO_AUTH"] = "1"
        environ = gateway_environ(self.program.exports["gatewayEnvironment"], sts, **settings)
        async with (
            gateway_process(environ) as process,
            aiohttp.ClientSession(process.url) as session,
        ):
            yield session

    @asynccontextmanager
    async def listening_queue(self, topic_arn: str) -> AsyncIterator[Listener]:
        """Subscribe a queue to an SNS topic, as a service of the user's would."""
        name = f"listener-{topic_arn.rpartition(':')[2]}"
        url = (await self.call("sqs", "create_queue", QueueName=name))["QueueUrl"]
        made = await self.call(
            "sns",
            "subscribe",
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
            Attributes={"RawMessageDelivery": "true"},
        )
        try:
            yield Listener(self, url)
        finally:
            await self.call("sns", "unsubscribe", SubscriptionArn=made["SubscriptionArn"])


@dataclass(slots=True)
class Listener:
    """A queue that a test reads."""

    stack: AppliedStack
    url: str

    async def receive(self, *, within_s: float = WAIT_S) -> Any:
        """Return the next message, read as JSON."""
        async with asyncio.timeout(within_s):
            while True:
                found = await self.stack.call(
                    "sqs", "receive_message", QueueUrl=self.url, MaxNumberOfMessages=1
                )
                for message in found.get("Messages", []):
                    handle = message["ReceiptHandle"]
                    await self.stack.call(
                        "sqs", "delete_message", QueueUrl=self.url, ReceiptHandle=handle
                    )
                    return json.loads(message["Body"])
                await asyncio.sleep(0.02)

    async def is_empty(self) -> bool:
        """Tell whether nothing is in it."""
        found = await self.stack.call("sqs", "receive_message", QueueUrl=self.url)
        return not found.get("Messages")


class Browser:
    """A foreign MQTT client over WebSocket, as a browser is one.

    Args:
        given: What the credential API answered.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.received: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=given["clientId"], transport="websockets"
        )

    async def connect(self) -> None:
        """Connect and wait until all subscriptions are acknowledged."""
        loop = asyncio.get_running_loop()
        subscribed = asyncio.Event()
        url = urlsplit(self.given["url"])
        self._client.ws_set_options(path=f"{url.path}?{url.query}")

        def on_connect(client: paho.Client, *_: object) -> None:
            client.subscribe([(topic, 1) for topic in self.given["subscribe"]])

        def on_subscribe(*_: object) -> None:
            loop.call_soon_threadsafe(subscribed.set)

        def on_message(_client: object, _data: object, message: paho.MQTTMessage) -> None:
            arrived = (message.topic, bytes(message.payload))
            loop.call_soon_threadsafe(self.received.put_nowait, arrived)

        self._client.on_connect = on_connect
        self._client.on_subscribe = on_subscribe
        self._client.on_message = on_message
        assert url.hostname is not None
        assert url.port is not None
        await asyncio.to_thread(self._client.connect, url.hostname, url.port)
        self._client.loop_start()
        async with asyncio.timeout(WAIT_S):
            await subscribed.wait()

    async def next(self) -> tuple[str, Any]:
        """Return the next message: its topic and its payload, read as JSON where it is JSON."""
        async with asyncio.timeout(WAIT_S):
            topic, payload = await self.received.get()
        try:
            return topic, json.loads(payload)
        except ValueError:
            return topic, payload

    async def publish(self, topic: str, content: object) -> None:
        """Publish JSON at QoS 1 and wait for the acknowledgement."""
        sent = self._client.publish(topic, json.dumps(content), qos=1)
        await asyncio.to_thread(sent.wait_for_publish, WAIT_S)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@asynccontextmanager
async def applied(state: Path, config: Mapping[str, str] = CONFIG) -> AsyncIterator[AppliedStack]:
    """Start localaws, apply the program to it, and run what it made.

    Args:
        state: A folder to throw away.
        config: The stack configuration.
    """
    settings = Settings(
        iot_port=0, aws_port=0, api_port=0, state_dir=state, region=REGION, account=ACCOUNT
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with LocalAws(settings) as aws:
            account = AppliedAccount(
                aws_url=aws.endpoints.aws_url,
                api_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
                iot_host=urlsplit(aws.endpoints.iot_url).netloc,
                admin=aws.admin,
                account_id=ACCOUNT,
                region=REGION,
            )
            premises = await asyncio.to_thread(lay_out, account)
            program = await asyncio.to_thread(
                run_program, {**config, **premises.config}, account=account
            )
            functions = Functions(account, aws.moto)
            try:
                async with (
                    served_api(account.made, functions, listener),
                    polled_queues(account, functions),
                ):
                    yield AppliedStack(
                        aws=aws,
                        account=account,
                        premises=premises,
                        program=program,
                        functions=functions,
                    )
            finally:
                await functions.close()


def _may_become_gateway(program: Program) -> dict[str, object]:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": program.exports["gatewayRoleArn"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _assume(account: AppliedAccount, key: Any, role_arn: str) -> dict[str, str]:
    from tests.integration.applied_account import client

    sts = client("sts", key, url=account.aws_url, region=account.region)
    answer = sts.assume_role(RoleArn=role_arn, RoleSessionName="shop")
    found: dict[str, str] = answer["Credentials"]
    return found
