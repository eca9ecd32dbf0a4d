"""Sessions against a model: clients come, go, subscribe, publish and forget to acknowledge.

The model knows, for each client with a persistent session, which QoS 1 messages it must still get.
Laws: none is lost, none comes that was published outside a subscription, what comes again is marked,
and each client gets its messages in the order they were published.
"""

from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from localaws.core.message import Message
from localaws.core.mqtt.properties import NO_PROPERTIES, Properties
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.version import Version
from tests.unit.localaws.core.mqtt_world import UNLIMITED, Client, World
from wire.topic import matches

NAMES = ("a", "b", "c")
FILTERS = ("t", "t/1", "t/+", "t/#", "#")
TOPICS = ("t", "t/1", "t/2")

PLAIN = Message(topic="t", payload=b"", qos=1)
LASTING = Properties(session_expiry_interval_s=3_600)

names = st.sampled_from(NAMES)
numbers = st.integers(0, 3)


@dataclass
class Expected:
    """What the model knows of one client.

    Attributes:
        owed: Payloads published inside its subscriptions and not acknowledged, in order.
        seen: Payloads it has received, acknowledged or not.
    """

    version: Version
    filters: set[str] = field(default_factory=set)
    owed: list[bytes] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)
    unacknowledged: list[Publish] = field(default_factory=list)


class Sessions(RuleBasedStateMachine):
    """What may happen, and what must hold."""

    pace: int | None = None

    def __init__(self) -> None:
        super().__init__()
        # A small window, so that queues form and drain within a few steps.
        quotas = replace(UNLIMITED, unacknowledged=2, stored_messages_per_s=self.pace, retry_s=30)
        self.world = World(quotas)
        self.clients: dict[str, Client | None] = {}
        self.expected: dict[str, Expected] = {}
        self.published = 0
        for number, name in enumerate(NAMES):
            version = Version.V5 if number % 2 else Version.V311
            self.expected[name] = Expected(version)
            self._come(name)

    def _come(self, name: str) -> None:
        expected = self.expected[name]
        client = self.world.connected(
            name,
            expected.version,
            clean=False,
            keep_alive_s=1_200,
            properties=LASTING if expected.version is Version.V5 else NO_PROPERTIES,
        )
        self.clients[name] = client

    def _online(self, name: str) -> Client | None:
        return self.clients[name]

    def _read(self, name: str) -> None:
        """Take what has come, and check it."""
        client, expected = self._online(name), self.expected[name]
        if client is None:
            return
        fresh = []
        for message in client.messages(acknowledge=False):
            assert message.qos == 1
            assert message.payload in expected.owed, "nobody owed it this message"
            known = message.payload in expected.seen
            assert message.dup is known, "what comes again is marked, and only that"
            if not known:
                fresh.append(message.payload)
                expected.seen.add(message.payload)
            former = [one.packet_id for one in expected.unacknowledged]
            if message.packet_id not in former:
                expected.unacknowledged.append(message)
        owed = [one for one in expected.owed if one in fresh]
        assert fresh == owed, "in the order of publishing"

    @rule(name=names, topic_filter=st.sampled_from(FILTERS))
    def subscribe(self, name: str, topic_filter: str) -> None:
        """Subscribe, perhaps again."""
        client = self._online(name)
        if client is not None:
            self._read(name)
            client.subscribe(topic_filter)
            self.expected[name].filters.add(topic_filter)

    @rule(name=names, topic_filter=st.sampled_from(FILTERS))
    def unsubscribe(self, name: str, topic_filter: str) -> None:
        """Unsubscribe: nothing published from now on may come."""
        client = self._online(name)
        if client is not None:
            self._read(name)
            client.unsubscribe(topic_filter)
            self.expected[name].filters.discard(topic_filter)

    @rule(topic=st.sampled_from(TOPICS), publisher=st.none() | names)
    def publish(self, topic: str, publisher: str | None) -> None:
        """Publish from outside, or by a client, perhaps to itself."""
        self.published += 1
        payload = str(self.published).encode()
        client = None if publisher is None else self._online(publisher)
        if client is None or publisher is None:
            self.world.publish(topic, payload, qos=1)
        else:
            self._read(publisher)
            self.world.broker.publish(
                replace(PLAIN, topic=topic, payload=payload, publisher=publisher), self.world.now
            )
        for expected in self.expected.values():
            if any(matches(one, topic) for one in expected.filters):
                expected.owed.append(payload)

    @rule(name=names, number=numbers)
    def acknowledge(self, name: str, number: int) -> None:
        """Acknowledge one of the messages received, in any order."""
        client, expected = self._online(name), self.expected[name]
        if client is None:
            return
        self._read(name)
        if number < len(expected.unacknowledged):
            message = expected.unacknowledged.pop(number)
            client.acknowledge(message)
            expected.owed.remove(message.payload)

    @rule(name=names, politely=st.booleans())
    def leave(self, name: str, politely: bool) -> None:  # noqa: FBT001 (drawn)
        """Go, with DISCONNECT or without a word."""
        client = self._online(name)
        if client is not None:
            self._read(name)
            if politely:
                client.disconnect()
            else:
                client.lose()
            self.clients[name] = None
            self.expected[name].unacknowledged = []

    @rule(name=names)
    def come(self, name: str) -> None:
        """Come back, or take one's own place over: the session is there."""
        self._read(name)
        self.expected[name].unacknowledged = []
        self._come(name)
        client = self._online(name)
        assert client is not None
        assert client.connack.session_present
        self._read(name)

    @rule(seconds=st.sampled_from((1, 31)))
    def wait(self, seconds: int) -> None:
        """Let time pass, also past the time to retry."""
        for name in NAMES:
            self._read(name)
        self.world.wait(seconds)

    @precondition(lambda self: any(self.clients.values()))
    @rule(name=names)
    def drain(self, name: str) -> None:
        """Acknowledge everything: then nothing is owed any more."""
        client, expected = self._online(name), self.expected[name]
        if client is None:
            return
        self._acknowledge_all(name, client)
        if self.pace is not None:
            # What was stored comes at its pace, at least one message a second.
            for _ in range(len(expected.owed)):
                for other in NAMES:
                    self._read(other)
                self.world.wait(1)
                self._acknowledge_all(name, client)
        assert expected.owed == [], "a QoS 1 message was lost"

    def _acknowledge_all(self, name: str, client: Client) -> None:
        expected = self.expected[name]
        self._read(name)
        while expected.unacknowledged:
            message = expected.unacknowledged.pop(0)
            client.acknowledge(message)
            expected.owed.remove(message.payload)
            self._read(name)

    @invariant()
    def the_window_is_kept(self) -> None:
        """No more in flight than the quota."""
        for session in self.world.broker.sessions.values():
            assert len(session.inflight) <= 2

    def teardown(self) -> None:
        """In the end everybody comes back and gets what is owed."""
        for name in NAMES:
            if self.clients.get(name) is None:
                self.come(name)
            self.drain(name)


class PacedSessions(Sessions):
    """The same with the pace AWS keeps for stored messages."""

    pace = 10


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

TestPacedSessions = PacedSessions.TestCase
TestPacedSessions.settings = TestSessions.settings
