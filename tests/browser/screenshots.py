"""Make the pictures of docs/images anew: `python -m tests.browser.screenshots`.

Not a test: someone has to look at them. The same stack and verbs as the tests, a day's worth of
events, both pages at the width of a phone and of a desk, light and dark.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from playwright.sync_api import expect, sync_playwright

from localaws.state import StateFolder
from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.browser.demo_page import DemoPage
from tests.browser.local_stack import ROOT, LocalStack, program_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, ViewportSize

Scheme = Literal["light", "dark"]

IMAGES: Final = ROOT / "docs" / "images"
SIZES: Final[dict[str, tuple[ViewportSize, float]]] = {
    "": ({"width": 1280, "height": 800}, 1),
    "-phone": ({"width": 390, "height": 844}, 1.5),
}
SCHEMES: Final[dict[Scheme, str]] = {"light": "", "dark": "-dark"}
EVENTS: Final = (
    ("everyone", "maintenance", {"at": "22:00", "minutes": 5}),
    ("group:orders/us", "order.created", {"order": 4710, "total": "$89.00"}),
    ("group:staff", "shift.started", {"team": "support"}),
    ("group:orders/eu", "order.created", {"order": 4711, "total": "€129.00"}),
    ("user:ada", "order.shipped", {"order": 4711, "by": "DHL"}),
)
TICKS: Final = 60
TICK_MS: Final = 400


def main() -> None:
    """Start the product, and take a picture of each page in each size and scheme."""
    with (
        tempfile.TemporaryDirectory() as folder,
        program_stack(Path(folder), namespace="local") as programs,
        sync_playwright() as playwright,
    ):
        # So that what fails has failed while the picture is taken.
        programs.environs["gateway"]["GATEWAY_RETRY_MAX_ATTEMPTS"] = "2"
        programs.stop("gateway")
        programs.start("gateway")
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        for scheme in SCHEMES:
            for size in SIZES:
                _take_demo(programs.stack, browser, scheme, size)
                _take_dashboard(programs.stack, browser, scheme, size)
        browser.close()


@contextmanager
def _opened(browser: Browser, scheme: Scheme, size: str) -> Iterator[Page]:
    viewport, scale = SIZES[size]
    context = browser.new_context(
        viewport=viewport, device_scale_factor=scale, color_scheme=scheme, has_touch=bool(size)
    )
    yield context.new_page()
    context.close()


def _take(page: Page, name: str, scheme: Scheme, size: str) -> None:
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=IMAGES / f"{name}{size}{SCHEMES[scheme]}.png")


def _take_demo(stack: LocalStack, browser: Browser, scheme: Scheme, size: str) -> None:
    with _opened(browser, scheme, size) as page:
        demo = DemoPage(page, stack.namespace)
        demo.open(stack.page_url)
        page.get_by_role("button", name="Connect all three").click()
        expect(page.locator("#tally")).to_have_text("3 of 3 connected", timeout=20_000)
        for to, event_type, facts in EVENTS:
            demo.send(to, event_type=event_type, data=json.dumps(facts, ensure_ascii=False))
        expect(demo.outcome).to_contain_text("2 clients")
        page.wait_for_timeout(2_000)  # until no row is marked as new
        _take(page, "demo", scheme, size)
        if not size:
            page.locator("#break-in summary").click()
            tries = page.locator("#attempts .button")
            for index in range(tries.count() - 1):  # but the one that waits for a token to expire
                tries.nth(index).click()
            expect(page.locator(".verdict strong")).to_have_count(tries.count() - 1, timeout=20_000)
            page.locator("#break-in").screenshot(
                path=IMAGES / f"demo-break-in{SCHEMES[scheme]}.png"
            )
        page.evaluate("document.querySelectorAll('.remove').forEach((it) => it.click())")


def _take_dashboard(stack: LocalStack, browser: Browser, scheme: Scheme, size: str) -> None:
    with _opened(browser, scheme, size) as page:
        page.goto(f"{stack.gateway_url}/")
        key = StateFolder(stack.state_dir).admin_key.read_text().strip()
        page.get_by_role("textbox", name="Key").fill(key)
        page.get_by_role("button", name="Open", exact=True).click()
        expect(page.locator("#link")).to_have_text("Live", timeout=20_000)
        for tick, (to, event_type, facts) in enumerate(islice(cycle(EVENTS), TICKS)):
            if tick == TICKS // 2:
                stack.fault(fault="error", operation="Publish", status=503, next=2)
            for _ in range(1 + (tick * tick) % 7):
                stack.post({"to": to, "type": event_type, "data": facts})
            page.wait_for_timeout(TICK_MS)
        expect(page.locator("#failures .entry")).not_to_have_count(0)
        _take(page, "dashboard", scheme, size)


if __name__ == "__main__":
    main()
