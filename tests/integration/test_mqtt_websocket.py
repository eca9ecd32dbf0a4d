"""MQTT over WebSocket: paho-mqtt, unchanged, against the real shell under uvloop.

The authenticator lets everybody in whose URL does not say otherwise, and the policy denies what is
named `secret`; signatures and real policies have their own tests.
"""

import asyncio
import queue
import random
import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import paho.mqtt.client as paho
import pytest
import uvloop
from aiohttp import web
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from localaws.broker_loop import Limits
from localaws.core.authorizer import Context, ResourceKind
from localaws.core.broker import Broker
from localaws.core.message import Message
from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.packet import encode
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from localaws.core.refusal import Refusal
from localaws.port import Port
from localaws.websocket import MqttEndpoint

WAIT_S = 5.0


@dataclass(frozen=True)
class Answer:
    """A decision."""

    allowed: bool
    explanation: str = "the test says so"


class Everyone:
    """May do anything, but nothing with a name that holds `secret`."""

    user_id = "AROATEST:everyone"

    def decide(self, action: str, _kind: ResourceKind, name: str, _context: Context) -> Answer:
        """Deny what holds `secret`."""
        assert action.startswith("iot:")
        return Answer("secret" not in name)


def let_in(path: str, query: str, headers: Mapping[str, str], now: datetime) -> Everyone | Refusal:
    """Refuse a handshake whose query says `refuse`."""
    assert path == "/mqtt"
    if query == "refuse":
        return Refusal(
            403, "ForbiddenException", "The security token included in the request is invalid."
        )
    return Everyone()


@dataclass
class Served:
    """A running endpoint."""

    port: int
    endpoint: MqttEndpoint
    loop: asyncio.AbstractEventLoop

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """Publish as the HTTP data plane does, from any thread."""
        message = Message(topic=topic, payload=payload, qos=qos)
        self.loop.call_soon_threadsafe(self.endpoint.publish, message, time.time())


@asynccontextmanager
async def serving(
    *, limits: Limits | None = None, first_bytes_timeout_s: float = 5
) -> AsyncIterator[Served]:
    """Run the endpoint and an HTTP application on one free port."""
    broker = Broker(
        new_id=lambda: str(uuid.uuid4()),
        pick=random.Random(1).randrange,  # noqa: S311 (chooses a member of a group)
        quotas=Quotas(publishes_per_s=None, bytes_per_s=None, connects_per_s=None),
    )
    endpoint = MqttEndpoint(broker, authenticate=let_in, clock=time.time, limits=limits)
    app = web.Application()

    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {len(await request.read())}")

    app.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    port = Port(
        http=runner.server, mqtt=endpoint.protocol, first_bytes_timeout_s=first_bytes_timeout_s
    )
    listener = socket.create_server(("127.0.0.1", 0))
    endpoint.start()
    await port.open(listener)
    try:
        yield Served(listener.getsockname()[1], endpoint, asyncio.get_running_loop())
    finally:
        await port.close()
        await endpoint.stop()
        await runner.cleanup()


@contextmanager
def served(**settings: float | Limits) -> Iterator[Served]:
    """Run the endpoint on uvloop in a thread of its own, for a blocking client."""
    box: queue.Queue[Served] = queue.Queue()
    stop: list[Callable[[], object]] = []

    async def run() -> None:
        async with serving(**settings) as one:  # type: ignore[arg-type]
            over = asyncio.Event()
            stop.append(lambda: one.loop.call_soon_threadsafe(over.set))
            box.put(one)
            await over.wait()

    thread = threading.Thread(target=lambda: uvloop.run(run()), name="localaws")
    thread.start()
    try:
        yield box.get(timeout=WAIT_S)
    finally:
        stop[0]()
        thread.join(WAIT_S)
        assert not thread.is_alive()


