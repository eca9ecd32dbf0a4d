"""What became of events: look up, list, send again, cancel; each service its own only."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from gateway.admission import Admission
from gateway.core.event import Event
from gateway.core.report import State
from gateway.core.service import Service
from gateway.errors import AdminRequired, InvalidQuery, RequestRefused, UnknownEvent, WrongState
from gateway.keys import Keyring, new_key
from gateway.request_line import LINE
from gateway.routes.standing import StandingRoutes
from tests.unit.gateway.intakes import MemoryIntake
from tests.unit.gateway.requests import request_for
from wire.address import Address

NOW = datetime(2026, 1, 31, tzinfo=UTC)


class World:
    """The routes over an intake in memory, with a shop and an operator."""

    def __init__(self) -> None:
        self.intake = MemoryIntake()
        self.keys: dict[str, str] = {}
        kept = []
        for name, admin, rate_per_s in (("shop", False, 2), ("operator", True, None)):
            key, one = new_key(
                name=name, publish=["*"], rate_per_s=rate_per_s, admin=admin, now=NOW
            )
            self.keys[name] = key.reveal()
            kept.append(one)
        self.routes = StandingRoutes(admission=Admission(Keyring(kept)), intake=self.intake)
        self.facts: dict[str, object] = {}
        self.headers: dict[str, str] = {}

    async def keep(self, event_id: str, service: str = "shop") -> None:
        """Take an event."""
        sender = Service(name=service, credential_id=service, publish=())
        event = Event(id=event_id, to=(Address.parse("user:1"),), type="t", data=1)
        await self.intake.accept([event], sender)

    async def call(
        self, what: str, event_id: str = "", *, caller: str = "shop", query: str = ""
    ) -> tuple[int, Any]:
        """Call a handler; return status and answer."""
        headers = {"Authorization": f"Bearer {self.keys[caller]}"}
        request = request_for("GET", f"/v1/events?{query}", headers)
        request._match_info = {"id": event_id}  # type: ignore[assignment]
        self.facts = request[LINE].facts
        response: web.Response = await getattr(self.routes, what)(request)
        self.headers = dict(response.headers)
        assert isinstance(response.body, bytes)
        return response.status, json.loads(response.body)


@pytest.fixture
def world() -> World:
    """A shop and an operator."""
    return World()


async def test_finds_an_event(world: World) -> None:
    """With everything known about it; the line says which."""
    await world.keep("a/b")
    world.intake.settle("shop", "a/b", State.PUBLISHED)
    assert await world.call("find", "a/b") == (
        200,
        {
            "id": "a/b",
            "status": "published",
            "acceptedAt": "2026-01-31T12:00:00.000Z",
            "addresses": {
                "user:1": {
                    "state": "published",
                    "attempts": 1,
                    "settledAt": "2026-01-31T12:00:00.000Z",
                }
            },
        },
    )
    assert world.facts == {"service": "shop", "event_id": "a/b", "state": "published"}


async def test_sends_a_failed_event_again(world: World) -> None:
    """202, for it is on its way."""
    await world.keep("i")
    world.intake.settle("shop", "i", State.FAILED)
    status, answer = await world.call("redeliver", "i")
    assert (status, answer["status"]) == (202, "accepted")


async def test_cancels_an_event(world: World) -> None:
    """It answers where the event stands now."""
    await world.keep("i")
    status, answer = await world.call("cancel", "i")
    assert (status, answer["status"]) == (200, "cancelled")


@pytest.mark.parametrize("what", ["redeliver", "cancel"])
async def test_an_event_that_is_out_stays_out(world: World, what: str) -> None:
    """What was published cannot be taken back, and need not be sent again."""
    await world.keep("i")
    world.intake.settle("shop", "i", State.PUBLISHED)
    with pytest.raises(WrongState):
        await world.call(what, "i")


@pytest.mark.parametrize("what", ["find", "redeliver", "cancel"])
async def test_an_event_of_another_service_does_not_exist(world: World, what: str) -> None:
    """Nobody learns so much as that it is there."""
    await world.keep("i", service="bank")
    with pytest.raises(UnknownEvent):
        await world.call(what, "i")
    with pytest.raises(AdminRequired):
        await world.call(what, "i", query="service=bank")


async def test_an_operator_may_name_the_service(world: World) -> None:
    """With the admin right, dead letters of all services can be seen and sent again."""
    await world.keep("i", service="bank")
    world.intake.settle("bank", "i", State.FAILED)
    status, answer = await world.call("search", caller="operator", query="service=bank")
    assert (status, [one["id"] for one in answer["events"]]) == (200, ["i"])
    status, _ = await world.call("redeliver", "i", caller="operator", query="service=bank")
    assert status == 202
    with pytest.raises(UnknownEvent):
        await world.call("find", "i", caller="operator")


async def test_lists_page_by_page(world: World) -> None:
    """Newest first; each page leads to the next, the last to none."""
    for number in range(3):
        await world.keep(f"i-{number}")
        world.intake.settle("shop", f"i-{number}", State.FAILED)
    await world.keep("other")
    query = "status=failed&limit=2"
    _, first = await world.call("search", query=query)
    assert [one["id"] for one in first["events"]] == ["i-2", "i-1"]
    assert world.headers["Link"] == (
        f'</v1/events?status=failed&limit=2&after={first["next"]}>; rel="next"'
    )
    _, second = await world.call("search", query=f"{query}&after={first['next']}")
    assert [one["id"] for one in second["events"]] == ["i-0"]
    assert "next" not in second
    assert "Link" not in world.headers


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("status=lost", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limits=1", "limits"),
        ("after=x", "after"),
        ("service=Not%20One", "service"),
    ],
)
async def test_refuses_a_query(world: World, query: str, parameter: str) -> None:
    """The parameter is named."""
    with pytest.raises(InvalidQuery) as caught:
        await world.call("search", query=query)
    assert caught.value.parameter == parameter


async def test_sending_again_counts(world: World) -> None:
    """Against the service's rate, like any event."""
    await world.keep("i")
    world.intake.settle("shop", "i", State.FAILED)
    await world.call("redeliver", "i")
    with pytest.raises(RequestRefused):
        await world.call("redeliver", "i")
    with pytest.raises(RequestRefused, match="allows 2 events"):
        await world.call("redeliver", "i")


async def test_ids_with_slashes_reach_their_event(world: World) -> None:
    """Percent-encoded, they are one part of the path."""
    await world.keep("a/b@c:1")
    app = web.Application()
    app.add_routes(world.routes.routes())
    paths = {resource.canonical for resource in app.router.resources()}
    assert paths == {"/v1/events", "/v1/events/{id}", "/v1/events/{id}/redeliver"}
    request = request_for("GET", "/v1/events/a%2Fb%40c%3A1")
    found = await app.router.resolve(request)
    assert found["id"] == "a/b@c:1"
