"""The inbox over real queues: messages become events once, bad ones dead letters with their reason."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gateway_process import GatewayProcess
from tests.integration.inbox_world import WAIT_S, InboxWorld, inbox_world
from tests.integration.test_gateway_localaws import subscriber


@pytest.fixture(params=["fifo", "standard"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[InboxWorld]:
    """Run an inbox of either kind."""
    async with inbox_world(tmp_path, fifo=request.param == "fifo") as running:
        yield running


@pytest.fixture
async def fifo(tmp_path: Path) -> AsyncIterator[InboxWorld]:
    """Run an inbox that keeps order."""
    async with inbox_world(tmp_path) as running:
        yield running


async def envelopes(
    received: asyncio.Queue[tuple[str, bytes]], count: int
) -> list[tuple[str, dict[str, Any]]]:
    """Return as many messages that a browser got: topic and envelope."""
    async with asyncio.timeout(WAIT_S):
        found = [await received.get() for _ in range(count)]
    return [(topic, json.loads(payload)) for topic, payload in found]


async def told(gateway: GatewayProcess, count: int) -> list[dict[str, Any]]:
    """Wait for as many lines about messages of the inbox."""
    async with asyncio.timeout(WAIT_S):
        while True:
            lines = [line for line in gateway.lines if line["message"] == "inbox message"]
            if len(lines) >= count:
                return lines
            await asyncio.sleep(0.02)


def event(number: int = 1, **changes: object) -> dict[str, object]:
    """Return an event to user 42."""
    return {"to": "user:42", "type": "t", "data": {"n": number}} | changes


async def test_a_message_reaches_the_browser(world: InboxWorld) -> None:
    """One event, an array, a CloudEvent and a mixed array; then the queue is empty."""
    shop = world.service("shop", "user:*")
    cloud = {"specversion": "1.0", "id": "c-1", "source": "/orders", "type": "t"}
    async with world.gateway(), subscriber(world.aws, "42", groups=[]) as received:
        answer = await world.send(shop, event(1))
        await world.send(
            shop,
            [event(2), event(3, id="mine")],
            cloud | {"to": "user:42", "data": {"n": 4}},
            [event(5), cloud | {"id": "c-2", "to": "user:42", "data": {"n": 6}}],
        )
        found = [envelope for _, envelope in await envelopes(received, 6)]
        await world.emptied()
    assert sorted(one["data"]["n"] for one in found) == [1, 2, 3, 4, 5, 6]
    by_number = {one["data"]["n"]: one for one in found}
    assert by_number[1]["id"] == answer["MessageId"]
    assert (by_number[1]["source"], by_number[4]["source"]) == ("/services/shop", "/orders")
    assert by_number[3]["id"] == "mine"
    assert await world.depth(world.dead_url) == 0


async def test_what_cannot_be_taken_is_a_dead_letter_with_its_reason(world: InboxWorld) -> None:
    """The body as it was sent, the problem of the event API, whose it was; and counted and logged."""
    shop = world.service("shop", "user:*")
    bad = {
        "malformed_body": "Hi!",
        "invalid_event": json.dumps({"type": "t", "data": 1}),
        "not_allowed": json.dumps(event(to="everyone", data="hush")),
        "changed_event": json.dumps(event(2, id="once")),
    }
    async with world.gateway() as gateway:
        await world.send(shop, event(1, id="once"))
        await world.emptied()
        await world.send(shop, *bad.values())
        letters = await world.dead_letters(len(bad))
        await world.emptied()
        metrics = await gateway.metrics()
        lines = await told(gateway, 5)
    assert {one["reason"]: one["body"] for one in letters} == bad
    for letter in letters:
        problem = json.loads(letter["problem"])
        assert (problem["code"], letter["service"]) == (letter["reason"], "shop")
        assert letter["sender"] == shop.id
        assert f'gateway_events_refused_total{{reason="{letter["reason"]}"' in metrics
    by_reason = {one["reason"]: json.loads(one["problem"]) for one in letters}
    assert by_reason["not_allowed"]["refused"] == ["everyone"]
    assert by_reason["invalid_event"]["errors"][0]["pointer"] == "/to"
    assert 'gateway_inbox_messages_total{outcome="dead",service="shop"} 4.0' in metrics
    assert Counter(line["outcome"] for line in lines) == {"taken": 1, "dead": 4}
    assert "hush" not in json.dumps(gateway.lines)


async def test_one_bad_event_spoils_no_other(world: InboxWorld) -> None:
    """The good ones arrive; each bad one is a dead letter of its own, as it was written."""
    shop = world.service("shop", "user:*")
    twice = '{"to": "user:42", "to": "user:7", "type": "t", "data": 1}'
    items = [json.dumps(event(1)), twice, json.dumps(event(to="everyone")), json.dumps(event(4))]
    async with world.gateway(), subscriber(world.aws, "42", groups=[]) as received:
        answer = await world.send(shop, f" [{' , '.join(items)}] ")
        found = await envelopes(received, 2)
        letters = await world.dead_letters(2)
        await world.emptied()
    assert [one["id"] for _, one in found] == [
        f"{answer['MessageId']}.0",
        f"{answer['MessageId']}.3",
    ]
    assert {one["reason"]: one["body"] for one in letters} == {
        "malformed_body": twice,
        "not_allowed": items[2],
    }
    assert {one["messageId"] for one in letters} == {answer["MessageId"]}


async def test_a_stranger_sends_nothing(world: InboxWorld) -> None:
    """IAM lets it send, the gateway does not know it; saying to be somebody changes nothing."""
    world.service("shop", "*")
    stranger = world.sender("stranger")
    claim = {"specversion": "1.0", "id": "c", "source": "/services/shop", "type": "t"}
    async with world.gateway():
        await world.send(stranger, event(), claim | {"to": "user:42", "data": 1})
        letters = await world.dead_letters(2)
    assert {one["reason"] for one in letters} == {"unknown_sender"}
    assert {one["sender"] for one in letters} == {stranger.id}
    assert all("service" not in one for one in letters)


async def test_a_group_keeps_its_order(fifo: InboxWorld) -> None:
    """Messages of one group reach a topic in the order in which they were sent."""
    shop = fifo.service("shop", "*")
    async with fifo.gateway(), subscriber(fifo.aws, "42", groups=[]) as received:
        for start in range(0, 40, 2):
            await fifo.send(shop, [event(start), event(start + 1)], group="user:42")
        found = await envelopes(received, 40)
    assert [one["data"]["n"] for _, one in found] == list(range(40))


async def test_a_kill_between_keeping_and_deleting_is_one_event(fifo: InboxWorld) -> None:
    """The event is kept, the message is still there: the next gateway finds it known."""
    shop = fifo.service("shop", "*")
    settings: dict[str, Any] = {
        "GATEWAY_OUTBOX": f"sqlite:///{fifo.folder}/outbox.db",
        "GATEWAY_INBOX_VISIBILITY_S": "2",
    }
    async with subscriber(fifo.aws, "42", groups=[]) as received:
        async with fifo.gateway(**settings, may_delete=False) as first:
            await fifo.send(shop, [event(1), event(2, id="given")])
            assert len(await envelopes(received, 2)) == 2
            first.send(signal.SIGKILL)
            assert await first.exit_code() == -signal.SIGKILL
        assert await fifo.depth() == 1
        async with fifo.gateway(**settings) as second:
            await fifo.emptied()
            await fifo.send(shop, event(3))
            ids: dict[int, set[str]] = {1: set(), 2: set(), 3: set()}
            while not ids[3]:
                # What was published and not yet noted is published again; it is the same event.
                for _, envelope in await envelopes(received, 1):
                    ids[envelope["data"]["n"]].add(envelope["id"])
            metrics = await second.metrics()
    assert all(len(found) <= 1 for found in ids.values())
    assert 'gateway_events_accepted_total{service="shop"} 1.0' in metrics
    assert 'gateway_events_duplicate_total{service="shop"} 2.0' in metrics
    assert await fifo.depth(fifo.dead_url) == 0


async def test_a_batch_beyond_the_rate_waits(fifo: InboxWorld) -> None:
    """Nothing of it is refused: it is taken as fast as the service's rate allows."""
    shop = fifo.service("shop", "*", rate_per_s=10)
    async with fifo.gateway(), subscriber(fifo.aws, "42", groups=[]) as received:
        await fifo.send(shop, [event(number) for number in range(25)])
        found = await envelopes(received, 25)
        await fifo.emptied()
    assert [one["data"]["n"] for _, one in found] == list(range(25))
    assert await fifo.depth(fifo.dead_url) == 0


