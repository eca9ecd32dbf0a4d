"""The broker: connections, sessions, and what packets, time and others do to them.

Owns the order of things: what a packet, a lost connection or the passing of time changes, and what
is sent for it. Does not do I/O, read clocks or evaluate policies.

Theory of operation: the shell calls `open` for a transport whose handshake was authenticated,
`receive` with its bytes, `lost` when it is gone, and `tick` about once a second. After any of
these, or `publish`, it calls `take_ready`: for each connection there it writes `outbox`, empties
it, and closes if `ending` is set. Every change happens inside such a call, at once; nothing waits.

    opened ── CONNECT ──► connected ── DISCONNECT, fault, denial, silence, takeover, lost ──► ended
      └───── refusal, silence ──────────────────────────────────────────────────────────────► ended

What a packet does is in its own module: `connecting`, `subscribing`, `publishing`; what an ending
does is in `departing`.

Source: aws-iot-facts 3 and 5; MQTT 3.1.1 and 5.0.
"""

from collections.abc import Callable

from localaws.core.account import Account
from localaws.core.aging import age
from localaws.core.authorizer import Authorizer, ResourceKind
from localaws.core.connecting import accept_connect, refuse_version
from localaws.core.connection import Connection, DisconnectReason, Ending
from localaws.core.connection_view import (
    ConnectionView,
    History,
    SubscriptionView,
    connection_of,
    subscriptions_of,
)
from localaws.core.delivery import Outcome
from localaws.core.departing import depart, disconnect
from localaws.core.direct_message import DirectRefusal, DirectSent, send_direct
from localaws.core.fanout import FanOut, Pick
from localaws.core.interference import Interference
from localaws.core.lifecycle import Lifecycle
from localaws.core.login import Login
from localaws.core.message import Message
from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.disconnect import Disconnect, write_disconnect
from localaws.core.mqtt.errors import UnsupportedVersion
from localaws.core.mqtt.packet import Packet
from localaws.core.mqtt.ping import PINGRESP_BYTES, Pingreq
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.subscribe import Subscribe
from localaws.core.mqtt.unsubscribe import Unsubscribe
from localaws.core.mqtt.version import Version
from localaws.core.observer import Denial, Observer
from localaws.core.publishing import accept_publish
from localaws.core.quotas import Exhausted, Quotas
from localaws.core.retained import Retained
from localaws.core.route import Routes
from localaws.core.session import Session
from localaws.core.subscribing import accept_subscribe, accept_unsubscribe
from localaws.core.subscriptions import Subscriptions

_PUBACK_START = b"\x40\x02"
"""Start of a PUBACK that says nothing but its packet id, which then takes the last two of 4 bytes."""


