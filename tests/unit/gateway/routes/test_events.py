"""`POST /v1/events`: the order of the checks and the shape of the answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from gateway.admission import Admission
from gateway.errors import (
    InvalidEvent,
    NotAllowed,
    NotAuthenticated,
    PublishDenied,
    PublishThrottled,
    RateExceeded,
    UnsupportedMedia,
)
from gateway.intake import DirectIntake
from gateway.keys import Keyring, new_key
from gateway.metrics import Metrics
from gateway.request_line import FACTS
from gateway.routes.events import EventRoutes
from gateway.settings import Settings
from tests.unit.gateway.publishers import RecordingPublisher
from tests.unit.gateway.requests import request_for

SETTINGS = Settings(namespace="n", iot_endpoint="http://127.0.0.1:1", region="us-east-1")
KEY, KEPT = new_key(
    name="shop",
    publish=["user:*"],
    rate_per_s=1,
    admin=False,
    now=datetime(2026, 1, 31, tzinfo=UTC),
)
GOOD = {"to": "user:42", "type": "t", "data": 1, "id": "i"}


class World:
    """The event API over a publisher in memory."""

    def __init__(self) -> None:
        self.publisher = RecordingPublisher()
        intake = DirectIntake(
            publisher=self.publisher,
            metrics=Metrics(),
            namespace="n",
            connections=2,
            most_pending=9,
            wait_s=5,
        )
        self.routes = EventRoutes(
            admission=Admission(Keyring([KEPT])), intake=intake, settings=SETTINGS
        )
        self.facts: dict[str, object] = {}

    async def post(self, document: object, **headers: str) -> tuple[int, Any]:
        """Post a document; return status and answer."""
        sent = {"Authorization": f"Bearer {KEY.reveal()}", "Content-Type": "application/json"}
        body = json.dumps(document).encode()
        request = request_for("POST", "/v1/events", sent | headers, body=body)
        self.facts = request[FACTS]
        response = await self.routes.post(request)
        assert isinstance(response, web.Response)
        assert isinstance(response.body, bytes)
        return response.status, json.loads(response.body)


async def test_answers_what_became_of_the_event() -> None:
    """200 with the state of each address; the line has the facts and no payload."""
    world = World()
    assert await world.post(GOOD) == (
        200,
        {"id": "i", "status": "published", "addresses": {"user:42": {"state": "published"}}},
    )
    assert world.publisher.published[0].topic == "n/user/42"
    assert world.facts == {
        "service": "shop",
        "body_bytes": len(json.dumps(GOOD)),
        "event_id": "i",
        "addresses": 1,
        "state": "published",
    }


async def test_makes_an_id_for_an_event_without() -> None:
    """Every event can be spoken of."""
    document = {name: value for name, value in GOOD.items() if name != "id"}
    _, answer = await World().post(document)
    assert len(answer["id"]) == 36


async def test_partly_published_is_told_address_by_address() -> None:
    """200, since something happened; `failed`, since not all of it did."""
    world = World()
    world.publisher.failures["user:2"] = PublishThrottled("slow")
    status, answer = await world.post(GOOD | {"to": ["user:1", "user:2"]})
    assert (status, answer["status"]) == (200, "failed")
    assert answer["addresses"]["user:1"] == {"state": "published"}
    assert answer["addresses"]["user:2"]["error"]["code"] == "throttled"


async def test_not_published_at_all_is_a_problem() -> None:
    """The caller sees it in the status."""
    world = World()
    world.publisher.failures["user:42"] = PublishDenied("no")
    status, answer = await world.post(GOOD)
    assert (status, answer["code"], answer["id"]) == (502, "publish_denied", "i")


@pytest.mark.parametrize(
    ("document", "headers", "refusal"),
    [
        (GOOD, {"Authorization": ""}, NotAuthenticated),
        (GOOD, {"Content-Type": "text/plain"}, UnsupportedMedia),
        (GOOD | {"qos": 2}, {}, InvalidEvent),
        (GOOD | {"to": "everyone"}, {}, NotAllowed),
    ],
)
async def test_refuses(document: object, headers: dict[str, str], refusal: type[Exception]) -> None:
    """Nothing is published of what is refused."""
    world = World()
    with pytest.raises(refusal):
        await world.post(document, **headers)
    assert not world.publisher.published


async def test_stops_a_service_that_is_too_fast() -> None:
    """The second event within the second is one too many."""
    world = World()
    await world.post(GOOD)
    with pytest.raises(RateExceeded):
        await world.post(GOOD)
