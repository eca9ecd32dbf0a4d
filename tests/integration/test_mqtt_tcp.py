"""MQTT over plain TCP: the same broker for tools on this machine."""

from __future__ import annotations

import asyncio
import random
import socket
import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from localaws.broker_loop import BrokerLoop, Limits
from localaws.core.broker import Broker
from localaws.core.login import Anonymous, Login, Nobody
from localaws.core.message import Message
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.packet import Packet, encode
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.suback import Suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from localaws.errors import Misuse
from localaws.tcp import TcpPort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localaws.core.authorizer import Authorizer

WAIT_S = 5.0


def log_in(user_name: str | None, password: bytes | None, now: float) -> Authorizer | str:
    """Let one user in."""
    del now
    return Anonymous() if (user_name, password) == ("AKIA", b"secret") else "wrong"


class Client:
    """A client on a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self._decoder = Decoder(version=Version.V311)
        self._received: list[Packet] = []

    def send(self, *packets: Packet) -> None:
        """Send packets."""
        self.writer.write(b"".join(encode(one, Version.V311) for one in packets))

    async def next(self) -> Packet | None:
        """Return the next packet; None at the end of the stream."""
        while not self._received:
            data = await asyncio.wait_for(self._reader.read(65_536), WAIT_S)
            if not data:
                return None
            self._received += self._decoder.feed(data)
        return self._received.pop(0)

    async def connect(self, client_id: str, password: bytes = b"secret") -> Packet | None:
        """Say CONNECT and return the answer."""
        self.send(
            Connect(version=Version.V311, client_id=client_id, user_name="AKIA", password=password)
        )
        return await self.next()

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe."""
        request = Request(topic_filter=topic_filter, qos=1)
        self.send(Subscribe(packet_id=1, requests=(request,)))
        assert isinstance(await self.next(), Suback)


class Served:
    """A broker and its TCP port."""

    def __init__(self, turns: BrokerLoop, port: int) -> None:
        self.turns = turns
        self.port = port

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Open a connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Client(reader, writer)
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(
    *, quotas: Quotas | None = None, limits: Limits | None = None, login: Login = log_in
) -> AsyncIterator[Served]:
    """Run a broker on a free TCP port."""
    broker = Broker(
        new_id=lambda: str(uuid.uuid4()),
        pick=random.Random(1).randrange,  # noqa: S311 (chooses a member of a group)
        quotas=quotas or Quotas(publishes_per_s=None, bytes_per_s=None),
    )
    turns = BrokerLoop(broker, clock=time.time, limits=limits)
    turns.start()
    port = TcpPort(turns, login=login)
    listener = socket.create_server(("127.0.0.1", 0))
    await port.open(listener)
    try:
        yield Served(turns, listener.getsockname()[1])
    finally:
        await port.close()
        await turns.stop()


async def test_a_message_goes_from_client_to_client() -> None:
    """CONNECT with the right words, SUBSCRIBE, PUBLISH."""
    async with serving() as one, one.client() as receiver, one.client() as sender:
        assert await receiver.connect("a") == Connack(code=0)
        assert await sender.connect("b") == Connack(code=0)
        await receiver.subscribe("ns/+")
        sender.send(Publish(topic="ns/x", payload=b"hi"))
        assert await receiver.next() == Publish(topic="ns/x", payload=b"hi")


async def test_the_wrong_words_are_refused() -> None:
    """CONNACK 4, then the end."""
    async with serving() as one, one.client() as client:
        assert await client.connect("a", b"guess") == Connack(code=4)
        assert await client.next() is None


async def test_shutdown_closes_the_connections() -> None:
    """Stopping ends every connection."""
    async with serving() as one, one.client() as client:
        await client.connect("a")
        await one.turns.stop()
        assert await client.next() is None


async def test_it_listens_on_loopback_only() -> None:
    """There is no TLS, so nobody from elsewhere may come."""
    turns = BrokerLoop(Broker(new_id=str, pick=lambda _count: 0), clock=time.time)
    with socket.create_server(("0.0.0.0", 0)) as listener, pytest.raises(Misuse):
        await TcpPort(turns, login=lambda *_words: Nobody()).open(listener)


async def test_a_client_above_its_bytes_per_second_is_slowed_down_not_cut() -> None:
    """512 KB a second, here less: what is too much arrives later, in both directions."""
    quotas = Quotas(publishes_per_s=None, bytes_per_s=200_000)
    async with serving(quotas=quotas) as one, one.client() as receiver, one.client() as sender:
        await receiver.connect("a")
        await sender.connect("b")
        await receiver.subscribe("t")
        began = time.monotonic()
        for _ in range(6):
            sender.send(Publish(topic="t", payload=bytes(100_000)))
        for _ in range(6):
            message = await receiver.next()
            assert isinstance(message, Publish)
        # 600,000 bytes: one second's worth and one read at once, the rest at its pace.
        assert 0.5 < time.monotonic() - began < 4


async def test_a_receiver_that_does_not_read_is_dropped_and_slows_nobody() -> None:
    """Its unsent bytes are bounded: it is dropped with THROTTLED, the others get everything."""
    limits = Limits(unsent_bytes=100_000)
    async with (
        serving(limits=limits) as one,
        one.client() as stuck,
        one.client() as healthy,
    ):
        for name, client in (("stuck", stuck), ("healthy", healthy)):
            await client.connect(name)
            await client.subscribe("t")
        transport = stuck.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        for _ in range(400):
            one.turns.publish(Message(topic="t", payload=bytes(50_000)), time.time())
            assert isinstance(await healthy.next(), Publish)
        view = one.turns.broker.connection_of("stuck", time.time())
        assert view is not None
        assert (view.connected, view.disconnect_reason) == (False, "THROTTLED")