async def test_nothing_is_received_while_nothing_can_be_kept(fifo: InboxWorld) -> None:
    """Another gateway holds the outbox's file: messages stay in the queue until it is gone."""
    shop = fifo.service("shop", "*")
    outbox: dict[str, Any] = {"GATEWAY_OUTBOX": f"sqlite:///{fifo.folder}/outbox.db"}
    async with (
        fifo.gateway(**outbox, GATEWAY_INBOX="", GATEWAY_INSECURE_NO_AUTH="1") as first,
        fifo.gateway(**outbox) as second,
        subscriber(fifo.aws, "42", groups=[]) as got,
    ):
        await fifo.send(shop, event(1))
        await asyncio.sleep(1)
        assert await fifo.visible() == 1
        first.stop()
        assert await first.exit_code() == 0
        ((_, found),) = await envelopes(got, 1)
        await fifo.emptied()
        (line,) = await told(second, 1)
    assert (found["data"], line["receives"]) == ({"n": 1}, 1)


async def test_stopping_gives_back_what_is_in_hand(fifo: InboxWorld) -> None:
    """A service that is too fast has messages waiting here: they are the next gateway's at once."""
    shop = fifo.service("shop", "*", rate_per_s=1)
    outbox: dict[str, Any] = {"GATEWAY_OUTBOX": f"sqlite:///{fifo.folder}/outbox.db"}
    async with subscriber(fifo.aws, "42", groups=[]) as received:
        async with fifo.gateway(**outbox) as first:
            for number in range(4):
                await fifo.send(shop, event(number), group=f"g{number}")
            await envelopes(received, 1)
            first.stop()
            assert await first.exit_code() == 0
        left = await fifo.depth()
        assert left >= 1
        assert await fifo.visible() == left
        arrived = 4 - left - 1
        fifo.know_again(shop.id, "shop", rate_per_s=None)
        async with fifo.gateway(**outbox):
            await fifo.emptied()
            await envelopes(received, left + arrived)
    assert received.empty()