class Client:
    """A paho client whose callbacks fill queues."""

    def __init__(
        self, port: int, client_id: str, protocol: MQTTProtocolVersion, query: str = ""
    ) -> None:
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.events: queue.Queue[str] = queue.Queue()
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            transport="websockets",
            protocol=protocol,
            reconnect_on_failure=False,
        )
        self._paho.on_message = lambda _client, _data, message: self.messages.put(message)
        self._paho.on_connect = lambda _c, _d, _f, code, _p: self.events.put(f"connected {code}")
        self._paho.on_subscribe = lambda _c, _d, _m, codes, _p: self.events.put(
            f"subscribed {codes[0]}"
        )
        self._paho.on_publish = lambda *_: self.events.put("published")
        self._paho.on_disconnect = lambda _c, _d, _f, code, _p: self.events.put(
            f"disconnected {code}"
        )
        self._paho.ws_set_options(path=f"/mqtt?{query}")
        self._port = port

    def __enter__(self) -> "Client":
        self._paho.connect("127.0.0.1", self._port)
        self._paho.loop_start()
        self.expect("connected Success")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    def expect(self, event: str) -> None:
        """Wait for the next event and compare its start."""
        assert self.events.get(timeout=WAIT_S).startswith(event)

    def subscribe(self, topic_filter: str, qos: int = 1) -> None:
        """Subscribe and wait until it is granted."""
        self._paho.subscribe(topic_filter, qos)
        self.expect(f"subscribed Granted QoS {qos}")

    def ask(self, topic_filter: str) -> None:
        """Subscribe without waiting."""
        self._paho.subscribe(topic_filter, 1)

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish and wait until it is acknowledged."""
        self._paho.publish(topic, payload, qos)
        self.expect("published")

    def next(self) -> tuple[str, bytes, int]:
        """Wait for the next message."""
        message = self.messages.get(timeout=WAIT_S)
        return message.topic, bytes(message.payload), message.qos


BOTH = pytest.mark.parametrize("protocol", [paho.MQTTv311, paho.MQTTv5], ids=["3.1.1", "5"])


@BOTH
def test_a_message_reaches_its_subscribers(protocol: MQTTProtocolVersion) -> None:
    """What one client publishes reaches those subscribed to its topic, at both QoS."""
    with (
        served() as one,
        Client(one.port, "42.a", protocol) as receiver,
        Client(one.port, "42.b", protocol) as sender,
    ):
        receiver.subscribe("ns/user/+")
        sender.publish("ns/user/42", b"first", qos=1)
        sender.publish("ns/other", b"not this one", qos=1)
        sender.publish("ns/user/42", b"second", qos=0)
        assert receiver.next() == ("ns/user/42", b"first", 1)
        assert receiver.next() == ("ns/user/42", b"second", 0)


@BOTH
def test_http_publishes_reach_subscribers(protocol: MQTTProtocolVersion) -> None:
    """What is published beside MQTT, by the data plane, is delivered as well, also at full size."""
    with served() as one, Client(one.port, "42.a", protocol) as receiver:
        receiver.subscribe("ns/everyone")
        one.publish("ns/everyone", b"Hi!", qos=1)
        one.publish("ns/everyone", bytes(131_072))
        assert receiver.next() == ("ns/everyone", b"Hi!", 1)
        assert receiver.next() == ("ns/everyone", bytes(131_072), 0)


@BOTH
def test_a_denied_subscribe_closes_the_connection(protocol: MQTTProtocolVersion) -> None:
    """IoT Core closes a connection that asks for what its policy does not allow."""
    with served() as one, Client(one.port, "42.a", protocol) as client:
        client.ask("ns/secret")
        if protocol == paho.MQTTv5:
            client.expect("subscribed Not authorized")
            client.expect("disconnected Not authorized")
        else:
            client.expect("disconnected")


@BOTH
def test_a_second_connection_takes_the_client_id_over(protocol: MQTTProtocolVersion) -> None:
    """The newer connection stays, the older one is closed."""
    with (
        served() as one,
        Client(one.port, "42.a", protocol) as older,
        Client(one.port, "42.a", protocol) as newer,
    ):
        older.expect("disconnected")
        newer.subscribe("ns/everyone")
        one.publish("ns/everyone", b"for the newer")
        assert newer.next()[1] == b"for the newer"


def test_a_refused_handshake_gets_json() -> None:
    """A handshake that is not authenticated is answered 403 with the gateway's JSON and headers."""

    async def shake() -> None:
        async with serving() as one, aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"http://127.0.0.1:{one.port}/mqtt?refuse")
            assert refused.value.status == 403
            assert refused.value.headers is not None
            assert refused.value.headers["x-amzn-ErrorType"] == "ForbiddenException:"
            assert refused.value.headers["Content-Length"] == "117"

    uvloop.run(shake())


