"""Fan-out: from one message to the outboxes of everybody who receives it.

Owns encoding once for many, QoS 1 windows and queues, shared subscriptions and the outbound limits.
Does not find receivers (`localaws.core.route`) and does not write to sockets.

Theory of operation: QoS 0 bytes are the same for all receivers of one version, so they are made
once and the very object is put into each outbox. QoS 1 bytes differ in the packet id only; those
are shared as well where sessions stand at the same id. A connection is put on the ready list when
its outbox was empty; the shell then writes each outbox in one go.

A connection that has used up its bytes per second is held: its outbox stays as it is until it may go
on, or has become too large.

Source: aws-iot-facts 3.2, 3.7, 3.9, 3.11; bench/fanout.py measures it.
"""

from collections.abc import Callable

from localaws.core.account import Account
from localaws.core.connection import Connection
from localaws.core.delivery import Delivery
from localaws.core.message import Message
from localaws.core.mqtt.publish import PreparedPublish
from localaws.core.mqtt.version import Version
from localaws.core.observer import Observer
from localaws.core.quotas import Quotas
from localaws.core.route import Receiver, Route, Routes
from localaws.core.session import Session
from localaws.core.subscriptions import Members, Subscription

Pick = Callable[[int], int]
"""Return a number from 0 to one less than the argument: the member that gets a shared message."""


MAX_HELD_BYTES = 4 * 1024 * 1024
"""Most bytes that wait for one connection's bytes per second; more ends the connection."""


class _Encodings:
    """The encodings of one message, each made when first needed."""

    __slots__ = ("_made", "_message", "now")

    def __init__(self, message: Message, now: float) -> None:
        self._message = message
        self.now = now
        self._made: dict[tuple[Version, int, bool], PreparedPublish] = {}

    def get(self, version: Version, qos: int, *, retain: bool = False) -> PreparedPublish:
        key = (version, qos, retain)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._message.prepared(
                version, qos=qos, retain=retain, now=self.now
            )
        return made


