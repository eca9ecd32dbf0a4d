"""`POST /v1/events`: the order of the checks and the shape of the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.admission import Admission
from gateway.core.report import State
from gateway.errors import (
    ChangedEvent,
    EventTooLarge,
    InvalidEvent,
    NotAllowed,
    NotAuthenticated,
    OutboxUnavailable,
    RateExceeded,
    RequestRefused,
    TooManyEvents,
    UnsupportedMedia,
)
from gateway.event_api import EventApi
from gateway.formats.media import Form
from gateway.formats.post_head import PostHead
from gateway.keys import Keyring, new_key
from gateway.metrics import Metrics
from gateway.request_line import Line
from gateway.settings import Settings
from tests.unit.gateway.intakes import MemoryIntake

SETTINGS = Settings(
    namespace="n", iot_endpoint="http://127.0.0.1:1", region="us-east-1", max_batch_events=4
)
GOOD: dict[str, Any] = {"to": "user:42", "type": "t", "data": 1, "id": "i"}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class World:
    """The event API over an intake in memory."""

    def __init__(self, *, rate_per_s: float | None = None) -> None:
        self.key, kept = new_key(
            name="shop",
            publish=["user:*"],
            rate_per_s=rate_per_s,
            admin=False,
            now=datetime(2026, 1, 31, tzinfo=UTC),
        )
        self.intake = MemoryIntake()
        self.metrics = Metrics()
        self.api = EventApi(
            admission=Admission(Keyring([kept])),
            intake=self.intake,
            metrics=self.metrics,
            settings=SETTINGS,
        )
        self.facts: dict[str, object] = {}
        self.headers: dict[str, str] = {}

    async def post(self, document: object, **headers: str) -> tuple[int, Any]:
        """Post a document (or bytes); return status and answer."""
        sent = {"Authorization": f"Bearer {self.key.reveal()}", "Content-Type": Form.JSON}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        line = Line("r-1")
        self.facts = line.facts

        async def read() -> bytes:
            return body

        shown = CIMultiDictProxy(CIMultiDict(sent | named))
        reply = await self.api.post(PostHead(shown), read, line)
        self.headers = dict(reply.headers)
        return reply.status, json.loads(reply.body)

    @property
    def kept(self) -> list[str]:
        """Ids of what was taken."""
        return [event_id for _, event_id in self.intake.events]


def event(number: int, **changes: object) -> dict[str, object]:
    """Return a good event."""
    return GOOD | {"id": f"i-{number}"} | changes


async def test_answers_that_it_is_kept() -> None:
    """202 with id and state, and where to look; the line has the facts and no payload."""
    world = World()
    assert await world.post(GOOD) == (202, {"id": "i", "status": "accepted"})
    assert world.headers["Location"] == "/v1/events/i"
    assert world.facts == {
        "service": "shop",
        "body_bytes": len(json.dumps(GOOD)),
        "event_id": "i",
        "state": "accepted",
        "addresses": 1,
    }


async def test_makes_an_id_for_an_event_without() -> None:
    """Every event can be spoken of."""
    document = {name: value for name, value in GOOD.items() if name != "id"}
    _, answer = await World().post(document)
    assert len(answer["id"]) == 36


async def test_the_same_event_again_is_a_duplicate() -> None:
    """It answers with where the first one stands."""
    world = World()
    await world.post(GOOD)
    world.intake.settle("shop", "i", State.PUBLISHED)
    assert await world.post(GOOD) == (202, {"id": "i", "status": "published", "duplicate": True})


async def test_the_same_id_with_another_body_is_refused() -> None:
    """Two events cannot be one."""
    world = World()
    await world.post(GOOD)
    with pytest.raises(ChangedEvent):
        await world.post(GOOD | {"data": 2})


@pytest.mark.parametrize("state", [State.PUBLISHED, State.FAILED])
async def test_waits_for_the_outcome(state: State) -> None:
    """200 with the state of each address, whatever it is; the wait that was granted is told."""
    world = World()
    world.intake.outcomes["i"] = state
    status, answer = await world.post(GOOD, Prefer="wait=99")
    assert (status, answer["status"]) == (200, state)
    assert answer["addresses"]["user:42"]["state"] == state
    assert (world.headers["Preference-Applied"], world.intake.waited_s) == ("wait=30", 30)


async def test_waits_no_longer_than_it_may() -> None:
    """Then it answers what is known: 202."""
    world = World()
    status, answer = await world.post(GOOD, Prefer="wait=1")
    assert (status, answer["status"]) == (202, "accepted")
    assert world.headers["Preference-Applied"] == "wait=1"


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "respond-async"])
async def test_does_not_wait_unasked(prefer: str) -> None:
    """And claims no preference that it did not apply."""
    world = World()
    await world.post(GOOD, Prefer=prefer)
    assert world.intake.waited_s is None
    assert "Preference-Applied" not in world.headers


@pytest.mark.parametrize(
    ("document", "headers", "refusal"),
    [
        (GOOD, {"Authorization": ""}, NotAuthenticated),
        (GOOD, {"Content_Type": "text/plain"}, UnsupportedMedia),
        (GOOD | {"qos": 2}, {}, InvalidEvent),
        (GOOD | {"to": "everyone"}, {}, NotAllowed),
        ([GOOD] * 5, {}, TooManyEvents),
    ],
)
async def test_refuses(document: object, headers: dict[str, str], refusal: type[Exception]) -> None:
    """Nothing is kept of what is refused."""
    world = World()
    with pytest.raises(refusal):
        await world.post(document, **headers)
    assert not world.kept


async def test_refuses_what_the_intake_refuses() -> None:
    """One event has one answer, and it is the problem."""
    world = World()
    world.intake.refused["i"] = EventTooLarge(size_bytes=2, limit_bytes=1)
    with pytest.raises(EventTooLarge):
        await world.post(GOOD)


async def test_stops_a_service_that_is_too_fast() -> None:
    """The second event within the second is one too many."""
    world = World(rate_per_s=1)
    await world.post(GOOD)
    with pytest.raises(RateExceeded):
        await world.post(GOOD)


async def test_one_bad_event_spoils_no_other() -> None:
    """202 with a result for each, in order; the refused are counted by reason."""
    world = World()
    await world.post(event(9))
    status, answer = await world.post(
        [
            event(0),
            event(1, qos=2),
            event(2, to="everyone"),
            event(9, data="other"),
        ]
    )
    assert status == 202
    assert (answer["accepted"], answer["duplicates"], answer["refused"]) == (1, 0, 3)
    assert answer["results"][0] == {"id": "i-0", "status": "accepted"}
    assert [one["problem"]["code"] for one in answer["results"][1:]] == [
        "invalid_event",
        "not_allowed",
        "changed_event",
    ]
    assert [one.get("id") for one in answer["results"][1:]] == [None, "i-2", "i-9"]
    assert world.kept == ["i-9", "i-0"]
    assert (world.facts["events"], world.facts["refused"]) == (4, 3)
    text = world.metrics.text().decode()
    assert 'gateway_events_refused_total{reason="not_allowed",service="shop"} 1.0' in text


async def test_lines_are_a_batch() -> None:
    """Also a single one."""
    status, answer = await World().post(json.dumps(GOOD).encode(), Content_Type=Form.NDJSON)
    assert (status, answer["results"]) == (202, [{"id": "i", "status": "accepted"}])


async def test_a_batch_of_nothing_is_fine() -> None:
    """Nothing was refused."""
    assert await World().post([]) == (
        202,
        {"accepted": 0, "duplicates": 0, "refused": 0, "results": []},
    )


async def test_a_batch_beyond_the_rate_is_taken_as_far_as_it_goes() -> None:
    """The rest is refused with the time to wait."""
    world = World(rate_per_s=2)
    status, answer = await world.post([event(0), event(1), event(2)])
    assert (status, answer["accepted"]) == (202, 2)
    assert answer["results"][2]["problem"]["code"] == "rate_exceeded"
    assert world.headers["Retry-After"] == "1"


async def test_a_batch_of_which_nothing_was_taken_is_a_problem() -> None:
    """A caller that looks at the status only sees it; the results are there as ever."""
    status, answer = await World().post([event(0, qos=2), event(1, to="everyone")])
    assert (status, answer["code"], answer["status"]) == (400, "nothing_taken", 400)
    assert [one["problem"]["status"] for one in answer["results"]] == [400, 403]


async def test_a_refusal_that_may_pass_decides() -> None:
    """Then the caller should try again."""
    world = World()
    world.intake.refused["i-1"] = OutboxUnavailable("disk_full")
    status, _ = await world.post([event(0, qos=2), event(1)])
    assert (status, world.headers["Retry-After"]) == (503, "1")


async def test_a_batch_waits_for_all_of_its_outcomes() -> None:
    """200 once every taken event is settled, 202 while one is not."""
    world = World()
    world.intake.outcomes |= {"i-0": State.PUBLISHED, "i-1": State.FAILED}
    status, answer = await world.post([event(0), event(1), event(2, qos=2)], Prefer="wait=5")
    assert status == 200
    assert [one.get("status") for one in answer["results"]] == ["published", "failed", None]
    status, answer = await world.post([event(0), event(3)], Prefer="wait=5")
    assert status == 202
    assert answer["results"][0]["duplicate"] is True


async def test_when_nothing_can_be_kept_nothing_is() -> None:
    """The whole request is refused with why."""
    world = World()
    world.intake.trouble = OutboxUnavailable("disk_full")
    with pytest.raises(RequestRefused):
        await world.post([event(0)])


async def test_carries_the_callers_trace() -> None:
    """Into the event's extensions, whether traces are on or not."""
    world = World()
    await world.post(GOOD, traceparent=TRACE)
    assert world.intake.events["shop", "i"].extensions == {"traceparent": TRACE}


async def test_takes_a_cloud_event_in_binary_mode() -> None:
    """Attributes in headers, data in the body."""
    attributes = {"specversion": "1.0", "id": "c", "source": "/s", "type": "t", "to": "user:1"}
    headers = {f"ce_{name}": value for name, value in attributes.items()}
    status, answer = await World().post(b"hello", Content_Type="text/plain", **headers)
    assert (status, answer["id"]) == (202, "c")
