"""A kept event: what an outbox holds of an accepted event until all its deliveries are settled.

Owns its fields, how far each of its deliveries has come, the publication of each, and the report.
Does not: decide what is sent when (`backlog`), store anything, or read a clock.
Source: docs/design.md, "Event API" and "Event states"; docs/decisions/0007-outbox.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from gateway.core.compact_json import compact_json
from gateway.core.event import Event
from gateway.core.publication import Publication
from gateway.core.report import SENDABLE, Delivery, Report, State
from gateway.core.settlement import Outcome, Reason
from gateway.errors import EventTooLarge, FieldProblem, InvalidEvent
from wire.address import Address, Kind
from wire.envelope import CLOUDEVENTS_JSON, Envelope
from wire.limits import MAX_PAYLOAD_BYTES
from wire.topic import Topic

MAX_DELAY_S: Final = 604_800
"""Furthest `deliverAt`, seconds from acceptance (7 days). Source: docs/design.md, "Event API"."""

_CLIENT: Final = f"{Kind.CLIENT}:"
_FINGERPRINT_BYTES: Final = 8
"""Enough to notice a changed body under one id; it guards against mistakes, not attackers."""


class Attempts:
    """What became of the attempts to deliver to one address so far.

    Attributes:
        counted: Attempts that count against the bound.
        tried: All attempts.
        reason: What went wrong with the last one.
        next_at_ms: When the next one is planned, milliseconds since the epoch.
    """

    __slots__ = ("counted", "next_at_ms", "reason", "tried")

    def __init__(self) -> None:
        self.counted = 0
        self.tried = 0
        self.reason: Reason | None = None
        self.next_at_ms = 0


class KeptEvent:
    """An accepted event with what is known about its deliveries.

    It changes as its deliveries settle, and belongs to whoever runs the outbox's decisions.

    Attributes:
        seq: Order of acceptance; the outbox gives it.
        service: Who sent it.
        id: Its id, unique for the service.
        fingerprint: Tells it from another event with the same id; None if the gateway made the id.
        accepted_ms: When it was accepted, milliseconds since the epoch.
        due_ms: From when on it may be sent: acceptance, `deliverAt`, or when it was redelivered.
        expires_ms: From when on it must not be sent any more, or None.
        qos: 0 or 1.
        retain: Whether it stays on its topics.
        receipt: Whether receipts of clients were asked for.
        scheduled: Whether `deliverAt` was asked for.
        collapse_key: What it may be replaced by, or None.
        names: Its addresses as text, in the caller's order; each is also the name of a lane.
        payload: The envelope as subscribers receive it; None while only the outbox has it.
        outcomes: How each delivery ended; None while it is not settled.
        attempts: The attempts of deliveries that failed at least once, by position.
        cancelled: Whether no further attempt is wanted.
        claimed: Deliveries being sent now.
    """

    __slots__ = (
        "accepted_ms",
        "attempts",
        "cancelled",
        "claimed",
        "collapse_key",
        "due_ms",
        "expires_ms",
        "fingerprint",
        "id",
        "names",
        "outcomes",
        "payload",
        "qos",
        "receipt",
        "retain",
        "scheduled",
        "seq",
        "service",
    )

    def __init__(
        self,
        *,
        service: str,
        id: str,  # noqa: A002 - what the API calls it
        fingerprint: bytes | None,
        accepted_ms: int,
        due_ms: int,
        expires_ms: int | None,
        qos: int,
        retain: bool,
        receipt: bool,
        scheduled: bool,
        collapse_key: str | None,
        names: tuple[str, ...],
        payload: bytes | None,
        seq: int = 0,
        outcomes: list[Outcome | None] | None = None,
    ) -> None:
        self.seq = seq
        self.service = service
        self.id = id
        self.fingerprint = fingerprint
        self.accepted_ms = accepted_ms
        self.due_ms = due_ms
        self.expires_ms = expires_ms
        self.qos = qos
        self.retain = retain
        self.receipt = receipt
        self.scheduled = scheduled
        self.collapse_key = collapse_key
        self.names = names
        self.payload = payload
        self.outcomes: list[Outcome | None] = outcomes or [None] * len(names)
        self.attempts: dict[int, Attempts] | None = None
        self.cancelled = False
        self.claimed = 0

    @property
    def settled(self) -> bool:
        """Whether every delivery is."""
        return None not in self.outcomes

    @property
    def sendable(self) -> bool:
        """Whether some delivery ended without being published, and may be asked for again."""
        return any(o is not None and o.state in SENDABLE for o in self.outcomes)

    @property
    def state(self) -> State:
        """Where the event as a whole stands."""
        if len(self.outcomes) == 1 and self.outcomes[0] is not None:
            return self.outcomes[0].state
        return self.report(self.due_ms).state

    def wants_receipt(self, position: int) -> bool:
        """Tell whether one of its addresses is to confirm it: a client's, and nothing is retained.

        Nobody else can, and only a publish is retained.
        """
        return self.receipt and not self.retain and self.names[position].startswith(_CLIENT)

    def attempts_of(self, position: int) -> Attempts:
        """Return the account of one delivery's attempts, to be kept up to date."""
        if self.attempts is None:
            self.attempts = {}
        return self.attempts.setdefault(position, Attempts())

    def expired(self, now_ms: int) -> bool:
        """Tell whether it must not be sent any more."""
        return self.expires_ms is not None and now_ms >= self.expires_ms

    def publication(self, position: int, *, namespace: str, now_ms: int) -> Publication:
        """Return what is to be published for one of its addresses.

        Raises:
            ValueError: The payload is not at hand.
        """
        if self.payload is None:
            raise ValueError("an event without its payload cannot be published")
        address, topic = _place(self.names[position], namespace)
        expiry_s = None
        if self.expires_ms is not None:
            expiry_s = max(1, math.ceil((self.expires_ms - now_ms) / 1000))
        return Publication(
            address=address,
            topic=topic,
            payload=self.payload,
            content_type=CLOUDEVENTS_JSON,
            qos=self.qos,
            retain=self.retain,
            message_expiry_s=expiry_s,
        )

    def report(self, now_ms: int) -> Report:
        """Return what is known about it."""
        return Report(
            id=self.id,
            deliveries=tuple(
                [self._delivery(position, now_ms) for position in range(len(self.names))]
            ),
            accepted_at=_moment(self.accepted_ms),
            deliver_at=_moment(self.due_ms) if self.scheduled else None,
        )

    def brief(self) -> Report:
        """Return the report of an event that was accepted just now: its state says it all."""
        state = State.SCHEDULED if self.scheduled else State.ACCEPTED
        return Report(id=self.id, deliveries=(), remembered=state)

    def _delivery(self, position: int, now_ms: int) -> Delivery:
        address = _parsed(self.names[position])
        outcome = self.outcomes[position]
        if outcome is not None:
            return Delivery(
                address=address,
                state=outcome.state,
                attempts=outcome.attempts,
                failure=outcome.reason,
                settled_at=_moment(outcome.at_ms),
            )
        tried = self.attempts.get(position) if self.attempts else None
        if tried is not None:
            return Delivery(
                address=address,
                state=State.ACCEPTED,
                attempts=tried.tried,
                failure=tried.reason,
                next_attempt_at=_moment(tried.next_at_ms),
            )
        if self.due_ms > now_ms:
            return Delivery(
                address=address, state=State.SCHEDULED, next_attempt_at=_moment(self.due_ms)
            )
        return Delivery(address=address, state=State.ACCEPTED)


