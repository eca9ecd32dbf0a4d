"""Taking a message: kept, then buried, then deleted; what is refused for now is waited for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.admission import Admission
from gateway.errors import InboxUnusable, OutboxFull, OutboxUnavailable
from gateway.formats.submission import Bounds, Reader
from gateway.inbox import taking
from gateway.inbox.dead_letter import DeadLetter
from gateway.inbox.message import Message
from gateway.inbox.taking import GiveBack, Taker
from gateway.keys import Keyring
from gateway.metrics import Metrics
from gateway.principals import new_principal
from tests.unit.gateway.inbox.messages import GOOD, SHOP, message
from tests.unit.gateway.intakes import MemoryIntake

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as briefly as can be."""
    monkeypatch.setattr(taking, "FIRST_WAIT_S", 0.0001)
    monkeypatch.setattr(taking, "LONGEST_WAIT_S", 0.001)


class MemoryQueue:
    """Remembers what was done, in order.

    Attributes:
        done: ``bury`` and ``delete``, in order.
        letters: What was buried.
        trouble: Raised by `bury`, if set.
        kept: How many events the intake had at each call.
    """

    def __init__(self, intake: MemoryIntake) -> None:
        self.done: list[str] = []
        self.letters: list[DeadLetter] = []
        self.trouble: Exception | None = None
        self.kept: list[int] = []
        self._intake = intake

    async def bury(self, letter: DeadLetter) -> None:
        """Remember a dead letter."""
        if self.trouble is not None:
            raise self.trouble
        self.done.append("bury")
        self.letters.append(letter)
        self.kept.append(len(self._intake.events))

    async def delete(self, _message: Message) -> None:
        """Remember a delete."""
        self.done.append("delete")
        self.kept.append(len(self._intake.events))


class World:
    """A taker and what stands around it."""

    def __init__(self, *, rate_per_s: float | None = None, most_waiting: int = 1) -> None:
        principal = new_principal(
            id_=SHOP.credential_id,
            name="shop",
            publish=["user:*"],
            rate_per_s=rate_per_s,
            now=NOW,
        )
        self.metrics = Metrics()
        self.intake = MemoryIntake()
        self.queue = MemoryQueue(self.intake)
        self.taker = Taker(
            admission=Admission(Keyring(principals=[principal])),
            intake=self.intake,
            queue=self.queue,  # type: ignore[arg-type] # the two calls that taking makes
            metrics=self.metrics,
            reader=Reader(
                Bounds(namespace="n", max_addresses=5, max_depth=8, max_events=50), lambda: "x"
            ),
            most_waiting=most_waiting,
        )

    def counted(self, name: str, **labels: str) -> float:
        """Return a counter's value."""
        return self.metrics.registry.get_sample_value(f"gateway_{name}_total", labels) or 0.0


async def test_events_are_kept_then_the_message_goes() -> None:
    """A crash in between leaves the message, and its events are known by their ids."""
    world = World()
    await world.taker.take(message([GOOD, GOOD]))
    assert (world.queue.done, world.queue.kept) == (["delete"], [2])
    await world.taker.take(message([GOOD, GOOD], receives=2))
    assert len(world.intake.events) == 2
    assert world.counted("inbox_messages", service="shop", outcome="taken") == 2


async def test_bad_events_are_buried_after_the_good_ones_are_kept() -> None:
    """And before the message goes: nothing is lost wherever it stops."""
    world = World()
    await world.taker.take(message([GOOD, {"to": "user:1"}, GOOD | {"to": "everyone"}]))
    assert (world.queue.done, world.queue.kept) == (["bury", "bury", "delete"], [1, 1, 1])
    assert [one.attributes["reason"] for one in world.queue.letters] == [
        "invalid_event",
        "not_allowed",
    ]
    assert world.counted("inbox_messages", service="shop", outcome="partly") == 1
    assert world.counted("events_refused", service="shop", reason="not_allowed") == 1


@pytest.mark.parametrize(
    ("changes", "reason", "service"),
    [
        ({"body": "Hi!"}, "malformed_body", "shop"),
        ({"body": json.dumps(GOOD | {"to": "everyone"})}, "not_allowed", "shop"),
        ({"sender": "AIDASTRANGER123456"}, "unknown_sender", "-"),
    ],
)
async def test_a_message_refused_whole_is_one_dead_letter(
    changes: dict[str, Any], reason: str, service: str
) -> None:
    """Its body is what was sent."""
    world, sent = World(), message(**changes)
    await world.taker.take(sent)
    assert world.queue.done == ["bury", "delete"]
    (letter,) = world.queue.letters
    assert (letter.body, letter.attributes["reason"]) == (sent.body, reason)
    assert world.counted("inbox_messages", service=service, outcome="dead") == 1
    assert world.counted("events_refused", service=service, reason=reason) == 1


