"""The demo page itself: the first minute, refusals, reloads, keyboards and small screens."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from localaws.core.demo_token import DemoUser, sign_demo_token
from localaws.state import StateFolder

if TYPE_CHECKING:
    from playwright.sync_api import Route

    from tests.browser.demo_page import DemoPage
    from tests.browser.local_stack import LocalStack

PRESETS = ("Ada on her phone", "Ada on her laptop", "Grace at her desk")


def test_two_clicks_from_opening_the_page_to_an_event_in_three_clients(demo: DemoPage) -> None:
    """The page offers clients and an event that work as they stand."""
    demo.page.get_by_role("button", name="Connect all three").click()
    cards = [demo.connected(title) for title in PRESETS]

    demo.page.get_by_role("button", name="Send", exact=True).click()

    for card in cards:
        expect(card.arrived("greeting")).to_have_count(1)
    expect(demo.outcome).to_contain_text("202 accepted")
    expect(demo.outcome).to_contain_text("Shown by 3 clients here.")


def test_pressing_an_address_of_a_client_addresses_it(demo: DemoPage) -> None:
    """An address in a card is a button that fills in the form and the curl line."""
    card = demo.connect("42", "tab", ["orders/eu"])

    card.node.get_by_role("button", name="Send to group:orders/eu").click()

    expect(demo.page.get_by_label("To", exact=True)).to_have_value("group:orders/eu")
    expect(demo.page.locator("#curl")).to_contain_text('"to":"group:orders/eu"')


def test_a_refused_event_is_shown_with_the_gateways_reason(demo: DemoPage) -> None:
    """What the gateway refuses is told in its own words."""
    demo.expected_status = 400
    demo.send("robot:7", event_type="greeting")
    expect(demo.outcome).to_contain_text("400 invalid_event")
    expect(demo.outcome).to_contain_text("to: an address is client:")


def test_a_refused_token_is_shown_in_the_card(demo: DemoPage) -> None:
    """A client whose groups are no names never connects, and its card says why."""
    demo.expected_status = 400
    demo.page.get_by_role("button", name="Connect as somebody else").click()
    dialog = demo.page.get_by_role("dialog")
    dialog.get_by_label("User id").fill("42")
    dialog.get_by_label("Groups").fill("orders/#")
    dialog.get_by_role("button", name="Connect", exact=True).click()

    expect(demo.card("42").node.locator(".notice")).to_contain_text("group")


def test_the_curl_line_sends_the_same_when_pasted(demo: DemoPage) -> None:
    """Whatever the event holds, a shell takes the line as it stands."""
    card = demo.connect("42", "tab")
    text = 'it\'s $HOME `id` "quoted" \\ 🚀 <b>&amp;</b>'
    demo.fill("user:42, everyone", event_type="pasted", data=json.dumps({"text": text}))
    demo.page.locator("#terminal summary").click()
    line = demo.page.locator("#curl").inner_text()
    answer = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, timeout=20, check=True
    )
    assert json.loads(answer.stdout)["status"] == "accepted"
    expect(card.arrived("pasted")).to_have_count(1)
    assert json.loads(card.data.first.inner_text()) == {"text": text}


def test_a_long_payload_is_folded_until_it_is_asked_for(demo: DemoPage) -> None:
    """One large event does not push the others out of sight, and all of it can be read."""
    card = demo.connect("42", "tab")
    text = "lorem ipsum " * 200
    demo.send("user:42", event_type="large", data=json.dumps(text))
    payload = card.data.first
    folded = payload.bounding_box()
    assert folded is not None
    assert folded["height"] < 100
    unfold = card.node.get_by_role("button", name="Show all")
    assert unfold.get_attribute("aria-expanded") == "false"
    unfold.click()
    unfolded = payload.bounding_box()
    assert unfolded is not None
    assert unfolded["height"] > 5 * folded["height"]
    card.node.get_by_role("button", name="Show less").click()
    assert payload.bounding_box() == folded


def test_a_client_that_waits_says_how_long(demo: DemoPage) -> None:
    """While nothing answers, the time until the next attempt is counted down."""
    demo.expected_status = 429
    card = demo.connect("42", "tab")
    demo.page.route(
        "**/credentials", lambda route: route.fulfill(status=429, headers={"Retry-After": "30"})
    )
    card.node.get_by_role("button", name="Disconnect").click()
    card.node.get_by_role("button", name="Connect", exact=False).click()
    card.expect_state("Retry in 29 s")


def test_disconnecting_and_connecting_again(demo: DemoPage) -> None:
    """A disconnected client receives nothing, a connected one again does, and the gap is told."""
    card = demo.connect("42", "tab")
    other = demo.connect("42", "app")
    card.node.get_by_role("button", name="Disconnect").click()
    card.expect_state("Disconnected")
    demo.send("user:42", event_type="missed")
    demo.settle([other])

    card.node.get_by_role("button", name="Connect", exact=False).click()
    card.expect_state("Connected")
    demo.send("user:42", event_type="heard")
    demo.settle([card, other])

    assert [it for it in card.types if not it.startswith("fence")] == ["heard"]
    expect(card.node.locator('.notice[data-kind="gap"]')).to_have_count(1)


def test_a_reload_brings_the_same_clients_back(demo: DemoPage) -> None:
    """Client ids stay the same over a reload, so that nobody is thrown out or doubled."""
    demo.page.get_by_role("button", name="Connect Ada on her phone").click()
    before = demo.connected(PRESETS[0]).client_id

    demo.page.reload()

    assert demo.connected(PRESETS[0]).client_id == before
    expect(demo.page.get_by_role("article")).to_have_count(1)


def test_two_tabs_of_one_preset_leave_each_other_alone(demo: DemoPage) -> None:
    """The same preset in a second tab of the browser gets a client id of its own."""
    demo.page.get_by_role("button", name="Connect Ada on her phone").click()
    first = demo.connected(PRESETS[0])
    second = type(demo)(demo.page.context.new_page(), namespace=demo.namespace)
    second.open(demo.page.url)
    second.page.get_by_role("button", name="Connect Ada on her phone").click()

    assert second.connected(PRESETS[0]).client_id != first.client_id
    second.send("user:ada", event_type="greeting")
    for card in (first, second.card(PRESETS[0])):
        expect(card.arrived("greeting")).to_have_count(1)
    assert second.complaints == []


def test_the_keyboard_is_enough(demo: DemoPage) -> None:
    """Connecting and sending need no pointer, and focus is always visible."""
    page = demo.page
    everybody = page.get_by_role("button", name="Connect all three")
    expect(everybody).to_be_visible()
    page.keyboard.press("Tab")
    expect(everybody).to_be_focused()
    outline = page.locator(":focus").evaluate("it => getComputedStyle(it).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    card = demo.connected(PRESETS[0])

    page.get_by_label("Data", exact=True).focus()
    page.keyboard.press("Control+Enter")

    expect(card.arrived("greeting")).to_have_count(1)


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (768, 1024), (1280, 800)])
def test_nothing_is_wider_than_the_screen_and_arrivals_move_nothing(
    demo: DemoPage, width: int, height: int
) -> None:
    """The page never scrolls sideways, and an arrival leaves every card where it was."""
    demo.page.set_viewport_size({"width": width, "height": height})
    demo.page.get_by_role("button", name="Connect all three").click()
    cards = [demo.connected(title) for title in PRESETS]
    before = [card.node.bounding_box() for card in cards]

    demo.send("everyone", event_type="a-type-" * 20, data="x" * 400)
    for card in cards:
        expect(card.data).to_have_count(1)

    assert [card.node.bounding_box() for card in cards] == before
    assert demo.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_may_run_no_foreign_code(demo: DemoPage) -> None:
    """The page has no inline script, style or handler, and its policy forbids them."""
    response = demo.page.request.get(demo.page.url)
    policy = response.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    inline = demo.page.locator("script:not([src]), style, [style], [onclick], [onload]")
    assert inline.count() == 0


def test_a_cut_network_heals_and_brings_what_was_missed(demo: DemoPage) -> None:
    """Cut off, a client shows nothing; restored, it shows all that was sent meanwhile, once."""
    card = demo.connect("42", "tab")
    other = demo.connect("42", "app")
    card.node.get_by_role("button", name="Cut network").click()
    card.expect_state("No network")
    for number in range(3):
        demo.send("user:42", event_type="missed", data=str(number))
    expect(other.arrived("missed")).to_have_count(3)
    assert card.types == []

    card.node.get_by_role("button", name="Restore network").click()
    card.expect_state("Connected")
    expect(card.arrived("missed")).to_have_count(3)
    expect(card.data).to_have_text(["2", "1", "0"])
    expect(card.node.locator('.notice[data-kind="resumed"]')).to_have_count(1)


ATTEMPTS = {
    "Listen to Ada": ("SUBACK 0x87, not authorized", "iot:Subscribe on topicfilter/"),
    "Listen to everything": ("SUBACK 0x87, not authorized", "iot:Subscribe on topicfilter/"),
    "Come as Ada": ("CONNACK 0x87, not authorized", "iot:Connect on client/"),
    "Publish to everyone": ("PUBACK 0x87, not authorized", "iot:Publish on topic/"),
    "Grant herself all groups": ("401 bad_signature", "signature"),
    "Use an expired token": ("401 expired", "expired"),
}


def test_attempts_to_break_in_are_refused_and_say_by_whom_and_why(
    stack: LocalStack, demo: DemoPage
) -> None:
    """Whoever refuses is named, with its own words and the reason behind them."""
    demo.expected_status = 401
    secret = StateFolder(stack.state_dir).read_or_make_jwt_secret()
    page = demo.page

    def stale(route: Route) -> None:
        if '"ttl_s":1' not in (route.request.post_data or ""):
            return route.fallback()
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        user = DemoUser(user="mallory", ttl_s=1)
        token = sign_demo_token(user, secret=secret, audience=stack.namespace, now=long_ago)
        return route.fulfill(json={"token": token})

    # The page would wait half a minute for it to expire.
    page.route("**/demo/token", stale)
    page.clock.install()
    page.reload()
    page.locator("#break-in summary").click()
    rows = {
        attempt: page.locator("#attempts li").filter(has=page.get_by_text(attempt, exact=True))
        for attempt in ATTEMPTS
    }
    for attempt, row in rows.items():
        row.get_by_role("button", name=f"Try: {attempt}").click()
    expect(rows["Use an expired token"].locator(".verdict")).to_contain_text("It expires in")
    for attempt, row in rows.items():
        if attempt != "Use an expired token":  # and none runs into its timeout
            expect(row.locator(".verdict")).to_contain_text("Refused", timeout=10_000)
    page.clock.fast_forward(35_000)

    for attempt, (said, why) in ATTEMPTS.items():
        verdict = rows[attempt].locator(".verdict")
        expect(verdict).to_contain_text("Refused", timeout=10_000)
        expect(verdict).to_contain_text(said)
        expect(verdict.locator(".why")).to_contain_text(why)
