"""What a workload does, by the second: messages in and out, connections, credentials.

Owns these rates, and what our own clients do that shapes them: when they renew, roll over and
subscribe. Does not: know quotas or prices.
Source: web/client/lifetime.js and subscriptions.js; docs/decisions/0005-browser-client.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gateway.core.plan.workload import CONTENT_TYPE_BYTES, To, Workload
from wire.limits import MAX_FILTERS_PER_SUBSCRIBE

HOUR_S: Final = 3_600

ROLL_OVER_H: Final = 23 * 0.95
"""Mean age at which a client replaces its connection, hours: up to a tenth before 23."""

RENEW_AT: Final = 0.825
"""Mean part of their life after which credentials are renewed: 75 to 90 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Averages over a month, per second unless another unit is named.

    Attributes:
        events: Events taken in; each is one publish to IoT Core.
        deliveries: Publishes out to clients, retained messages on subscribing among them.
        replays: Those sent because a client subscribed to a topic with a retained message.
        acknowledgements: PUBACKs from clients.
        retained: Publishes with the retain flag.
        retained_on_one_topic: Those on the busiest topic.
        retained_topics: Topics that hold a retained message; a number.
        sessions: Clients that begin anew: a page opened, or away too long.
        connects: CONNECTs: new sessions and roll-overs.
        subscribes: SUBSCRIBE packets.
        filters_subscribed: Topic filters in them.
        subscriptions: Subscriptions there are; a number.
        credential_requests: Requests to the credential API.
        delivery_bytes: Bytes of one publish out, as IoT Core meters it: payload, topic, content type.
        publish_bytes: Bytes of one publish in: payload and content type.
        largest_fan_out: Clients that one event reaches at most; a number.
    """

    events: float
    deliveries: float
    replays: float
    acknowledgements: float
    retained: float
    retained_on_one_topic: float
    retained_topics: float
    sessions: float
    connects: float
    subscribes: float
    filters_subscribed: float
    subscriptions: float
    credential_requests: float
    delivery_bytes: int
    publish_bytes: int
    largest_fan_out: float


def traffic_of(workload: Workload) -> Traffic:
    """Work out what a workload does.

    A new session fetches credentials once and subscribes to everything; a roll-over has both
    already, since its credentials are the renewed ones and the broker hands the session over.
    """
    clients, events = workload.clients, workload.events_per_s
    sessions = clients / (workload.session_h * HOUR_S)
    replays = sessions * _retained_filters(workload)
    deliveries = replays + events * sum(
        share * workload.recipients(to) for to, share in workload.to.items()
    )
    return Traffic(
        events=events,
        deliveries=deliveries,
        replays=replays,
        acknowledgements=deliveries * workload.qos,
        retained=events * workload.retained,
        retained_on_one_topic=max(
            events * share * workload.retained / workload.topics(to)
            for to, share in workload.to.items()
        ),
        retained_topics=(
            sum(workload.topics(to) for to in workload.to) if workload.retained else 0.0
        ),
        sessions=sessions,
        connects=connects_per_s(workload, longest_h=ROLL_OVER_H),
        subscribes=sessions * math.ceil(workload.filters / MAX_FILTERS_PER_SUBSCRIBE),
        filters_subscribed=sessions * workload.filters,
        subscriptions=float(clients * workload.filters),
        credential_requests=sessions + clients / (RENEW_AT * workload.credential_life_s),
        delivery_bytes=workload.payload_bytes + workload.topic_bytes + CONTENT_TYPE_BYTES,
        publish_bytes=workload.payload_bytes + CONTENT_TYPE_BYTES,
        largest_fan_out=max(workload.recipients(to) for to in workload.to),
    )


def connects_per_s(workload: Workload, *, longest_h: float) -> float:
    """Return connections opened per second where none lives longer than so many hours."""
    return workload.clients / (min(workload.session_h, longest_h) * HOUR_S)


def _retained_filters(workload: Workload) -> int:
    """Count a client's filters on topics that may hold a retained message: the most there can be."""
    if not workload.retained:
        return 0
    return sum(workload.groups_per_client if to is To.GROUP else 1 for to in workload.to)
