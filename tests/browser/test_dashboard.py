"""The dashboard in a real browser, against a gateway that gives up after two attempts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from localaws.child_environ import GatewayPlace, gateway_environ
from localaws.settings import Settings
from localaws.state import StateFolder
from tests.browser.demo_page import DESKTOP
from tests.browser.local_stack import ROOT, _answers, _free_ports, _stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from tests.browser.demo_page import DemoPage
    from tests.browser.local_stack import LocalStack

START_TIMEOUT_S = 30.0
pytestmark = pytest.mark.timeout(120)  # two gateways and localaws start for the first test
WAIT_MS = 10_000
PHONE = {"width": 390, "height": 844}


@dataclass(slots=True)
class Dashboard:
    """The dashboard in one tab.

    Attributes:
        page: The tab.
        url: The gateway it belongs to.
        state: The local state folder, with keys.
        complaints: What its scripts logged or threw, policy violations included.
    """

    page: Page
    url: str
    state: StateFolder
    complaints: list[str] = field(default_factory=list)

    def open(self) -> None:
        """Load the page."""
        self.page.on(
            "console", lambda it: self.complaints.append(it.text) if it.type == "error" else None
        )
        self.page.on("pageerror", lambda it: self.complaints.append(str(it)))
        self.page.goto(self.url)

    def enter(self, key: str) -> None:
        """Show a key."""
        self.page.get_by_role("textbox", name="Key").fill(key)
        self.page.get_by_role("button", name="Open", exact=True).click()

    def sign_in(self) -> None:
        """Show the right key, and wait until the page is live."""
        self.enter(self.state.admin_key.read_text().strip())
        expect(self.page.locator("#link")).to_have_text("Live", timeout=WAIT_MS)

    def post(self, event_id: str, to: str = "user:42", data: str = "one") -> None:
        """Send an event as the demo's service does."""
        event = {"to": to, "type": "order.shipped", "data": {"text": data}, "id": event_id}
        key = self.state.service_key.read_text().strip()
        ask(f"{self.url}/v1/events", event, Authorization=f"Bearer {key}")

    def rows(self, place: str, event_id: str) -> Locator:
        """Return the rows of one event in a list."""
        return self.page.locator(f"#{place} .entry").filter(has_text=event_id)


def ask(url: str, body: object, **fields: str) -> None:
    """Post JSON."""
    headers = {"Content-Type": "application/json", **fields}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310 (our own address)
        pass


