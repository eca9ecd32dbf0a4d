"""An internal service posts, exactly the addressed browsers show it; nothing is ever markup."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.demo_page import Card, DemoPage, opened_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.local_stack import LocalStack

ATTACK = '"><img src=x onerror="document.title=\'broken into\'">'
ATTACK_AS_TYPE = '"><img/src=x/onerror=document.title=`broken-into`>'


@dataclass(frozen=True, slots=True)
class Three:
    """Two clients of user 42 and one of user 7, each with groups of its own."""

    demo: DemoPage
    cards: dict[str, Card]


@pytest.fixture(scope="module")
def three(stack: LocalStack, browser: Browser) -> Iterator[Three]:
    """The three, connected once for all events that are sent to them.

    Their devices are theirs alone: another client with one of these ids would take its place.
    """
    with opened_page(stack, browser) as demo:
        cards = {
            "42 web": demo.connect("42", "web", ["orders/eu", "staff"]),
            "42 ios": demo.connect("42", "ios", ["orders/*"]),
            "7 web": demo.connect("7", "web", ["staff"]),
        }
        yield Three(demo, cards)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("user:42", {"42 web", "42 ios"}),
        ("user:7", {"7 web"}),
        ("client:{namespace}.42.ios", {"42 ios"}),
        ("group:orders/eu", {"42 web", "42 ios"}),
        ("group:orders/us", {"42 ios"}),
        ("group:staff", {"42 web", "7 web"}),
        ("group:payroll", set()),
        ("everyone", {"42 web", "42 ios", "7 web"}),
        ("user:7, group:orders/us", {"7 web", "42 ios"}),
    ],
)
def test_an_event_reaches_exactly_those_it_is_addressed_to(
    three: Three, address: str, expected: set[str]
) -> None:
    """Whoever is addressed shows the event once, and nobody else shows it."""
    event_type = f"test.{uuid.uuid4().hex[:8]}"
    three.demo.send(address.format(namespace=three.demo.namespace), event_type=event_type)
    three.demo.settle(three.cards.values())

    shown = {name: card.types.count(event_type) for name, card in three.cards.items()}

    assert shown == {name: int(name in expected) for name in three.cards}


def test_an_event_posted_by_a_service_arrives_with_its_data(
    stack: LocalStack, demo: DemoPage
) -> None:
    """What a service posts past the page is shown with type, data and latency."""
    card = demo.connect("42", "tab")

    answer = stack.post({"to": "user:42", "type": "order.shipped", "data": {"order": 1017}})

    assert answer["status"] == "accepted"
    expect(card.arrived("order.shipped")).to_have_count(1)
    expect(card.data).to_have_text(['{"order":1017}'])
    assert card.node.locator(".row-latency").inner_text().endswith(" ms")


def test_the_aws_cli_reaches_the_browser(stack: LocalStack, demo: DemoPage) -> None:
    """A plain `aws iot-data publish` to a client's topic arrives untouched."""
    card = demo.connect("42", "tab")
    topic = f"{stack.namespace}/client/{card.client_id}"

    stack.aws(
        *("iot-data", "publish", "--endpoint-url", stack.iot_url),
        *("--topic", topic, "--payload", "Hi!"),
    )

    expect(card.data).to_have_text(["Hi!"])
    expect(card.arrived("raw payload")).to_have_count(1)


def test_markup_in_an_event_is_shown_as_text(stack: LocalStack, demo: DemoPage) -> None:
    """A payload that would break out of an attribute and run a script is only ever text."""
    card = demo.connect("42", "tab")
    requested: list[str] = []
    demo.page.on("request", lambda request: requested.append(request.url))
    title = demo.page.title()

    demo.send("user:42", event_type=ATTACK_AS_TYPE, data=ATTACK)
    stack.aws(
        *("iot-data", "publish", "--endpoint-url", stack.iot_url),
        *("--topic", f"{stack.namespace}/user/42", "--payload", ATTACK),
    )

    expect(card.data).to_have_text([ATTACK, ATTACK])
    expect(card.arrived(ATTACK_AS_TYPE)).to_have_count(1)
    assert card.node.locator("img, script").count() == 0
    assert demo.page.title() == title
    assert not [url for url in requested if url.endswith("/x")]


def test_a_client_shows_what_it_may_receive(three: Three) -> None:
    """A card lists exactly the addresses of its grant."""
    card, namespace = three.cards["42 ios"], three.demo.namespace
    assert card.client_id == f"{namespace}.42.ios"
    assert sorted(card.reach) == [
        f"client:{namespace}.42.ios",
        "everyone",
        "group:orders/*",
        "user:42",
    ]