class FanOut:
    """Deliver messages into outboxes.

    Attributes:
        ready: Connections with bytes in the outbox or an ending; the shell empties it.
        held: Connections whose outbox waits for their bytes per second.
    """

    def __init__(
        self,
        routes: Routes,
        account: Account,
        quotas: Quotas,
        observer: Observer,
        pick: Pick,
    ) -> None:
        self.ready: list[Connection] = []
        self.held: list[Connection] = []
        self._routes = routes
        self._account = account
        self._quotas = quotas
        self._observer = observer
        self._pick = pick

    def send(self, connection: Connection, data: bytes) -> None:
        """Put bytes into one connection's outbox."""
        if not connection.outbox:
            self.ready.append(connection)
        connection.outbox.append(data)

    def take_ready(self, now: float) -> list[Connection]:
        """Return the ready connections and forget them, but hold those that must wait."""
        if not self.ready:
            return []
        ready, self.ready = self.ready, []
        if self._quotas.bytes_per_s is None:
            return ready
        return [one for one in ready if self._may_write(one, now)]

    def release(self, now: float) -> list[Connection]:
        """Make held connections ready that may go on; return those that wait for too much."""
        if not self.held:
            return []
        held, self.held = self.held, []
        overfull = []
        for connection in held:
            throughput = connection.throughput
            if connection.ending is not None:
                continue  # its end has made it ready
            if throughput is None or not throughput.wait_s(now):
                self.ready.append(connection)
                continue
            self.held.append(connection)
            if sum(map(len, connection.outbox)) > MAX_HELD_BYTES:
                overfull.append(connection)
        return overfull

    def _may_write(self, connection: Connection, now: float) -> bool:
        throughput = connection.throughput
        if throughput is None or connection.ending is not None:
            return True
        if throughput.wait_s(now):
            self.held.append(connection)
            return False
        throughput.spend(sum(map(len, connection.outbox)), now)
        return True

    def deliver(self, message: Message, now: float) -> None:
        """Put a message into the outbox or queue of everybody who receives its topic."""
        route = self._routes.route(message.topic, message.qos, now)
        encodings = _Encodings(message, now)
        if route.connected:
            granted = self._account.deliveries(route.connected, now)
            if granted < route.connected:
                route = self._shortened(route, message, granted, now)
        for version, connections in route.plain.items():
            self._deliver_plain(connections, encodings.get(version, 0).whole)
        for version, receivers in route.numbered.items():
            self._deliver_numbered(receivers, message, encodings.get(version, 1), now)
        for receiver in route.careful:
            self._deliver_careful(receiver, message, encodings, now)
        for session in route.offline:
            self._enqueue(session, message, now)
        for group in route.groups:
            self._deliver_shared(group, message, encodings, now)

    def deliver_retained(self, receiver: Receiver, message: Message, now: float) -> None:
        """Send a retained message to one new subscriber, with the retain flag."""
        qos = min(message.qos, receiver.subscription.qos)
        self._deliver_one(receiver, message, qos, retain=True, encodings=_Encodings(message, now))

    def redeliver(self, connection: Connection, session: Session, now: float) -> None:
        """Send again, marked as duplicates, what was in flight when the session lost its connection."""
        for packet_id, delivery in list(session.inflight.items()):
            if delivery.message.expired(now):
                session.acknowledge(packet_id)
            else:
                self._send_again(connection, session, packet_id, delivery.message, now)

    def retry(self, session: Session, now: float) -> None:
        """Send again what a live client has not acknowledged in time, or give it up.

        The specifications leave (3.1.1) or forbid (5) sending again before the client reconnects;
        AWS does it for both, one hour and five minutes long. Source: aws-iot-facts 3.11.
        """
        connection, retry_s = session.connection, self._quotas.retry_s
        if connection is None or retry_s is None or not session.inflight:
            return
        if now - next(iter(session.inflight.values())).first_at < retry_s:
            return
        keep_s = self._quotas.retry_for_s(connection.version)
        for packet_id, delivery in list(session.inflight.items()):
            message = delivery.message
            too_old = keep_s is not None and now - delivery.first_at >= keep_s
            if too_old or message.expired(now):
                session.acknowledge(packet_id)
                self._observer.dropped(session.client_id, "not acknowledged", now)
            elif delivery.confirmation is None and now - delivery.sent_at >= retry_s:
                self._send_again(connection, session, packet_id, message, now)
        if not session.draining:
            self.send_queued(session, now)

    def _send_again(
        self,
        connection: Connection,
        session: Session,
        packet_id: int,
        message: Message,
        now: float,
    ) -> None:
        first_at = session.inflight[packet_id].first_at
        session.inflight[packet_id] = Delivery(message, first_at, now)
        prepared = message.prepared(connection.version, qos=1, retain=False, now=now)
        self.send(connection, prepared.numbered(packet_id, dup=True))

    def send_queued(self, session: Session, now: float, *, most: int | None = None) -> int:
        """Send waiting messages while the window has room.

        Args:
            session: A connected session.
            now: Epoch seconds.
            most: Send at most so many.

        Returns:
            How many were sent.
        """
        connection = session.connection
        sent = 0
        while connection is not None and sent != most:
            message = session.next_queued(now)
            if message is None:
                break
            prepared = message.prepared(connection.version, qos=1, retain=False, now=now)
            self.send(connection, prepared.numbered(session.send(Delivery(message, now, now))))
            sent += 1
        return sent

    def _shortened(self, route: Route, message: Message, granted: int, now: float) -> Route:
        """Return a route to as many as the account may deliver to; the rest waits (QoS 1) or not."""
        left = granted
        short = Route(offline=route.offline, groups=route.groups)
        for version, connections in route.plain.items():
            short.plain[version] = connections[:left]
            for connection in connections[left:]:
                self._throttle(connection.session, message, 0, now)
            left -= len(short.plain[version])
        for version, receivers in route.numbered.items():
            short.numbered[version] = receivers[:left]
            for receiver in receivers[left:]:
                self._throttle(receiver.session, message, 1, now)
            left -= len(short.numbered[version])
        short.careful = route.careful[:left]
        for receiver in route.careful[left:]:
            qos = min(message.qos, receiver.subscription.qos)
            self._throttle(receiver.session, message, qos, now)
        return short

    def _throttle(self, session: Session | None, message: Message, qos: int, now: float) -> None:
        if session is None:
            return
        if qos:
            self._enqueue(session, message, now)
            session.draining = True
        else:
            self._observer.dropped(session.client_id, "deliveries per second of the account", now)

    def _deliver_plain(self, connections: list[Connection], data: bytes) -> None:
        ready = self.ready.append
        for connection in connections:
            outbox = connection.outbox
            if not outbox:
                ready(connection)
            outbox.append(data)

    def _deliver_numbered(
        self, receivers: list[Receiver], message: Message, prepared: PreparedPublish, now: float
    ) -> None:
        ready, numbered = self.ready.append, prepared.numbered
        delivery = Delivery(message, now, now)
        for receiver in receivers:
            session = receiver.session
            if not session.may_send:
                self._enqueue(session, message, now)
                continue
            outbox = receiver.connection.outbox
            if not outbox:
                ready(receiver.connection)
            outbox.append(numbered(session.send(delivery)))

    def _deliver_careful(
        self, receiver: Receiver, message: Message, encodings: _Encodings, now: float
    ) -> None:
        subscription, connection = receiver.subscription, receiver.connection
        if subscription.no_local and message.publisher == receiver.session.client_id:
            return
        if connection.allowance is not None and not connection.allowance.take(now):
            self._observer.dropped(receiver.session.client_id, "rate", now)
            return
        retain = message.retain and subscription.retain_as_published
        qos = min(message.qos, subscription.qos)
        self._deliver_one(receiver, message, qos, retain=retain, encodings=encodings)

    def _deliver_one(
        self,
        receiver: Receiver,
        message: Message,
        qos: int,
        *,
        retain: bool,
        encodings: _Encodings,
    ) -> None:
        connection, session, now = receiver.connection, receiver.session, encodings.now
        prepared = encodings.get(connection.version, qos, retain=retain)
        largest = connection.largest_packet_bytes
        if largest is not None and prepared.size > largest:
            # MQTT 5.0 [MQTT-3.1.2-25]: discard it without a sign to the client.
            self._observer.dropped(session.client_id, "too large for the client", now)
        elif not qos:
            self.send(connection, prepared.whole)
        elif session.may_send:
            self.send(connection, prepared.numbered(session.send(Delivery(message, now, now))))
        else:
            self._enqueue(session, message, now)

    def _deliver_shared(
        self, group: Members, message: Message, encodings: _Encodings, now: float
    ) -> None:
        members = list(group.values())
        live = [one for one in members if one.session.connection is not None]
        while live:
            chosen = live.pop(self._pick(len(live)))
            connection = chosen.session.connection
            if connection is not None and self._routes.may_receive(connection, message.topic, now):
                receiver = Receiver(connection, chosen.session, chosen)
                self._deliver_careful(receiver, message, encodings, now)
                return
        keepers = [one for one in members if one.session.connection is None and one.qos]
        if keepers and message.qos:
            keeper: Subscription = keepers[self._pick(len(keepers))]
            self._enqueue(keeper.session, message, now)

    def _enqueue(self, session: Session, message: Message, now: float) -> None:
        if not session.enqueue(message, self._quotas.queued_messages):
            self._observer.dropped(session.client_id, "queue full", now)
