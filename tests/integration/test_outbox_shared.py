"""What several gateways on one outbox owe each other: any of them answers for all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.core.kept_event import keep
from gateway.core.report import State
from gateway.core.service import ANYBODY
from gateway.errors import OutboxUnavailable, PublishDenied, PublishUnavailable, WrongState
from gateway.intake import Accepted, Conflict
from gateway.outbox.aws.item import draft_of
from gateway.outbox.aws.message import Turn
from tests.integration.outbox_world import World, event, life, until
from tests.integration.shared_place import SharedPlace
from tests.unit.gateway.publishers import RecordingPublisher

pytestmark = pytest.mark.timeout(180)  # the first one waits for the process of SQS and DynamoDB

HELD = PublishUnavailable("held back")
WAIT_S = 15.0


def failing(*addresses: str) -> RecordingPublisher:
    """Return an IoT Core that fails for some addresses, and may be tried again."""
    publisher = RecordingPublisher()
    publisher.failures = dict.fromkeys(addresses, HELD)
    return publisher


@asynccontextmanager
async def two(
    place: SharedPlace, first: RecordingPublisher | None = None, **settings: Any
) -> AsyncIterator[tuple[World, World]]:
    """Run two gateways, of which the second one delivers nothing: it only answers."""
    async with (
        life(place.outbox, first, **settings) as worker,
        life(place.outbox, **settings) as other,
    ):
        other.shared.retire()
        yield worker, other


async def until_state(world: World, event_id: str, state: str) -> None:
    """Wait until a gateway says that an event stands somewhere."""
    async with asyncio.timeout(WAIT_S):
        while await world.state(event_id) != state:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def test_one_id_at_two_gateways_at_once_is_one_event(shared_place: SharedPlace) -> None:
    """One accepts it, the other knows it; it is sent once; another body is a conflict at both."""
    publisher = RecordingPublisher()
    async with (
        life(shared_place.outbox, publisher) as one,
        life(shared_place.outbox, publisher) as other,
    ):
        for number in range(5):
            taken = await asyncio.gather(
                one.take(event(id=f"e-{number}")), other.take(event(id=f"e-{number}"))
            )
            found = [acceptance for (acceptance,) in taken]
            assert all(isinstance(acceptance, Accepted) for acceptance in found)
            assert sorted(a.duplicate for a in found if isinstance(a, Accepted)) == [False, True]
            for world in (one, other):
                (changed,) = await world.take(event(id=f"e-{number}", data="changed"))
                assert changed == Conflict(f"e-{number}")
            await one.intake.outcome(ANYBODY, f"e-{number}", WAIT_S)
        assert len(publisher.published) == 5


async def test_of_two_bodies_at_once_one_is_accepted(shared_place: SharedPlace) -> None:
    """And that one is sent."""
    publisher = RecordingPublisher()
    async with (
        life(shared_place.outbox, publisher) as one,
        life(shared_place.outbox, publisher) as other,
    ):
        taken = await asyncio.gather(
            one.take(event(id="a", data="one")), other.take(event(id="a", data="other"))
        )
        found = [acceptance for (acceptance,) in taken]
        assert found.count(Conflict("a")) == 1
        accepted = "one" if isinstance(found[0], Accepted) else "other"
        report = await other.intake.outcome(ANYBODY, "a", WAIT_S)
        assert report.state is State.PUBLISHED
        assert [json.loads(p.payload)["data"] for p in publisher.published] == [accepted]


async def test_any_gateway_answers(shared_place: SharedPlace) -> None:
    """Where an event stands, how it ended, what there is, and that it is known."""
    async with two(shared_place, failing("user:1")) as (worker, other):
        await worker.take(event("user:1", id="waits"), event("user:2", id="done"))
        report = await other.intake.outcome(ANYBODY, "done", WAIT_S)
        assert report.state is State.PUBLISHED
        async with asyncio.timeout(WAIT_S):
            while True:
                found = await other.intake.find(ANYBODY, "waits")
                assert found is not None
                if found.deliveries[0].attempts:
                    break
        failure = found.deliveries[0].failure
        assert failure is not None
        assert failure.code == "unavailable"
        page = await other.intake.search(ANYBODY, status=None, limit=10, after=None)
        assert {r.id: str(r.state) for r in page.reports} == {
            "waits": "accepted",
            "done": "published",
        }
        (again,) = await other.take(event("user:2", id="done"))
        assert isinstance(again, Accepted)
        assert (again.duplicate, again.report.state) == (True, State.PUBLISHED)


async def test_any_gateway_cancels(shared_place: SharedPlace) -> None:
    """What waits at another one, for its turn or its next attempt, and what is not due."""
    later = datetime.now(UTC) + timedelta(seconds=60)
    async with two(shared_place, failing("user:1")) as (worker, other):
        await worker.take(
            event("user:1", id="head"),
            event("user:1", id="behind"),
            event("user:3", id="later", deliver_at=later),
            event("user:2", id="done"),
        )
        await other.intake.outcome(ANYBODY, "done", WAIT_S)
        for event_id in ("behind", "later", "head"):
            await other.intake.cancel(ANYBODY, event_id)
            # One that was being sent is cancelled when its attempt has failed.
            await until_state(worker, event_id, "cancelled")
        for event_id in ("done", "behind"):
            with pytest.raises(WrongState):
                await other.intake.cancel(ANYBODY, event_id)
        await worker.empty()
        assert worker.topics() == ["user/2"]


async def test_what_another_gateway_sends_has_no_further_attempt(
    shared_place: SharedPlace,
) -> None:
    """A cancellation elsewhere does not stop a publish, but its retry."""
    publisher = RecordingPublisher()
    publisher.gate = asyncio.Event()
    async with two(shared_place, publisher) as (worker, other):
        await worker.take(event("user:1", id="fails"), event("user:2", id="works"))
        await until(lambda: publisher.in_flight == 2)
        for name in ("fails", "works"):
            assert (await other.intake.cancel(ANYBODY, name)).state is State.ACCEPTED
        publisher.failures["user:1"] = HELD
        publisher.gate.set()
        assert (await other.intake.outcome(ANYBODY, "fails", WAIT_S)).state is State.CANCELLED
        assert (await other.intake.outcome(ANYBODY, "works", WAIT_S)).state is State.PUBLISHED


async def test_any_gateway_redelivers_once(shared_place: SharedPlace) -> None:
    """A dead letter of another one; of two that ask at once, one is told that it is on its way."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = PublishDenied("no")
    async with two(shared_place, publisher) as (worker, other):
        await worker.take(event("user:1", "user:2", id="a"))
        assert (await other.intake.outcome(ANYBODY, "a", WAIT_S)).state is State.FAILED
        publisher.failures.clear()
        asked = await asyncio.gather(
            worker.intake.redeliver(ANYBODY, "a"),
            other.intake.redeliver(ANYBODY, "a"),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, WrongState) for answer in asked) == 1
        assert (await other.intake.outcome(ANYBODY, "a", WAIT_S)).state is State.PUBLISHED
        assert worker.topics() == ["user/2", "user/1"]


