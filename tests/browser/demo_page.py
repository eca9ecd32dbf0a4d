"""What a person does on the demo page, as verbs for the tests.

Owns the page's structure as the tests know it: by role and name, as assistive technology does.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playwright.sync_api import Browser, Locator, Page, ViewportSize

    from tests.browser.local_stack import LocalStack

CONNECT_TIMEOUT_MS = 10_000
ARRIVAL_TIMEOUT_MS = 5_000
DESKTOP: ViewportSize = {"width": 1280, "height": 800}


@dataclass(slots=True)
class Card:
    """One client on the page.

    Attributes:
        node: Its part of the page.
        title: Its accessible name.
    """

    node: Locator
    title: str

    @property
    def client_id(self) -> str:
        """The id the credential API gave it."""
        return next(it for it in self.reach if it.startswith("client:")).removeprefix("client:")

    @property
    def reach(self) -> list[str]:
        """The addresses it says it may receive."""
        return self.node.locator(".reach button").all_inner_texts()

    @property
    def types(self) -> list[str]:
        """Types of the events that arrived, the oldest first."""
        return self.node.locator(".row-type").all_inner_texts()[::-1]

    @property
    def data(self) -> Locator:
        """What arrived, as shown; the newest first."""
        return self.node.locator(".row-data")

    def arrived(self, event_type: str) -> Locator:
        """Return the rows of a type."""
        return self.node.locator(".row-type").get_by_text(event_type, exact=True)

    def expect_state(self, text: str) -> None:
        """Wait until it shows a state."""
        expect(self.node.locator(".state")).to_have_text(text, timeout=CONNECT_TIMEOUT_MS)


@dataclass(slots=True)
class DemoPage:
    """The demo page in one browser tab.

    Attributes:
        page: The tab.
        namespace: First level of every topic.
        complaints: Errors the page's scripts logged or threw, policy violations included.
        expected_status: Of answers that the test provokes; Chromium logs each as an error, when it
            likes.
    """

    page: Page
    namespace: str
    complaints: list[str] = field(default_factory=list)
    expected_status: int | None = None

    def open(self, url: str) -> None:
        """Load it, listening to complaints from the first moment."""
        self.page.on(
            "console", lambda it: self.complaints.append(it.text) if it.type == "error" else None
        )
        self.page.on("pageerror", lambda it: self.complaints.append(str(it)))
        self.page.goto(url)

    def connect(self, user: str, device: str, groups: Iterable[str] = ()) -> Card:
        """Add a client by hand and wait until it is connected."""
        self.page.get_by_role("button", name="Add client").or_(
            self.page.get_by_role("button", name="Connect as somebody else")
        ).click()
        dialog = self.page.get_by_role("dialog", name="Add a client")
        dialog.get_by_label("User id").fill(user)
        dialog.get_by_label("Device").fill(device)
        dialog.get_by_label("Groups").fill(", ".join(groups))
        dialog.get_by_role("button", name="Connect", exact=True).click()
        return self.connected(f"{user} on {device}")

    def connected(self, title: str) -> Card:
        """Return a card once its client is connected."""
        card = self.card(title)
        card.expect_state("Connected")
        return card

    def card(self, title: str) -> Card:
        """Return a card by its name."""
        return Card(self.page.get_by_role("article", name=title, exact=True), title)

    def send(self, to: str, *, event_type: str, data: str = "{}") -> None:
        """Send an event with the form and wait for the gateway's answer."""
        self.fill(to, event_type=event_type, data=data)
        with self.page.expect_response(lambda it: it.url.endswith("/v1/events")):
            self.page.get_by_role("button", name="Send", exact=True).click()

    def fill(self, to: str, *, event_type: str, data: str) -> None:
        """Fill the form in."""
        self.page.get_by_label("To", exact=True).fill(to)
        self.page.get_by_label("Type", exact=True).fill(event_type)
        self.page.get_by_label("Data", exact=True).fill(data)

    @property
    def outcome(self) -> Locator:
        """What the page says became of the last event."""
        return self.page.locator("#outcome")

    def settle(self, cards: Iterable[Card]) -> None:
        """Wait until everything sent before has arrived wherever it goes.

        By one more event to everyone: localaws delivers to a connection in the order of publishing.
        """
        fence = f"fence.{uuid.uuid4().hex[:8]}"
        self.send("everyone", event_type=fence)
        for card in cards:
            expect(card.arrived(fence)).to_have_count(1, timeout=ARRIVAL_TIMEOUT_MS)


@contextmanager
def opened_page(stack: LocalStack, browser: Browser) -> Iterator[DemoPage]:
    """Open the demo page in a profile of its own; what its scripts complain about fails the test."""
    context = browser.new_context(viewport=DESKTOP)
    page = DemoPage(context.new_page(), namespace=stack.namespace)
    page.open(stack.page_url)
    yield page
    # For good: what the broker would keep for them would reach the next test's clients.
    for tab in context.pages:
        tab.evaluate("document.querySelectorAll('.remove').forEach((it) => it.click())")
    context.close()
    expected = f"with a status of {page.expected_status} "
    assert [text for text in page.complaints if expected not in text] == []