async def test_an_inbox_without_dead_letters_is_not_used(world: InboxWorld) -> None:
    """What could not be taken would have nowhere to go: the gateway says so and goes on without."""
    shop = world.service("shop", "*")
    await world.call("sqs", "set_queue_attributes", Attributes={"RedrivePolicy": ""})
    async with world.gateway() as gateway:
        await world.send(shop, "Hi!")
        async with asyncio.timeout(WAIT_S):
            while "no_dead_letter_queue" not in await gateway.metrics():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert await world.visible() == 1


async def test_rules_of_eventbridge_send_as_their_role(fifo: InboxWorld) -> None:
    """The event arrives where the rule's message group says, or where its detail does."""
    role_id = await fifo.rule("orders", group="group:orders/eu", source="com.example.orders")
    fifo.know(role_id, "orders", ["group:orders/*", "user:*"])
    entry = {"Source": "com.example.orders", "DetailType": "Order Shipped"}
    async with fifo.gateway(), subscriber(fifo.aws, "42", groups=["orders/eu"]) as received:
        details = [{"order": 1}, {"order": 2, "to": ["user:42"]}]
        answer = await fifo.put_events(*(entry | {"Detail": json.dumps(one)} for one in details))
        found = dict(await envelopes(received, 2))
        await fifo.emptied()
    ids = [one["EventId"] for one in answer["Entries"]]
    shipped, mine = found["local/group/orders/eu"], found["local/user/42"]
    assert (shipped["type"], shipped["source"]) == ("Order_Shipped", "com.example.orders")
    assert (shipped["id"], shipped["data"]) == (ids[0], details[0])
    assert (mine["id"], mine["data"]) == (ids[1], details[1])
    assert "account" not in shipped


async def test_an_unnamed_rule_is_a_stranger(fifo: InboxWorld) -> None:
    """A rule whose role the keys file does not name reaches nobody."""
    await fifo.rule("other", group="everyone", source="x")
    fifo.service("shop")
    async with fifo.gateway():
        await fifo.put_events({"Source": "x", "DetailType": "t", "Detail": "{}"})
        (letter,) = await fifo.dead_letters(1)
    assert letter["reason"] == "unknown_sender"
    assert letter["sender"].startswith("AROA")
    assert json.loads(letter["body"])["detail-type"] == "t"


async def test_the_shared_outbox_takes_them_too(fifo: InboxWorld) -> None:
    """Two gateways, one outbox in SQS and DynamoDB: each message is one event."""
    shop = fifo.service("shop", "*")
    settings: dict[str, Any] = await fifo.shared_outbox()
    async with (
        fifo.gateway(**settings),
        fifo.gateway(**settings),
        subscriber(fifo.aws, "42", groups=[]) as received,
    ):
        for number in range(12):
            await fifo.send(shop, event(number), group=f"g{number % 3}")
        found = await envelopes(received, 12)
        await fifo.emptied()
    assert sorted(one["data"]["n"] for _, one in found) == list(range(12))