def keep(event: Event, *, service: str, source: str, now_ms: int) -> KeptEvent:
    """Return an event as it is kept; its envelope is encoded here and nowhere else.

    Args:
        event: The event.
        service: Who sends it.
        source: CloudEvents source, unless the event brings its own.
        now_ms: The moment of acceptance, milliseconds since the epoch.

    Raises:
        EventTooLarge: The envelope exceeds IoT Core's 128 KB.
        InvalidEvent: `deliverAt` is too far away, or `ttl` ends before it.
    """
    due_ms, expires_ms = _times(event, now_ms)
    envelope = Envelope(
        id=event.id,
        source=source,
        type=event.type,
        time=_moment(now_ms),
        data=event.data,
        extensions=event.extensions,
    )
    payload = compact_json(envelope.members())
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise EventTooLarge(size_bytes=len(payload), limit_bytes=MAX_PAYLOAD_BYTES)
    return KeptEvent(
        service=service,
        id=event.id,
        fingerprint=fingerprint(event) if event.id_given else None,
        accepted_ms=now_ms,
        due_ms=due_ms,
        expires_ms=expires_ms,
        qos=event.qos,
        retain=event.retain,
        receipt=event.receipt,
        scheduled=due_ms > now_ms,
        collapse_key=event.collapse_key,
        names=tuple([str(address) for address in event.to]),
        payload=payload,
    )


def fingerprint(event: Event) -> bytes:
    """Return what two events with the same id must share to be the same event.

    Everything the caller said, but neither the order of names in objects nor the trace.
    """
    said = [
        [str(address) for address in event.to],
        event.type,
        event.data,
        event.qos,
        event.retain,
        event.ttl_s,
        None if event.deliver_at is None else event.deliver_at.isoformat(),
        event.collapse_key,
        event.receipt,
        event.extensions.get("source"),
    ]
    return hashlib.blake2b(
        _CANONICAL.encode(said).encode(), digest_size=_FINGERPRINT_BYTES
    ).digest()


def _times(event: Event, now_ms: int) -> tuple[int, int | None]:
    due_ms = now_ms
    if event.deliver_at is not None:
        due_ms = max(now_ms, int(event.deliver_at.timestamp() * 1000))
        if due_ms > now_ms + MAX_DELAY_S * 1000:
            raise InvalidEvent(
                [FieldProblem(pointer="/deliverAt", problem="must lie within 7 days from now")]
            )
    if event.ttl_s is None:
        return due_ms, None
    expires_ms = now_ms + event.ttl_s * 1000
    if expires_ms <= due_ms:
        problem = "ends before deliverAt: it counts from now"
        raise InvalidEvent([FieldProblem(pointer="/ttl", problem=problem)])
    return due_ms, expires_ms


@lru_cache(maxsize=256)  # events of one request share their moment
def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@lru_cache(maxsize=4_096)
def _parsed(name: str) -> Address:
    return Address.parse(name)


@lru_cache(maxsize=4_096)
def _place(name: str, namespace: str) -> tuple[Address, Topic]:
    address = Address.parse(name)
    return address, address.topic(namespace)


_CANONICAL: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
