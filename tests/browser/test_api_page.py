"""The gateway's API page in a real browser: whole, offline, readable, and under its own policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.local_stack import LocalStack


@pytest.mark.parametrize("width", [360, 1_280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_whole_by_itself(
    stack: LocalStack, browser: Browser, width: int, scheme: str
) -> None:
    """One request, no complaint of the browser, nothing wider than the window."""
    page = browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{stack.gateway_url}/docs")
    assert page.locator("h1").inner_text().startswith("Event gateway")
    assert [url for url in asked if not url.endswith("/favicon.ico")] == [
        f"{stack.gateway_url}/docs"
    ]
    assert [text for text in said if "favicon" not in text and "404" not in text] == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 21, 28)" if scheme == "dark" else "rgb(255, 255, 255)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("nav a", has_text="Take events").click()
    assert page.url.endswith("#postEvents")
    page.close()


def test_the_example_opens(stack: LocalStack, browser: Browser) -> None:
    """Without a script: the browser does it."""
    page = browser.new_page()
    page.goto(f"{stack.gateway_url}/docs")
    example = page.locator("#postEvents details").first
    example.locator("summary").click()
    assert '"order.shipped"' in example.locator("pre").inner_text()
    page.close()