class Broker:
    """One broker.

    Attributes:
        connections: All that are open, connected or not yet.
        sessions: By client id, with or without a connection.
        quotas: The limits in force.
        interference: What is made to go wrong on purpose, or None.
        history: Connections that are gone.
        new_id: Makes a UUID, for client ids and session identifiers.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        pick: Pick,
        quotas: Quotas | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Make an empty broker.

        Args:
            new_id: Returns a fresh UUID.
            pick: Chooses the member of a shared subscription.
            quotas: AWS's defaults if None.
            observer: Watches messages, connections and denials.
        """
        self.quotas = quotas or Quotas()
        self.observer = observer or Observer()
        self.new_id = new_id
        self.connections: set[Connection] = set()
        self.sessions: dict[str, Session] = {}
        self.subscriptions = Subscriptions()
        self.retained = Retained(self.quotas.retained_messages)
        self.lifecycle = Lifecycle()
        self.history = History()
        self.interference: Interference | None = None
        self.account = Account(self.quotas)
        self.routes = Routes(self.subscriptions, self._may_receive)
        self.fan_out = FanOut(self.routes, self.account, self.quotas, self.observer, pick)

    def open(
        self,
        authorizer: Authorizer,
        *,
        address: str,
        now: float,
        source_port: int = 0,
        target: tuple[str, int] = ("", 0),
        login: Login | None = None,
    ) -> Connection:
        """Begin a connection: its transport stands, CONNECT is awaited.

        Args:
            authorizer: Who signed the handshake.
            address: The peer's IP address.
            now: Epoch seconds.
            source_port: The peer's port.
            target: The address and port it connected to.
            login: Tells who the client is by its CONNECT; None where the handshake has.
        """
        connection = Connection(
            authorizer,
            address=address,
            now=now,
            source_port=source_port,
            target=target,
            login=login,
        )
        self.connections.add(connection)
        return connection

    def receive(self, connection: Connection, data: bytes, now: float) -> float:
        """Take bytes from a connection; ignored once it has ended.

        Returns:
            Seconds the shell must not read from it: its bytes per second are used up.
        """
        if connection.ending is not None:
            return 0.0
        size = len(data)
        if data.startswith(_PUBACK_START) and connection.session is not None:
            data = self._take_pubacks(connection, connection.session, data, now)
        if data:
            self._take_packets(connection, data, now)
        throughput = connection.throughput
        if throughput is None:
            return 0.0
        throughput.spend(size, now)
        return throughput.wait_s(now)

    def lost(
        self, connection: Connection, reason: DisconnectReason, detail: str, now: float
    ) -> None:
        """End a connection whose transport is gone or must go; sends nothing.

        Args:
            connection: Any; nothing happens if it has ended already.
            reason: CLIENT_INITIATED_DISCONNECT for a WebSocket Close frame (aws-iot-facts 3.10).
            detail: A phrase for the log.
            now: Epoch seconds.
        """
        if reason is DisconnectReason.CLIENT_INITIATED_DISCONNECT:
            connection.will = None
        self.end(connection, reason, detail=detail, now=now)

    def submit(self, message: Message, now: float) -> Exhausted | None:
        """Publish for a client or an HTTP caller that may, within the account's quotas.

        Authorization is the caller's: it happens where the publisher is known.

        Returns:
            What is used up; nothing was published then.
        """
        retain = message.retain and not message.topic.startswith("$")
        exhausted = self.account.may_publish(message.topic, now, retain=retain)
        if exhausted is not None:
            return exhausted
        if retain and not self.retained.has_room(message, now):
            return Exhausted.RETAINED_MESSAGES
        self.publish(message, now)
        return None

    def announce(self, event: Message | None, now: float) -> None:
        """Publish a lifecycle event, if there is one."""
        if event is not None:
            if self.interference is None:
                self.publish(event, now)
                return
            for one in self.interference.lifecycle(event, now):
                self.publish(one, now)

    def send_direct(
        self, client_id: str, message: Message, *, confirm: bool, now: float
    ) -> DirectSent | DirectRefusal:
        """Send a message to one client that has not subscribed to it.

        Args:
            client_id: Whose connection.
            message: With a legal topic outside `$`; the sender's permission is the caller's to check.
            confirm: Send with QoS 1, and let the sender wait for PUBACK.
            now: Epoch seconds.
        """
        return send_direct(self, client_id, message, confirm=confirm, now=now)

    def withdraw(self, client_id: str, sent: DirectSent) -> None:
        """Stop waiting for a direct message's PUBACK: its sender's time is over."""
        session, confirmation = self.sessions.get(client_id), sent.confirmation
        if confirmation is None or confirmation.outcome is not None:
            return
        if session is not None:
            delivery = session.inflight.get(sent.packet_id)
            if delivery is not None and delivery.confirmation is confirmation:
                session.acknowledge(sent.packet_id)
        confirmation.settle(Outcome.LOST)

    def connection_of(self, client_id: str, now: float) -> ConnectionView | None:
        """Return a client's connection, live or gone for less than half an hour (GetConnection)."""
        return connection_of(self, client_id, now)

    def subscriptions_of(self, client_id: str) -> tuple[SubscriptionView, ...] | None:
        """Return a session's subscriptions by topic filter; None if there is no session."""
        return subscriptions_of(self, client_id)

    def publish(self, message: Message, now: float) -> None:
        """Publish without asking for quotas or permission: wills, rules, lifecycle events."""
        if message.retain and not message.topic.startswith("$"):
            self.retained.keep(message, now)
        self.observer.published(message, now)
        self.fan_out.deliver(message, now)

    def tick(self, now: float) -> None:
        """Let time pass: keep-alives, connections that are too old, sessions and wills that are due."""
        age(self, now)

    def take_ready(self, now: float) -> list[Connection]:
        """Return connections with something to write or an ending, and forget them.

        What a connection must not get yet, because its bytes per second are used up, stays in its
        outbox and comes back here once it may; the shell asks again soon while `held` says so.
        """
        overfull = self.fan_out.release(now)
        for connection in overfull:
            detail = "it takes in less than it is sent"
            self.end(connection, DisconnectReason.THROTTLED, detail=detail, now=now)
        return self.fan_out.take_ready(now)

    @property
    def held(self) -> bool:
        """True while something waits for a connection's bytes per second."""
        return bool(self.fan_out.held)

    def disconnect(
        self, client_id: str, *, now: float, clean_session: bool = False, prevent_will: bool = False
    ) -> bool:
        """End a client's connection for the API (DeleteConnection).

        Args:
            client_id: Whose connection.
            now: Epoch seconds.
            clean_session: End a persistent session, too.
            prevent_will: Do not publish the last will.

        Returns:
            False if there is neither a connection nor a session.

        Source: aws-iot-facts 3.16.
        """
        return disconnect(
            self, client_id, now=now, clean_session=clean_session, prevent_will=prevent_will
        )

    def shut_down(self, now: float) -> None:
        """End all connections, because the program stops."""
        for connection in list(self.connections):
            self.end(
                connection,
                DisconnectReason.SERVER_INITIATED_DISCONNECT,
                code=ReasonCode.SERVER_SHUTTING_DOWN,
                detail="shutdown",
                now=now,
            )

    def end(
        self,
        connection: Connection,
        reason: DisconnectReason,
        *,
        detail: str,
        now: float,
        code: ReasonCode | None = None,
    ) -> None:
        """End a connection, once.

        Args:
            connection: Any.
            reason: What lifecycle events say.
            detail: A phrase for the log.
            now: Epoch seconds.
            code: Sent in a DISCONNECT to a connected version 5 client.
        """
        if connection.ending is not None:
            return
        if code is not None and connection.session is not None and connection.version is Version.V5:
            goodbye = write_disconnect(Disconnect(code=code), Version.V5)
            self.fan_out.send(connection, goodbye)
        ending = connection.ending = Ending(reason, detail)
        self.fan_out.ready.append(connection)
        self.connections.discard(connection)
        depart(self, connection, ending, now)

    def fault(self, connection: Connection, code: ReasonCode, detail: str, now: float) -> None:
        """End a connection whose client broke the protocol or a limit."""
        self.end(connection, DisconnectReason.CLIENT_ERROR, code=code, detail=detail, now=now)

    def allows(
        self, connection: Connection, action: str, kind: ResourceKind, name: str, now: float
    ) -> bool:
        """Ask what a connection may do, and report a denial."""
        decision = connection.may(action, kind, name)
        if not decision.allowed:
            session = connection.session
            denial = Denial(
                client_id=session.client_id if session else "",
                principal=connection.authorizer.user_id,
                action=action,
                resource_kind=kind,
                name=name,
                explanation=decision.explanation,
            )
            self.observer.denied(denial, now)
        return decision.allowed

    def drain(self, session: Session, now: float) -> None:
        """Send a resumed session what was stored for it, at the pace AWS keeps."""
        pace = self.quotas.stored_messages_per_s
        most = None if pace is None else max(1, int((now - session.drained_at) * pace))
        session.drained_at = now
        self.fan_out.send_queued(session, now, most=most)
        # Without a pace each acknowledgement brings the next message, as for anybody else.
        session.draining = session.queued > 0 and pace is not None

    def _take_packets(self, connection: Connection, data: bytes, now: float) -> None:
        decoder = connection.decoder
        for packet in decoder.feed(data):
            connection.heard_at = now
            self._handle(connection, packet, now)
            if connection.ending is not None:
                return
        if decoder.failure is not None:
            if isinstance(decoder.failure, UnsupportedVersion):
                refuse_version(self, connection, decoder.failure)
            self.fault(connection, decoder.failure.reason, str(decoder.failure), now)

    def _take_pubacks(
        self, connection: Connection, session: Session, data: bytes, now: float
    ) -> bytes:
        """Take plain PUBACKs from the front of a portion and return the rest.

        One comes for every QoS 1 delivery, so they pass by decoder and packet objects.
        """
        if not connection.decoder.at_boundary:
            return data
        position, end = 0, len(data)
        while position + 4 <= end and data.startswith(_PUBACK_START, position):
            packet_id = data[position + 2] << 8 | data[position + 3]
            if not packet_id:
                break  # a fault, which the decoder words
            self._acknowledged(session, packet_id, now)
            position += 4
        if position:
            connection.heard_at = now
        return data[position:] if position < end else b""

    def _handle(self, connection: Connection, packet: Packet, now: float) -> None:
        match packet:
            case Puback():
                if connection.session is not None:
                    self._acknowledged(connection.session, packet.packet_id, now)
            case Publish():
                accept_publish(self, connection, packet, now)
            case Pingreq():
                self.fan_out.send(connection, PINGRESP_BYTES)
            case Subscribe():
                accept_subscribe(self, connection, packet, now)
            case Unsubscribe():
                accept_unsubscribe(self, connection, packet, now)
            case Connect() if connection.session is None:
                accept_connect(self, connection, packet, now)
            case Disconnect():
                self._said_goodbye(connection, packet, now)
            case _:
                # QoS 2's packets, AUTH, a second CONNECT, and packets only a broker sends.
                kind = type(packet).__name__.upper()
                self.fault(connection, ReasonCode.PROTOCOL_ERROR, f"{kind} is not accepted", now)

    def _acknowledged(self, session: Session, packet_id: int, now: float) -> None:
        interference = self.interference
        if interference is not None and interference.loses_puback_from(session.client_id):
            return
        delivery = session.acknowledge(packet_id)
        if delivery is None:
            return
        if delivery.confirmation is not None:
            delivery.confirmation.settle(Outcome.ACKNOWLEDGED)
        if session.queued and not session.draining:
            self.fan_out.send_queued(session, now, most=1)

    def _said_goodbye(self, connection: Connection, packet: Disconnect, now: float) -> None:
        session, wanted_s = connection.session, packet.properties.session_expiry_interval_s
        if session is not None and wanted_s is not None:
            if wanted_s and not session.expiry_s:
                problem = "a session expiry at DISCONNECT, none at CONNECT"
                self.fault(connection, ReasonCode.PROTOCOL_ERROR, problem, now)
                return
            session.expiry_s = self.quotas.expiry_s(wanted_s)
        reason = DisconnectReason.CLIENT_INITIATED_DISCONNECT
        with_will = packet.code == ReasonCode.DISCONNECT_WITH_WILL
        if not with_will:
            connection.will = None
        self.end(connection, reason, detail="DISCONNECT", now=now)

    def _may_receive(self, connection: Connection, topic: str, now: float) -> bool:
        return self.allows(connection, "iot:Receive", "topic", topic, now)
