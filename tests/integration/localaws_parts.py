"""The AWS front and the HTTP data plane on free ports, with real keys, for tests of either.

Owns starting and stopping them and the example roles. Does not own the whole of localaws
(`localaws.embedded` does): these tests are about two parts of it.
"""

from __future__ import annotations

import socket
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from aiohttp import web
from botocore.config import Config

from localaws.aws_front import AwsFront
from localaws.broker_loop import BrokerLoop
from localaws.clock import Clock
from localaws.core.authentication import Authentication
from localaws.core.broker import Broker
from localaws.core.observer import Observer
from localaws.core.quotas import Quotas
from localaws.data_plane import DataPlane
from localaws.moto_server import MotoServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from localaws.core.message import Message
    from localaws.core.observer import Denial
    from localaws.core.signature import AccessKey

ACCOUNT = "123456789012"
REGION = "us-east-1"
ADMIN: dict[str, object] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def allow(action: str | list[str], resource: str | list[str] = "*") -> dict[str, object]:
    """Return a policy of one Allow statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def trust(principal: Mapping[str, object]) -> dict[str, object]:
    """Return a trust policy for one principal."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


class Published(Observer):
    """What reached the broker."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def published(self, message: Message, now: float) -> None:
        """Remember a message."""
        del now
        self.messages.append(message)


@dataclass
class Parts:
    """What a test talks to."""

    moto: MotoServer
    aws_url: str
    iot_url: str
    clock: Clock
    published: Published
    denials: list[Denial]

    def client(self, service: str, key: AccessKey, *, url: str = "", region: str = REGION) -> Any:
        """Return a real boto3 client that signs with a key and does not try again."""
        make: Any = boto3.client  # its stubs want a literal service name
        return make(
            service,
            endpoint_url=url or (self.iot_url if service == "iot-data" else self.aws_url),
            region_name=region,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret.reveal(),
            aws_session_token=key.session_token.reveal() if key.session_token else None,
            config=Config(retries={"max_attempts": 0}, read_timeout=20, connect_timeout=5),
        )


@asynccontextmanager
async def running_parts(quotas: Quotas | None = None) -> AsyncIterator[Parts]:
    """Run both parts on free loopback ports."""
    moto = MotoServer(account=ACCOUNT, region=REGION)
    moto.start()
    clock, published, denials = Clock(), Published(), list[Any]()
    front = AwsFront(moto, clock=clock.utc, stop_timeout_s=1)
    broker = Broker(
        new_id=lambda: str(uuid.uuid4()), pick=lambda _: 0, quotas=quotas, observer=published
    )
    turns = BrokerLoop(broker, clock=clock.steady)
    turns.start()
    plane = DataPlane(
        turns,
        authentication=Authentication(moto.directory, region=REGION),
        clock=clock,
        on_denied=denials.append,
    )
    runner = web.AppRunner(plane.application(), shutdown_timeout=1)
    await runner.setup()
    aws, iot = _listener(), _listener()
    await front.start(aws)
    await web.SockSite(runner, iot).start()
    try:
        yield Parts(
            moto=moto,
            aws_url=f"http://127.0.0.1:{aws.getsockname()[1]}",
            iot_url=f"http://127.0.0.1:{iot.getsockname()[1]}",
            clock=clock,
            published=published,
            denials=denials,
        )
    finally:
        await runner.cleanup()
        await turns.stop()
        await front.stop()
        moto.stop()


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener
