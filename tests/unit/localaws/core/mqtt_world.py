"""The words of the broker's tests: a world with a broker and a clock, and clients in it.

Clients and broker exchange bytes, as they do over a socket, so codec and broker are tested together.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from localaws.core.authorizer import Context, ResourceKind
from localaws.core.broker import Broker
from localaws.core.connection import Connection, DisconnectReason, Ending
from localaws.core.message import Message
from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect, Will
from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.packet import Packet, encode
from localaws.core.mqtt.properties import NO_PROPERTIES, Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.suback import Suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.unsuback import Unsuback
from localaws.core.mqtt.unsubscribe import Unsubscribe
from localaws.core.mqtt.version import Version
from localaws.core.observer import Denial, Observer
from localaws.core.quotas import Quotas

V311, V5 = Version.V311, Version.V5

Kind = TypeVar("Kind")

START = 1_000_000.0

UNLIMITED = Quotas(publishes_per_s=None, connects_per_s=None, retained_per_s=None)
"""No rates: the clock of a world stands still, so every rate would be used up soon."""


@dataclass(frozen=True)
class Verdict:
    """A decision."""

    allowed: bool
    explanation: str = "a rule of the test"


Rule = Callable[[str, str], bool]
"""Action and name to allowed."""


@dataclass
class Caller:
    """Somebody with a policy made of one rule; remembers what was asked."""

    rule: Rule = lambda _action, _name: True
    user_id: str = "AROATEST:user"
    asked: list[tuple[str, ResourceKind, str]] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)

    def decide(self, action: str, kind: ResourceKind, name: str, context: Context) -> Verdict:
        """Apply the rule."""
        self.asked.append((action, kind, name))
        self.contexts.append(context)
        return Verdict(self.rule(action, name))


class Watcher(Observer):
    """Keeps everything it sees."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.endings: list[Ending] = []
        self.denials: list[Denial] = []
        self.drops: list[tuple[str, str]] = []

    def published(self, message: Message, now: float) -> None:
        """Keep a message."""
        self.messages.append(message)

    def disconnected(self, connection: Connection, ending: Ending, now: float) -> None:
        """Keep an ending."""
        self.endings.append(ending)

    def denied(self, denial: Denial, now: float) -> None:
        """Keep a denial."""
        self.denials.append(denial)

    def dropped(self, client_id: str, why: str, now: float) -> None:
        """Keep who missed a message, and why."""
        self.drops.append((client_id, why))

    def events(self, kind: str) -> list[Message]:
        """Return the lifecycle events of a kind."""
        return [one for one in self.messages if one.topic.startswith("$aws/") and kind in one.topic]


class World:
    """A broker, a clock and whoever watches."""

    def __init__(self, quotas: Quotas | None = None) -> None:
        numbers = itertools.count(1)
        self.watcher = Watcher()
        self.now = START
        self.picks: list[int] = []
        self.broker = Broker(
            new_id=lambda: f"id-{next(numbers)}",
            pick=lambda count: (self.picks.pop(0) if self.picks else 0) % count,
            quotas=quotas or UNLIMITED,
            observer=self.watcher,
        )

    def transport(self, caller: Caller | None = None) -> "Client":
        """Open a connection that has not said CONNECT."""
        return Client(self, caller or Caller())

    def client(
        self,
        client_id: str = "c",
        version: Version = V311,
        *,
        caller: Caller | None = None,
        clean: bool = True,
        keep_alive_s: int = 60,
        will: Will | None = None,
        properties: Properties = NO_PROPERTIES,
    ) -> "Client":
        """Open a connection and say CONNECT; the answer is not read yet."""
        made = self.transport(caller)
        made.send(
            Connect(
                version=version,
                client_id=client_id,
                clean_start=clean,
                keep_alive_s=keep_alive_s,
                will=will,
                properties=properties,
            )
        )
        return made

    def connected(
        self,
        client_id: str = "c",
        version: Version = V311,
        *,
        caller: Caller | None = None,
        clean: bool = True,
        keep_alive_s: int = 60,
        will: Will | None = None,
        properties: Properties = NO_PROPERTIES,
    ) -> "Client":
        """Open a connection, say CONNECT and expect success."""
        made = self.client(
            client_id,
            version,
            caller=caller,
            clean=clean,
            keep_alive_s=keep_alive_s,
            will=will,
            properties=properties,
        )
        made.connack = made.take(Connack)
        assert made.connack.code == 0
        return made

    def publish(
        self, topic: str, payload: bytes = b"x", qos: int = 0, *, retain: bool = False
    ) -> None:
        """Publish from outside MQTT."""
        self.broker.publish(Message(topic=topic, payload=payload, qos=qos, retain=retain), self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, and the broker know it."""
        self.now += seconds
        self.broker.tick(self.now)


class Client:
    """The other end of one connection."""

    def __init__(self, world: World, caller: Caller) -> None:
        self.world = world
        self.connection = world.broker.open(caller, address="192.0.2.7", now=world.now)
        self.connack: Connack = Connack(code=255)
        self._decoder = Decoder(version=V311)
        self._ids = itertools.count(1)
        self._received: list[Packet] = []

    @property
    def version(self) -> Version:
        """What this client speaks."""
        return self.connection.version

    @property
    def ending(self) -> DisconnectReason | None:
        """Why the broker ended the connection, or None."""
        return None if self.connection.ending is None else self.connection.ending.reason

    def send(self, *packets: Packet) -> None:
        """Send packets in one portion."""
        version = next((one.version for one in packets if isinstance(one, Connect)), self.version)
        data = b"".join(encode(one, version) for one in packets)
        self._decoder.version = version
        self.world.broker.receive(self.connection, data, self.world.now)

    def received(self) -> list[Packet]:
        """Return and forget what the broker has sent."""
        self.world.broker.take_ready(self.world.now)
        outbox, self.connection.outbox = self.connection.outbox, []
        self._received += self._decoder.feed(b"".join(outbox))
        assert self._decoder.failure is None
        received, self._received = self._received, []
        return received

    def take(self, kind: type[Kind]) -> Kind:
        """Return the next packet, which must be of a kind."""
        received = self.received()
        assert received, f"nothing came, {kind.__name__} was expected"
        first, *self._received = received
        assert isinstance(first, kind), first
        return first

    def subscribe(self, *filters: str, qos: int = 1) -> tuple[int, ...]:
        """Subscribe; return the codes."""
        requests = tuple(Request(topic_filter=one, qos=qos) for one in filters)
        self.send(Subscribe(packet_id=next(self._ids), requests=requests))
        return self.take(Suback).codes

    def unsubscribe(self, *filters: str) -> tuple[int, ...]:
        """Unsubscribe; return the codes."""
        self.send(Unsubscribe(packet_id=next(self._ids), topic_filters=filters))
        return self.take(Unsuback).codes

    def publish(
        self,
        topic: str,
        payload: bytes = b"x",
        qos: int = 0,
        *,
        retain: bool = False,
        properties: Properties = NO_PROPERTIES,
    ) -> None:
        """Publish; the acknowledgement is not read yet."""
        self.send(
            Publish(
                topic=topic,
                payload=payload,
                qos=qos,
                retain=retain,
                packet_id=next(self._ids) if qos else None,
                properties=properties,
            )
        )

    def messages(self, *, acknowledge: bool = True) -> list[Publish]:
        """Return the messages that came, acknowledged unless told otherwise."""
        found: list[Publish] = []
        while True:
            came = [one for one in self.received() if isinstance(one, Publish)]
            if not came:
                return found
            found += came
            if acknowledge and self.connection.ending is None:
                self.acknowledge(*came)

    def acknowledge(self, *messages: Publish) -> None:
        """Send PUBACK for messages with QoS 1."""
        for one in messages:
            if one.packet_id is not None:
                self.send(Puback(packet_id=one.packet_id))

    def payloads(self) -> list[bytes]:
        """Return the payloads of the messages that came, and acknowledge them."""
        return [one.payload for one in self.messages()]

    def disconnect(self) -> None:
        """Say goodbye."""
        self.send(Disconnect())

    def lose(self, reason: DisconnectReason = DisconnectReason.CONNECTION_LOST) -> None:
        """Lose the transport without a word."""
        self.world.broker.lost(self.connection, reason, "the test", self.world.now)