def test_one_port_serves_http_and_websockets() -> None:
    """Requests for anything but /mqtt reach the HTTP application; /mqtt without upgrade is 426."""

    async def ask() -> None:
        async with serving() as one, aiohttp.ClientSession() as http:
            base = f"http://127.0.0.1:{one.port}"
            async with http.get(f"{base}/mqtt?a=b", headers={"Connection": "close"}) as answer:
                assert answer.status == 426
                assert (await answer.json())["message"] == "Upgrade Required"
            for _ in range(2):
                async with http.post(f"{base}/topics/a", data=bytes(100_000)) as answer:
                    assert await answer.text() == "POST 100000"
            async with http.get(f"{base}/mqttish") as answer:
                assert await answer.text() == "GET 0"

    uvloop.run(ask())


def test_the_offered_subprotocol_is_echoed() -> None:
    """`mqtt` and `mqttv3.1` are echoed as offered; none offered is fine."""

    async def shake() -> None:
        async with serving() as one, aiohttp.ClientSession() as http:
            url = f"http://127.0.0.1:{one.port}/mqtt"
            for offered in ("mqtt", "mqttv3.1", None):
                protocols = (offered,) if offered else ()
                async with http.ws_connect(url, protocols=protocols) as socket_:
                    assert socket_.protocol == offered

    uvloop.run(shake())


def test_a_handshake_in_small_pieces_works() -> None:
    """The port waits for enough bytes to decide, and the handshake for the rest."""

    async def shake() -> None:
        async with serving() as one:
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            request = (
                "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            )
            for sign in request:
                writer.write(sign.encode())
                await asyncio.sleep(0)
            assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
            writer.close()
            await writer.wait_closed()

    uvloop.run(shake())


def test_a_silent_connection_is_closed() -> None:
    """A connection that says nothing is closed after the time for its first bytes."""

    async def wait() -> None:
        async with serving(first_bytes_timeout_s=0.05) as one:
            reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
            assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
            writer.close()
            await writer.wait_closed()

    uvloop.run(wait())


def test_a_receiver_that_does_not_read_is_dropped_and_slows_nobody() -> None:
    """Its unsent bytes are bounded: it is dropped, and the others get everything."""

    async def run() -> None:
        async with (
            serving(limits=Limits(unsent_bytes=100_000)) as one,
            aiohttp.ClientSession() as http,
        ):
            url = f"http://127.0.0.1:{one.port}/mqtt"
            soon = aiohttp.ClientWSTimeout(ws_close=0.1)
            async with (
                http.ws_connect(url, timeout=soon) as stuck,
                http.ws_connect(url) as healthy,
            ):
                for client_id, websocket in (("stuck", stuck), ("healthy", healthy)):
                    hello = encode(Connect(version=Version.V311, client_id=client_id), Version.V311)
                    request = Subscribe(packet_id=1, requests=(Request(topic_filter="t"),))
                    await websocket.send_bytes(hello + encode(request, Version.V311))
                    await websocket.receive_bytes()
                # aiohttp has no public way to stop reading from a socket.
                stuck._response.connection.transport.pause_reading()  # type: ignore[union-attr]
                for _ in range(400):
                    one.endpoint.publish(Message(topic="t", payload=bytes(50_000)), time.time())
                    received = await asyncio.wait_for(healthy.receive_bytes(), WAIT_S)
                    assert len(received) > 50_000
                assert set(one.endpoint.broker.sessions) == {"healthy"}

    uvloop.run(run())


def test_shutdown_closes_with_going_away() -> None:
    """Stopping ends every connection with WebSocket code 1001."""

    async def run() -> None:
        async with aiohttp.ClientSession() as http, serving() as one:
            websocket = await http.ws_connect(f"http://127.0.0.1:{one.port}/mqtt")
            hello = encode(Connect(version=Version.V311, client_id="c"), Version.V311)
            await websocket.send_bytes(hello)
            await websocket.receive_bytes()
            await one.endpoint.stop()
            last = await websocket.receive()
            assert (last.type, last.data) == (aiohttp.WSMsgType.CLOSE, 1001)

    uvloop.run(run())
