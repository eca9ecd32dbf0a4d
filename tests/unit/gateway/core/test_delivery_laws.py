"""The laws of delivery, in simulated time, with a crash at any step.

A small world: a disk that keeps what was committed, a memory that a crash empties, an IoT Core
that takes, refuses or says nothing, and deliveries made by the pure core as the engine makes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.backlog import Backlog, Place
from gateway.core.pacing import Pacer
from gateway.core.retry import RetryPolicy, counts
from gateway.errors import (
    CredentialsFailed,
    PublishDenied,
    PublishFailed,
    PublishThrottled,
    PublishTimedOut,
    PublishUnavailable,
)

MOST_IN_FLIGHT = 3
QUOTA_PER_S = 50.0
POLICY = RetryPolicy(base_s=0.1, cap_s=2.0, max_attempts=4, max_age_s=600.0)
TOPICS = ("a", "b", "c", "d")
FAILURES: dict[str, PublishFailed] = {
    "throttled": PublishThrottled("slow", retry_after_s=0.5),
    "unavailable": PublishUnavailable("down"),
    "timed out": PublishTimedOut("?"),
    "credentials": CredentialsFailed("expired"),
    "denied": PublishDenied("no"),
}


@dataclass
class Row:
    """A delivery as the disk has it."""

    place: Place
    accepted: float
    due_ms: float
    expires_ms: float | None
    outcome: str | None = None


@dataclass
class Disk:
    """What survives a crash."""

    rows: dict[int, Row] = field(default_factory=dict)


class Gateway:
    """What a crash empties: backlog, attempts, pace, and settlements not written yet."""

    def __init__(self, disk: Disk, now: float) -> None:
        self.disk = disk
        self.backlog = Backlog()
        self.pacer = Pacer(quota_per_s=QUOTA_PER_S, now=now)
        self.in_flight: dict[int, Row] = {}
        self.attempts: dict[int, tuple[int, int]] = {}
        self.unwritten: dict[int, str] = {}
        self.barred: set[int] = set()
        self.cancelled: set[int] = set()
        for key in sorted(disk.rows):
            if disk.rows[key].outcome is None:
                self.take_in(key, disk.rows[key].accepted)

    def take_in(self, key: int, now: float) -> None:
        """Take a committed delivery into the backlog."""
        row = self.disk.rows[key]
        replaced = self.backlog.add(row.place, due_ms=row.due_ms, now_ms=now * 1000)
        if replaced is not None:
            self.unwritten[replaced] = "collapsed"

    def settle(self, key: int, outcome: str) -> None:
        """Note an outcome: on disk with the next commit.

        The topic goes on at once, but not where a crash would bring the delivery back after
        others of its topic had been sent: what failed might succeed then.
        """
        self.in_flight.pop(key, None)
        self.unwritten[key] = outcome
        if outcome in ("failed", "cancelled"):
            self.bar(key)
        else:
            self.backlog.settle(self.disk.rows[key].place)

    def bar(self, key: int) -> None:
        """Let nothing overtake it before its outcome is on disk."""
        self.barred.add(key)
        self.backlog.bar(self.disk.rows[key].place)

    def commit(self) -> None:
        """Write what is settled, and let topics go on that waited for it."""
        for key, outcome in self.unwritten.items():
            self.disk.rows[key].outcome = outcome
        self.unwritten = {}
        for key in self.barred:
            self.backlog.release(self.disk.rows[key].place)
        self.barred = set()

    def outcome(self, key: int) -> str | None:
        """Return how a delivery ended, as memory knows it."""
        return self.unwritten.get(key) or self.disk.rows[key].outcome

    def start_one(self, now: float) -> int | None:
        """Send the next delivery if bound and pace allow; return its key."""
        while len(self.in_flight) < MOST_IN_FLIGHT:
            claimed = self.backlog.claim(now, now * 1000)
            if claimed is None:
                return None
            key = claimed[1]
            row = self.disk.rows[key]
            if row.expires_ms is not None and now * 1000 >= row.expires_ms:
                self.settle(key, "expired")
                continue
            wait_s = self.pacer.take(now)
            if wait_s:
                self.backlog.park(row.place.topic, now + wait_s)
                return None
            self.in_flight[key] = row
            return key
        return None

    def failed(self, key: int, failure: PublishFailed, now: float, jitter: float) -> None:
        """Decide about an attempt that failed, as the engine does."""
        row = self.in_flight[key]
        if isinstance(failure, PublishThrottled):
            self.pacer.throttled(now)
        counted, tried = self.attempts.get(key, (0, 0))
        counted, tried = counted + counts(failure), tried + 1
        self.attempts[key] = (counted, tried)
        delay_s = POLICY.delay_s(
            failure,
            attempts=counted,
            tries=tried,
            age_s=now - row.due_ms / 1000,
            jitter=jitter,
        )
        if delay_s is None:
            self.settle(key, "failed")
        elif key in self.cancelled:
            self.settle(key, "cancelled")
        elif self.backlog.superseded(row.place):
            self.settle(key, "collapsed")
        else:
            del self.in_flight[key]
            self.backlog.park(row.place.topic, now + delay_s)


class DeliveryLaws(RuleBasedStateMachine):
    """Anything may happen in any order; the laws hold after each step, and at the end."""

    @initialize()
    def start(self) -> None:
        """Begin with an empty disk."""
        self.now = 1_000.0
        self.disk = Disk()
        self.gateway = Gateway(self.disk, self.now)
        self.next_key = 0
        self.received: list[int] = []
        self.sent_at: list[float] = []
        self.started = self.now
        self.crashes = 0
        self.accepted: list[int] = []

    @rule(
        topic=st.sampled_from(TOPICS),
        collapse_key=st.none() | st.just("k"),
        delay_s=st.sampled_from([0.0, 0.0, 0.0, 5.0]),
        ttl_s=st.none() | st.sampled_from([6.0, 30.0]),
    )
    def accept(
        self, topic: str, collapse_key: str | None, delay_s: float, ttl_s: float | None
    ) -> None:
        """A 202: on disk first, then in memory."""
        key, self.next_key = self.next_key, self.next_key + 1
        self.disk.rows[key] = Row(
            Place(key, topic, collapse_key),
            accepted=self.now,
            due_ms=(self.now + delay_s) * 1000,
            expires_ms=None if ttl_s is None else (self.now + ttl_s) * 1000,
        )
        self.accepted.append(key)
        self.gateway.take_in(key, self.now)

    @rule()
    def accept_and_crash(self) -> None:
        """The commit happened, the 202 was perhaps sent, memory never learned of it."""
        key, self.next_key = self.next_key, self.next_key + 1
        self.disk.rows[key] = Row(
            Place(key, "a"), self.now, due_ms=self.now * 1000, expires_ms=None
        )
        self.accepted.append(key)
        self.crash()

    @rule()
    def send(self) -> None:
        """One more publish, if bound, pace and order allow."""
        key = self.gateway.start_one(self.now)
        if key is not None:
            self.sent_at.append(self.now)

    @precondition(lambda self: self.gateway.in_flight)
    @rule(data=st.data())
    def taken(self, data: st.DataObject) -> None:
        """IoT Core takes a publish."""
        key = data.draw(st.sampled_from(sorted(self.gateway.in_flight)))
        self.received.append(key)
        self.gateway.settle(key, "published")

    @precondition(lambda self: self.gateway.in_flight)
    @rule(
        data=st.data(),
        how=st.sampled_from(sorted(FAILURES)),
        arrived=st.booleans(),
        jitter=st.floats(0, 1),
    )
    def refused(self, data: st.DataObject, how: str, *, arrived: bool, jitter: float) -> None:
        """IoT Core refuses, or nobody knows: a publish that timed out may have arrived."""
        key = data.draw(st.sampled_from(sorted(self.gateway.in_flight)))
        if arrived and how == "timed out":
            self.received.append(key)
        self.gateway.failed(key, FAILURES[how], self.now, jitter)

    @rule()
    def commit(self) -> None:
        """Settlements reach the disk."""
        self.gateway.commit()

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Whatever was not sent can be cancelled; what is on its way has no further attempt."""
        key = data.draw(st.sampled_from(self.accepted))
        place = self.disk.rows[key].place
        if self.gateway.outcome(key) is not None:
            return
        assert self.gateway.backlog.holds(place)
        if key in self.gateway.in_flight:
            self.gateway.cancelled.add(key)
        else:
            self.gateway.unwritten[key] = "cancelled"
            self.gateway.bar(key)

    @rule(arrived=st.integers(0, 2**MOST_IN_FLIGHT - 1))
    def crash(self, arrived: int = 0) -> None:
        """Memory is gone; publishes on their way arrive or not."""
        for number, key in enumerate(self.gateway.in_flight):
            if arrived >> number & 1:
                self.received.append(key)
        self.gateway = Gateway(self.disk, self.now)
        self.crashes += 1

    @rule(seconds=st.sampled_from([0.01, 0.1, 1.0, 7.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def bounds_hold(self) -> None:
        """In flight and pace never exceed their bounds; each topic has one on its way at most."""
        gateway = self.gateway
        assert len(gateway.in_flight) <= MOST_IN_FLIGHT
        topics = [row.place.topic for row in gateway.in_flight.values()]
        assert len(topics) == len(set(topics))
        allowed = QUOTA_PER_S * (self.now - self.started) + (self.crashes + 1) * (
            max(1.0, QUOTA_PER_S * 0.05)
        )
        assert len(self.sent_at) <= allowed + 1

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every accepted delivery is in the backlog, or its outcome is known; never both."""
        unsettled = [key for key in self.accepted if self.gateway.outcome(key) is None]
        assert len(self.gateway.backlog) == len(unsettled) + len(self.gateway.barred)
        for key in unsettled:
            assert self.gateway.backlog.holds(self.disk.rows[key].place)

    @invariant()
    def order_holds(self) -> None:
        """On each topic, what arrived for the first time arrived in the order it became due."""
        first = list(dict.fromkeys(self.received))
        for topic in TOPICS:
            rows = [
                self.disk.rows[key] for key in first if self.disk.rows[key].place.topic == topic
            ]
            plain = [row.place.key for row in rows if not self._was_scheduled(row)]
            assert plain == sorted(plain)

    @invariant()
    def nothing_is_invented(self) -> None:
        """Only what was accepted arrives, and what is called published arrived."""
        assert set(self.received) <= set(self.accepted)
        for key in self.accepted:
            if self.gateway.outcome(key) == "published":
                assert key in self.received

    def teardown(self) -> None:
        """Once the trouble is over everything settles: nothing is stuck."""
        if not hasattr(self, "gateway"):
            return
        for _ in range(10_000):
            if len(self.gateway.backlog) == 0:
                break
            key = self.gateway.start_one(self.now)
            for sent in sorted(self.gateway.in_flight):
                self.received.append(sent)
                self.gateway.settle(sent, "published")
            self.gateway.commit()
            if key is None:
                self.now += 0.25
        self.gateway.commit()
        assert all(row.outcome is not None for row in self.disk.rows.values())
        self.order_holds()
        self.nothing_is_invented()

    def _was_scheduled(self, row: Row) -> bool:
        # An event of a topic with `deliverAt` joins the others when it is due.
        later = [r for k, r in self.disk.rows.items() if k > row.place.key]
        return any(r.due_ms < row.due_ms for r in later)


DeliveryLaws.TestCase.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
TestDeliveryLaws = DeliveryLaws.TestCase
