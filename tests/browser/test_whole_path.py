"""An internal service posts, exactly the addressed browsers show it; nothing is ever markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.demo_page import Card, DemoPage

if TYPE_CHECKING:
    from tests.browser.local_stack import LocalStack

ATTACK = '"><img src=x onerror="document.title=\'broken into\'">'
ATTACK_AS_TYPE = '"><img/src=x/onerror=document.title=`broken-into`>'


@pytest.fixture
def three(demo: DemoPage) -> dict[str, Card]:
    """Two clients of user 42 and one of user 7, each with groups of its own."""
    return {
        "42 tab": demo.connect("42", "tab", ["orders/eu", "staff"]),
        "42 app": demo.connect("42", "app", ["orders/*"]),
        "7 tab": demo.connect("7", "tab", ["staff"]),
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("user:42", {"42 tab", "42 app"}),
        ("user:7", {"7 tab"}),
        ("client:{namespace}.42.app", {"42 app"}),
        ("group:orders/eu", {"42 tab", "42 app"}),
        ("group:orders/us", {"42 app"}),
        ("group:staff", {"42 tab", "7 tab"}),
        ("group:payroll", set()),
        ("everyone", {"42 tab", "42 app", "7 tab"}),
        ("user:7, group:orders/us", {"7 tab", "42 app"}),
    ],
)
def test_an_event_reaches_exactly_those_it_is_addressed_to(
    demo: DemoPage, three: dict[str, Card], address: str, expected: set[str]
) -> None:
    """Whoever is addressed shows the event once, and nobody else shows it."""
    demo.send(address.format(namespace=demo.namespace), event_type="order.shipped")
    demo.settle(three.values())

    shown = {name: card.types.count("order.shipped") for name, card in three.items()}

    assert shown == {name: int(name in expected) for name in three}


def test_an_event_posted_by_a_service_arrives_with_its_data(
    stack: LocalStack, demo: DemoPage
) -> None:
    """What a service posts past the page is shown with type, data and latency."""
    card = demo.connect("42", "tab")

    answer = stack.post({"to": "user:42", "type": "order.shipped", "data": {"order": 1017}})

    assert answer["status"] == "published"
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


def test_a_client_shows_what_it_may_receive(demo: DemoPage, three: dict[str, Card]) -> None:
    """Each card lists exactly the addresses of its grant."""
    assert three["42 app"].client_id == f"{demo.namespace}.42.app"
    assert sorted(three["42 app"].reach) == [
        f"client:{demo.namespace}.42.app",
        "everyone",
        "group:orders/*",
        "user:42",
    ]
