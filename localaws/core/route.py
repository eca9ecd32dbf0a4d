"""Routes: for each topic, the receivers as they are now, worked out once and remembered.

Owns the cache, what goes into it and when it is stale. Does not deliver.

Theory of operation: finding subscribers, choosing each session's best subscription and asking the
policy (`iot:Receive` is checked on each delivery) costs far more than a delivery. All of it depends
only on the subscriptions that match, on who is connected and on remembered decisions, so it is kept
until one of them changes: a change at an exact filter makes one topic stale, at a wildcard all.

Source: aws-iot-facts 3.2, 3.9, 3.13; bench/fanout.py measures it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from localaws.core.connection import Connection
from localaws.core.mqtt.version import Version
from localaws.core.session import Session
from localaws.core.subscriptions import Members, Subscription, Subscriptions

MAX_ROUTES = 4_096
"""Topics with a remembered route; past it all are forgotten at once."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One connected session that gets the message, and the subscription that says how."""

    connection: Connection
    session: Session
    subscription: Subscription


@dataclass(slots=True)
class Route:
    """The receivers of one topic at one published QoS.

    Attributes:
        plain: By version, connections that get the very same bytes at QoS 0, unconditionally.
        numbered: Connected sessions that get QoS 1, unconditionally but for their window.
        careful: Connected receivers with a condition of their own: rate, size, no local, retain flag.
        offline: Sessions without a connection that keep the message.
        groups: Shared subscriptions: one member of each is chosen for each message.
        connected: How many connected receivers there are, groups aside.
    """

    plain: dict[Version, list[Connection]] = field(default_factory=dict)
    numbered: dict[Version, list[Receiver]] = field(default_factory=dict)
    careful: list[Receiver] = field(default_factory=list)
    offline: list[Session] = field(default_factory=list)
    groups: tuple[Members, ...] = ()
    connected: int = 0


MayReceive = Callable[[Connection, str, float], bool]
"""Asks, and reports, whether a connection may receive a topic."""


class Routes:
    """The remembered routes over all subscriptions.

    Attributes:
        may_receive: Asks whether a connection may receive a topic.
    """

    __slots__ = ("_made", "_subscriptions", "may_receive")

    def __init__(self, subscriptions: Subscriptions, may_receive: MayReceive) -> None:
        self._subscriptions = subscriptions
        self.may_receive = may_receive
        self._made: dict[str, list[Route | None]] = {}

    def route(self, topic: str, qos: int, now: float) -> Route:
        """Return the receivers of a topic at a published QoS, 0 or 1."""
        made = self._made.get(topic)
        if made is None:
            if len(self._made) >= MAX_ROUTES:
                self._made.clear()
            made = self._made[topic] = [None, None]
        route = made[qos]
        if route is None:
            route = made[qos] = self._make(topic, qos, now)
        return route

    def changed(self, subscription: Subscription) -> None:
        """Forget what depends on a subscription: it, or its session's connection, has changed."""
        if subscription.wanted.exact:
            self._made.pop(subscription.wanted.topic_filter, None)
        else:
            self._made.clear()

    def _make(self, topic: str, qos: int, now: float) -> Route:
        matches = self._subscriptions.matches(topic)
        best: dict[str, Subscription] = {}
        for subscription in matches.members:
            # Overlapping filters: one copy, at the highest QoS.
            former = best.get(subscription.session.client_id)
            if former is None or former.qos < subscription.qos:
                best[subscription.session.client_id] = subscription
        route = Route(groups=matches.groups)
        for subscription in best.values():
            self._place(route, subscription, topic, min(qos, subscription.qos), now)
        return route

    def _place(
        self, route: Route, subscription: Subscription, topic: str, qos: int, now: float
    ) -> None:
        session = subscription.session
        connection = session.connection
        if connection is None:
            if qos:
                route.offline.append(session)
            return
        if not self.may_receive(connection, topic, now):
            return
        route.connected += 1
        if _has_conditions(connection, subscription):
            route.careful.append(Receiver(connection, session, subscription))
        elif qos:
            receiver = Receiver(connection, session, subscription)
            route.numbered.setdefault(connection.version, []).append(receiver)
        else:
            route.plain.setdefault(connection.version, []).append(connection)


def _has_conditions(connection: Connection, subscription: Subscription) -> bool:
    return (
        connection.allowance is not None
        or connection.largest_packet_bytes is not None
        or subscription.no_local
        or subscription.retain_as_published
    )