async def test_a_newer_event_at_another_gateway_takes_the_place(shared_place: SharedPlace) -> None:
    """Of one that waits here; and in one request the last one of a key does."""
    publisher = failing("user:1")
    async with two(shared_place, publisher) as (worker, other):
        await worker.take(event("user:1", id="old", collapse_key="k"))
        await other.take(*[event("user:1", id=f"new-{n}", collapse_key="k") for n in range(4)])
        for name in ("old", "new-0", "new-1", "new-2"):
            await until_state(other, name, "collapsed")
        publisher.failures.clear()
        assert (await other.intake.outcome(ANYBODY, "new-3", WAIT_S)).state is State.PUBLISHED
        assert worker.topics() == ["user/1"]


async def test_order_holds_across_gateways(shared_place: SharedPlace) -> None:
    """Whoever takes the events in, and whoever delivers them."""
    publisher = RecordingPublisher()
    async with (
        life(shared_place.outbox, publisher) as one,
        life(shared_place.outbox, publisher) as other,
    ):
        for number in range(30):
            world = (one, other)[number % 2]
            await world.take(event("user:1", "user:2", data=number))
        await until(lambda: len(publisher.published) == 60)
        for topic in ("n/user/1", "n/user/2"):
            sent = [json.loads(p.payload)["data"] for p in publisher.published if p.topic == topic]
            assert sent == list(range(30))