@pytest.fixture(scope="module")
def gateway(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A second gateway of the stack, that fails what fails twice; where it listens."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    place = GatewayPlace(port=_free_ports(1)[0])
    iot = urlsplit(stack.iot_url)
    settings = Settings(
        state_dir=stack.state_dir, namespace=stack.namespace, iot_port=iot.port or 0
    )
    told = {
        "GATEWAY_OUTBOX": f"sqlite:///{folder}/outbox.db",
        "GATEWAY_RETRY_MAX_ATTEMPTS": "2",
    }
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = gateway_environ(
        kept | told, gateway=place, settings=settings, state=StateFolder(stack.state_dir)
    )
    with (folder / "gateway.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"],
            cwd=ROOT,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            end = time.monotonic() + START_TIMEOUT_S
            while not _answers(f"{place.url}/readyz"):
                said = (folder / "gateway.txt").read_text(errors="replace")
                assert time.monotonic() < end, said
                assert process.poll() is None, said
                time.sleep(0.05)
            yield place.url
        finally:
            _stop(process)


@contextmanager
def opened(stack: LocalStack, browser: Browser, gateway: str) -> Iterator[Dashboard]:
    """Open the page in a profile of its own."""
    context = browser.new_context(viewport=DESKTOP)
    it = Dashboard(context.new_page(), gateway, StateFolder(stack.state_dir))
    it.open()
    yield it
    context.close()
    # Chromium logs each answer that is an error, too; what matters is what scripts say.
    assert [text for text in it.complaints if "Failed to load resource" not in text] == []


@pytest.fixture
def dashboard(stack: LocalStack, browser: Browser, gateway: str) -> Iterator[Dashboard]:
    """The dashboard, with nobody let in yet."""
    with opened(stack, browser, gateway) as it:
        yield it


def test_a_key_without_the_right_stays_outside(dashboard: Dashboard) -> None:
    """A wrong one, and the one that the demo page has; neither is kept."""
    dashboard.enter("swk_wrong")
    expect(dashboard.page.locator("#key-trouble")).not_to_be_empty()
    dashboard.enter(dashboard.state.service_key.read_text().strip())
    expect(dashboard.page.locator("#key-trouble")).to_contain_text("admin right")
    expect(dashboard.page.locator("#board")).to_be_hidden()
    assert dashboard.page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_a_reload_keeps_the_key_and_signing_out_forgets_it(dashboard: Dashboard) -> None:
    """In this tab alone."""
    dashboard.sign_in()
    dashboard.page.reload()
    expect(dashboard.page.locator("#link")).to_have_text("Live", timeout=WAIT_MS)
    assert dashboard.page.evaluate("[sessionStorage.length, localStorage.length]") == [1, 0]
    dashboard.page.get_by_role("button", name="Sign out").click()
    expect(dashboard.page.locator("#door")).to_be_visible()
    assert dashboard.page.evaluate("sessionStorage.length") == 0


def test_charts_draw_what_happens(dashboard: Dashboard) -> None:
    """Four of them, and the numbers beside them move."""
    dashboard.sign_in()
    expect(dashboard.page.locator("#panels canvas")).to_have_count(4)
    for number in range(20):
        dashboard.post(f"drawn-{number}")
    latency = dashboard.page.get_by_role("article", name="Accepted → published").locator("b")
    expect(latency.first).to_contain_text("ms", timeout=WAIT_MS)
    painted = """() => [...document.querySelectorAll('#panels canvas')].map((it) =>
        it.getContext('2d').getImageData(0, 0, it.width, it.height).data.some((v) => v > 0))"""
    assert dashboard.page.evaluate(painted) == [True] * 4


def test_the_tail_shows_an_event_and_its_payload_only_on_request(dashboard: Dashboard) -> None:
    """Accepted and published, as they happen; text stays text."""
    dashboard.sign_in()
    dashboard.post("tail-1", data="<img src=x onerror=alert(1)>")
    expect(dashboard.rows("tail", "tail-1")).to_have_count(2, timeout=WAIT_MS)
    expect(dashboard.rows("tail", "tail-1").first).to_contain_text("user:42")
    expect(dashboard.page.locator("#tail .row-data")).to_have_count(0)

    with dashboard.page.expect_response(lambda it: "payloads=true" in it.url):
        dashboard.page.get_by_role("checkbox", name="Payloads").check()
    expect(dashboard.page.locator("#link")).to_have_text("Live", timeout=WAIT_MS)
    dashboard.post("tail-2", data="<img src=x onerror=alert(1)>")
    shown = dashboard.rows("tail", "tail-2").locator(".row-data")
    expect(shown).to_contain_text("<img src=x onerror=alert(1)>", timeout=WAIT_MS)
    expect(dashboard.page.locator("#tail img")).to_have_count(0)


def test_a_failure_is_shown_with_its_reason_and_sent_again(
    dashboard: Dashboard, stack: LocalStack
) -> None:
    """Twice refused, it fails; sent again from the page, it is published."""
    dashboard.sign_in()
    fault = {"fault": "error", "operation": "Publish", "status": 500, "next": 2}
    ask(f"{stack.page_url}_localaws/faults", fault)
    dashboard.post("failing-1")
    row = dashboard.rows("failures", "failing-1")
    expect(row).to_contain_text("unavailable", timeout=WAIT_MS)
    expect(row).to_contain_text("2 attempts")

    row.get_by_role("button", name="failing-1", exact=True).click()
    found = dashboard.page.locator("#event-found")
    expect(found).to_contain_text("failed")
    row.get_by_role("button", name="Resend failing-1").click()

    expect(row).to_have_count(0, timeout=WAIT_MS)
    expect(found.locator(".badge").first).to_have_text("published", timeout=WAIT_MS)


def test_failures_that_cannot_be_read_are_not_said_to_be_none(
    dashboard: Dashboard, stack: LocalStack
) -> None:
    """While the gateway does not answer, what was known stays; a service not asked yet is unknown."""
    dashboard.sign_in()
    fault = {"fault": "error", "operation": "Publish", "status": 500, "next": 2}
    ask(f"{stack.page_url}_localaws/faults", fault)
    dashboard.post("failing-2")
    row = dashboard.rows("failures", "failing-2")
    expect(row).to_have_count(1, timeout=WAIT_MS)
    tally = dashboard.page.locator("#failures-tally")
    known = tally.inner_text()

    dashboard.page.route("**/v1/events?*", lambda route: route.abort())
    dashboard.page.route("**/redeliver?*", lambda route: route.abort())
    row.get_by_role("button", name="Resend failing-2").click()
    expect(row.get_by_role("button", name="Resend failing-2")).to_have_text("No answer")
    service = dashboard.page.get_by_label("Service")
    service.select_option("demo")
    expect(tally).to_have_text("The gateway did not answer.")
    said = "getComputedStyle(document.querySelector('#failures'), '::after').content"
    assert dashboard.page.evaluate(said) == '"Not known yet."'

    dashboard.page.unroute_all()
    service.select_option("")
    expect(tally).to_have_text(known)
    expect(row).to_have_count(1)


def test_an_event_is_looked_up_by_its_id(dashboard: Dashboard) -> None:
    """Whichever service sent it; an unknown one is said to be unknown."""
    dashboard.post("looked-up-1")
    dashboard.sign_in()
    expect(dashboard.page.locator("#service option")).not_to_have_count(0)
    dashboard.page.locator("#event-id").fill("looked-up-1")
    dashboard.page.locator("#event-id").press("Enter")
    found = dashboard.page.locator("#event-found")
    expect(found).to_contain_text("published")
    expect(found).to_contain_text("user:42")
    dashboard.page.locator("#event-id").fill("nobody-sent-this")
    dashboard.page.locator("#event-id").press("Enter")
    expect(found).to_contain_text("no event of this service has this id")


def test_a_client_is_looked_up_and_disconnected(dashboard: Dashboard, demo: DemoPage) -> None:
    """Its connection and subscriptions are shown; the button ends it."""
    card = demo.connect("dora", "tab")
    dashboard.sign_in()
    dashboard.page.locator("#client-id").fill(card.client_id)
    dashboard.page.locator("#client-id").press("Enter")
    found = dashboard.page.locator("#client-found")
    expect(found).to_contain_text("Connected")
    expect(found).to_contain_text("user/dora")

    with dashboard.page.expect_response(lambda it: it.request.method == "DELETE") as ended:
        found.get_by_role("button", name="Disconnect").click()
    assert ended.value.status == 204


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(dashboard: Dashboard, scheme: str) -> None:
    """No sideways scrolling at 390 pixels, light or dark."""
    dashboard.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    dashboard.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    dashboard.sign_in()
    dashboard.post(f"narrow-{scheme}-" + "x" * 60, to="group:orders/" + "y" * 60)
    expect(dashboard.page.locator("#tail .entry")).not_to_have_count(0, timeout=WAIT_MS)
    assert dashboard.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
