"""SUBSCRIBE and UNSUBSCRIBE: limits, policy, the index, retained messages.

Source: aws-iot-facts 3.2, 3.3, 3.5, 3.8, 3.9, 3.11, 3.13, 3.14.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localaws.core.connection import Connection, DisconnectReason
from localaws.core.mqtt.reason import ReasonCode
from localaws.core.mqtt.suback import Suback, write_suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.unsuback import Unsuback, write_unsuback
from localaws.core.mqtt.unsubscribe import Unsubscribe
from localaws.core.mqtt.version import Version
from localaws.core.route import Receiver
from localaws.core.session import Session
from localaws.core.subscriptions import Subscription
from localaws.core.topics import Wanted, parse_filter
from wire.errors import InvalidTopic

if TYPE_CHECKING:
    from localaws.core.broker import Broker

_DETAILS = {
    ReasonCode.NOT_AUTHORIZED: "SUBSCRIBE is denied",
    ReasonCode.TOPIC_FILTER_INVALID: "a topic filter is not valid",
    ReasonCode.QUOTA_EXCEEDED: "too many subscriptions",
}


@dataclass(frozen=True, slots=True)
class _Made:
    """A subscription that was made, and whether its retained message is wanted."""

    receiver: Receiver
    wants_retained: bool


def accept_subscribe(
    broker: "Broker", connection: Connection, packet: Subscribe, now: float
) -> None:
    """Subscribe a client to what it asks for, or end the connection.

    A refusal closes a 3.1.1 connection without SUBACK. A version 5 client is told which filter it
    was before the connection ends; AWS lists both codes and documents neither order nor survival.
    """
    session = connection.session
    if session is None or any(request.qos == 2 for request in packet.requests):
        # AWS sends no SUBACK for QoS 2 and keeps the connection (aws-iot-facts 3.2).
        return
    if packet.properties.subscription_identifiers:
        code = ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        broker.fault(connection, code, "a subscription identifier", now)
        return
    answers = _decide(broker, connection, session, packet, now)
    refusals = [code for code in answers if isinstance(code, ReasonCode)]
    if refusals and connection.version is Version.V311:
        _end(broker, connection, refusals[0], now)
        return
    made = _subscribe(broker, connection, session, packet, answers)
    codes = tuple(
        answer if isinstance(answer, ReasonCode) else request.qos
        for answer, request in zip(answers, packet.requests, strict=True)
    )
    answer = Suback(packet_id=packet.packet_id, codes=codes)
    broker.fan_out.send(connection, write_suback(answer, connection.version))
    for one in made:
        if one.wants_retained:
            _send_retained(broker, one.receiver, now)
    filters = [one.receiver.subscription.text for one in made]
    _tell(broker, connection, session, filters, now)
    if refusals:
        _end(broker, connection, refusals[0], now)


def accept_unsubscribe(
    broker: "Broker", connection: Connection, packet: Unsubscribe, now: float
) -> None:
    """Take subscriptions away; one that is not there is not an error."""
    session = connection.session
    if session is None:
        return
    codes, gone = [], []
    for text in packet.topic_filters:
        # AWS's list for UNSUBACK has no "no subscription existed" (aws-iot-facts 3.14).
        codes.append(ReasonCode.SUCCESS)
        subscription = session.subscriptions.pop(text, None)
        if subscription is None:
            continue
        broker.subscriptions.remove(subscription)
        broker.routes.changed(subscription)
        gone.append(text)
    answer = Unsuback(packet_id=packet.packet_id, codes=tuple(codes))
    broker.fan_out.send(connection, write_unsuback(answer, connection.version))
    if gone:
        event = broker.lifecycle.unsubscribed(session.client_id, connection, gone, now)
        broker.announce(event, now)


def _decide(
    broker: "Broker", connection: Connection, session: Session, packet: Subscribe, now: float
) -> list[Wanted | ReasonCode]:
    quotas = broker.quotas
    limit = quotas.filters_per_subscribe
    too_many = limit is not None and len(packet.requests) > limit
    if too_many or not broker.account.may_subscribe(len(packet.requests), now):
        return [ReasonCode.QUOTA_EXCEEDED] * len(packet.requests)
    answers: list[Wanted | ReasonCode] = []
    held = set(session.subscriptions)
    for request in packet.requests:
        text = request.topic_filter
        held.add(text)
        most = quotas.subscriptions_per_connection
        try:
            wanted = parse_filter(text, quotas)
        except InvalidTopic:
            answers.append(ReasonCode.TOPIC_FILTER_INVALID)
            continue
        if (most is not None and len(held) > most) or _share_is_full(broker, session, wanted):
            answers.append(ReasonCode.QUOTA_EXCEEDED)
        elif not broker.allows(connection, "iot:Subscribe", "topicfilter", text, now):
            answers.append(ReasonCode.NOT_AUTHORIZED)
        else:
            answers.append(wanted)
    return answers


def _share_is_full(broker: "Broker", session: Session, wanted: Wanted) -> bool:
    """Tell whether a shared subscription would be one group, or one member, too many."""
    if wanted.share is None:
        return False
    groups, members = broker.quotas.share_groups, broker.quotas.share_members
    group = broker.subscriptions.group(wanted)
    if group is None:
        return groups is not None and broker.subscriptions.groups >= groups
    return members is not None and session.client_id not in group and len(group) >= members


def _subscribe(
    broker: "Broker",
    connection: Connection,
    session: Session,
    packet: Subscribe,
    answers: list[Wanted | ReasonCode],
) -> list[_Made]:
    made = []
    for request, wanted in zip(packet.requests, answers, strict=True):
        if isinstance(wanted, ReasonCode):
            continue
        subscription = Subscription(
            session=session,
            text=request.topic_filter,
            wanted=wanted,
            qos=request.qos,
            no_local=request.no_local,
            retain_as_published=request.retain_as_published,
        )
        former = session.subscriptions.get(request.topic_filter)
        session.subscriptions[request.topic_filter] = subscription
        broker.subscriptions.add(subscription)
        broker.routes.changed(subscription)
        made.append(
            _Made(
                Receiver(connection, session, subscription),
                wants_retained=_wants_retained(request, wanted, is_new=former is None),
            )
        )
    return made


def _wants_retained(request: Request, wanted: Wanted, *, is_new: bool) -> bool:
    if not wanted.exact or wanted.share is not None:
        return False
    return request.retain_handling == 0 or (request.retain_handling == 1 and is_new)


def _send_retained(broker: "Broker", receiver: Receiver, now: float) -> None:
    topic = receiver.subscription.wanted.topic_filter
    stored = broker.retained.get(topic, now)
    if stored is not None and broker.routes.may_receive(receiver.connection, topic, now):
        broker.fan_out.deliver_retained(receiver, stored.message, now)


def _tell(
    broker: "Broker", connection: Connection, session: Session, filters: list[str], now: float
) -> None:
    if filters:
        event = broker.lifecycle.subscribed(session.client_id, connection, filters, now)
        broker.announce(event, now)


def _end(broker: "Broker", connection: Connection, code: ReasonCode, now: float) -> None:
    denied = code is ReasonCode.NOT_AUTHORIZED
    reason = DisconnectReason.AUTH_ERROR if denied else DisconnectReason.CLIENT_ERROR
    broker.end(connection, reason, code=code, detail=_DETAILS[code], now=now)