async def test_a_gateway_that_stops_hands_over(shared_place: SharedPlace) -> None:
    """What it held is received by the other one at once, long before its time is over."""
    async with life(shared_place.outbox, failing("user:1")) as worker:
        await worker.take(*[event("user:1", data=n) for n in range(5)])
        await until(lambda: worker.outbox.deliveries.count == 5)
    async with life(shared_place.outbox) as other:
        await until(lambda: len(other.sent()) == 5)
        assert [json.loads(payload)["data"] for _, payload in other.sent()] == list(range(5))


async def test_a_refusal_forgets_nothing_that_another_gateway_answered(
    shared_place: SharedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One gateway cannot queue what it wrote; meanwhile another one was sent it and said 202."""
    async with two(shared_place) as (worker, other):

        async def unlucky(_turns: Sequence[Turn]) -> None:
            (taken,) = await worker.take(event(id="a"))
            assert isinstance(taken, Accepted)
            assert taken.duplicate
            raise OutboxUnavailable("unlucky")

        monkeypatch.setattr(other.shared._queue, "send", unlucky)
        with pytest.raises(OutboxUnavailable, match="unlucky"):
            await other.take(event(id="a"), event(id="mine-alone"))
        assert (await worker.intake.outcome(ANYBODY, "a", WAIT_S)).state is State.PUBLISHED
        assert await worker.state("mine-alone") is None


async def test_a_refused_event_can_be_sent_again(
    shared_place: SharedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: that its message reached the queue all the same keeps no later one away."""
    async with two(shared_place) as (worker, other):
        send = other.shared._queue.send

        async def unheard(turns: Sequence[Turn]) -> None:
            await send(turns)
            raise OutboxUnavailable("unheard")

        with monkeypatch.context() as patched:
            patched.setattr(other.shared._queue, "send", unheard)
            # Its message may be received before it is forgotten: then it is not, and delivered.
            with pytest.raises(OutboxUnavailable, match="unheard"):
                await other.take(event(id="a"))
        await other.take(event(id="a"))
        assert (await worker.intake.outcome(ANYBODY, "a", WAIT_S)).state is State.PUBLISHED
        assert worker.topics() == ["user/1"]


async def test_what_was_written_and_not_queued_is_swept_in_order(
    shared_place: SharedPlace,
) -> None:
    """By any gateway, the earliest first, whichever parts of the index they are in."""
    async with life(shared_place.outbox) as world:
        now_ms = time.time_ns() // 1_000_000
        kept = [
            keep(event("user:1", data=n), service=ANYBODY.name, source="s", now_ms=now_ms)
            for n in range(25)
        ]
        # One call, so that no sweep sees a part of them.
        await world.shared._table.put_new([draft_of(one, now_ms + n) for n, one in enumerate(kept)])
        await until(lambda: len(world.sent()) == 25)
        assert [json.loads(payload)["data"] for _, payload in world.sent()] == list(range(25))


async def test_a_claim_is_its_holders(shared_place: SharedPlace) -> None:
    """A repeated call finds it, nobody else has it before its end, nor gives it back."""
    later = datetime.now(UTC) + timedelta(seconds=60)
    async with two(shared_place) as (worker, other):
        await worker.take(event("user:1", id="a", deliver_at=later))
        now_ms = time.time_ns() // 1_000_000
        table = other.shared._table
        item = await table.load(ANYBODY.name, "a", now_ms=now_ms)
        assert item is not None
        turn = Turn(ANYBODY.name, "a", int(item["gen"]["N"]), 0, "user:1")
        end_ms = now_ms + 5_000
        for _ in range(2):
            assert await table.claim(turn, "me", now_ms=now_ms, until_ms=end_ms)
        assert await table.claim(turn, "you", now_ms=now_ms, until_ms=end_ms) is None
        await table.release(turn, "you")
        assert await table.claim(turn, "you", now_ms=now_ms, until_ms=end_ms) is None
        await table.release(turn, "me")
        assert await table.claim(turn, "you", now_ms=now_ms, until_ms=end_ms)
        assert await table.claim(turn, "me", now_ms=end_ms + 1, until_ms=end_ms + 2)


async def test_a_dead_letter_of_the_queue_is_a_failed_delivery(
    shared_place: SharedPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own code; it can be sent again. What is none of ours stays there, with a reason."""
    monkeypatch.setattr("gateway.outbox.aws.sweep.LOOK_S", 0.2)
    sqs: Any = shared_place.account.client("sqs")
    dead: dict[str, Any] = await asyncio.to_thread(
        sqs.get_queue_attributes,
        QueueUrl=shared_place.dead_letters_url,
        AttributeNames=["QueueArn"],
    )
    policy = {"deadLetterTargetArn": dead["Attributes"]["QueueArn"], "maxReceiveCount": 1}
    await asyncio.to_thread(
        sqs.set_queue_attributes,
        QueueUrl=shared_place.queue_url,
        Attributes={"RedrivePolicy": json.dumps(policy)},
    )
    async with life(shared_place.outbox, failing("user:1")) as gone:
        await gone.take(event("user:1", id="a"))
        await until(lambda: gone.outbox.deliveries.count == 1)
        await asyncio.to_thread(
            sqs.send_message,
            QueueUrl=shared_place.queue_url,
            MessageBody="nothing we know",
            MessageGroupId="g",
            MessageDeduplicationId="d",
        )
        await until(lambda: gone.outbox.deliveries.unsaved == 0)
    async with life(shared_place.outbox) as world:
        report = await world.intake.outcome(ANYBODY, "a", WAIT_S)
        assert report.failures[0].code == "poisoned"
        await world.intake.redeliver(ANYBODY, "a")
        assert (await world.intake.outcome(ANYBODY, "a", WAIT_S)).state is State.PUBLISHED


async def test_items_are_forgotten_in_their_time(shared_place: SharedPlace) -> None:
    """Payloads of what cannot be sent again at once, settled items by TTL, ids after a day."""
    publisher = RecordingPublisher()
    publisher.failures["user:1"] = PublishDenied("no")
    async with life(shared_place.outbox, publisher, keep_settled_s=60.0) as world:
        await world.take(event("user:1", id="dead"), event("user:2", "user:3", id="done"))
        for name in ("dead", "done"):
            await world.intake.outcome(ANYBODY, name, WAIT_S)
        await world.written()
        table, now_s = world.shared._table, time.time()
        dead = await table.load(ANYBODY.name, "dead", now_ms=int(now_s * 1000))
        done = await table.load(ANYBODY.name, "done", now_ms=int(now_s * 1000))
        assert dead is not None
        assert done is not None
        assert "payload" in dead
        assert "payload" not in done
        assert "gsi1pk" not in {**dead, **done}
        assert 86_000 < int(done["expires_at"]["N"]) - now_s < 87_000
        assert 604_000 < int(dead["expires_at"]["N"]) - now_s < 605_000
        # DynamoDB may take days to drop an item; here its time is over already.
        assert await table.load(ANYBODY.name, "done", now_ms=int(now_s + 90_000) * 1000) is None
        fresh = keep(
            event("user:2", id="done", data="another"),
            service=ANYBODY.name,
            source="s",
            now_ms=int(now_s + 90_000) * 1000,
        )
        draft = draft_of(fresh, fresh.accepted_ms)
        assert await table.put(draft, now_ms=fresh.accepted_ms) is None


async def test_a_table_that_is_not_there(shared_place: SharedPlace) -> None:
    """It starts, says what is wrong, and takes nothing."""
    place = shared_place.outbox.replace("table=", "table=not-")
    async with life(place, open_s=0.5) as world:
        assert world.outbox.trouble() == "starting"
        with pytest.raises(OutboxUnavailable):
            await world.take(event())
        await until(lambda: world.outbox.trouble() not in (None, "starting"))