async def test_a_changed_event_is_a_dead_letter() -> None:
    """The id was another event before."""
    world = World()
    await world.taker.take(message(GOOD | {"id": "i"}))
    await world.taker.take(message(GOOD | {"id": "i", "data": 2}, id="other"))
    assert [one.attributes["reason"] for one in world.queue.letters] == ["changed_event"]


@pytest.mark.parametrize("trouble", [OutboxFull(1), OutboxUnavailable("disk_full")])
async def test_trouble_of_the_outbox_is_waited_for(trouble: Exception) -> None:
    """The message is held; nothing of it is refused."""
    world = World()
    calls = 0
    accept = world.intake.accept

    async def now_and_then(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise trouble
        return await accept(*arguments)

    world.intake.accept = now_and_then  # type: ignore[assignment, method-assign]
    await world.taker.take(message())
    assert (calls, world.queue.done, len(world.intake.events)) == (4, ["delete"], 1)


async def test_a_batch_beyond_the_rate_is_taken_bit_by_bit() -> None:
    """Each event counts once, in order, however often it waits."""
    world = World(rate_per_s=1_000)
    world.taker._admission.count(world.taker._admission.identify_sender(SHOP.credential_id), 990, 0)
    await world.taker.take(message([GOOD | {"id": f"{n}"} for n in range(40)]))
    assert [id_ for _, id_ in world.intake.events] == [str(n) for n in range(40)]
    assert world.queue.done == ["delete"]


async def test_a_service_that_waits_already_gets_its_message_back() -> None:
    """It would take all the room there is; what was taken of it is known when it comes again."""
    world = World(rate_per_s=1, most_waiting=0)
    with pytest.raises(GiveBack) as caught:
        await world.taker.take(message([GOOD, GOOD]))
    assert 5 <= caught.value.delay_s <= 60
    assert (world.queue.done, len(world.intake.events)) == ([], 1)
    assert world.counted("inbox_messages", service="shop", outcome="given_back") == 1


async def test_stopping_gives_back_what_waits_at_once() -> None:
    """Another gateway goes on with it."""
    world = World()
    world.intake.trouble = OutboxFull(1)
    world.taker.stop()
    with pytest.raises(GiveBack) as caught:
        await world.taker.take(message())
    assert caught.value.delay_s == 0
    assert world.queue.done == []


@pytest.mark.parametrize("trouble", [OSError("away"), InboxUnusable("no_dead_letter_queue")])
async def test_a_letter_that_cannot_be_sent_keeps_its_message(trouble: Exception) -> None:
    """It is not deleted before its reason is kept."""
    world = World()
    world.queue.trouble = trouble
    with pytest.raises(GiveBack):
        await world.taker.take(message("Hi!"))
    assert world.queue.done == []
    assert world.counted("inbox_messages", service="shop", outcome="failed") == 1
    assert world.counted("events_refused", service="shop", reason="malformed_body") == 0


async def test_a_bug_of_ours_is_given_up_in_the_end() -> None:
    """A message on which the gateway itself fails comes again a few times, and no more."""
    world = World()

    async def broken(*_arguments: Any) -> Any:
        raise ZeroDivisionError

    world.intake.accept = broken  # type: ignore[assignment, method-assign]
    with pytest.raises(GiveBack) as caught:
        await world.taker.take(message(receives=2))
    assert (caught.value.delay_s, world.queue.done) == (4, [])
    await world.taker.take(message(receives=5))
    (letter,) = world.queue.letters
    assert (letter.attributes["reason"], world.queue.done) == ("internal_error", ["bury", "delete"])


async def test_a_line_tells_what_became_of_it(caplog: pytest.LogCaptureFixture) -> None:
    """Ids, counts and codes; never a payload."""
    caplog.set_level("INFO")
    world = World()
    await world.taker.take(message([GOOD | {"data": "hush"}, {"data": "hush"}]))
    (record,) = [one for one in caplog.records if one.message == "inbox message"]
    facts = vars(record)
    assert (facts["service"], facts["outcome"], facts["code"]) == (
        "shop",
        "partly",
        "invalid_event",
    )
    assert (facts["events"], facts["refused"], facts["receives"]) == (1, 1, 1)
    assert record.levelname == "WARNING"
    assert "hush" not in str(facts)
