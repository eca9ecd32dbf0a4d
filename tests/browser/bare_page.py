"""A page that does nothing but hold clients, for tests that look at the client itself.

Owns a record of all that its clients said. It is the demo's own document with another script: same
origin, same policy, the real bundle. (A document made up by the test would be of no known address,
and Chromium lets such a page reach nothing on this machine.)
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

    from tests.browser.local_stack import LocalStack

WAIT_MS = 10_000

SCRIPT = """
import { PushClient } from '/push-client.js'
const clients = {}
window.clients = clients
window.start = (name, identity, options) => {
  const client = new PushClient({
    credentialsUrl: '/credentials',
    getToken: async () => {
      const body = JSON.stringify(identity)
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch('/demo/token', { method: 'POST', headers, body })
      return (await answer.json()).token
    },
    ...options
  })
  const heard = { events: [], messages: [], states: [], errors: [], resumed: [], sessionlost: [] }
  client.on('event', (it) => heard.events.push(it.data))
  client.on('message', (it) => heard.messages.push(it.text))
  client.on('state', (it) => heard.states.push(`${it.state} (${it.reason})`))
  client.on('error', (it) => heard.errors.push({ ...it, message: it.message }))
  client.on('resumed', (it) => heard.resumed.push(it.until - it.since))
  client.on('sessionlost', (it) => heard.sessionlost.push(it.until - it.since))
  clients[name] = { client, heard }
  client.connect()
}
window.ready = true
"""


@dataclass(slots=True)
class BareClient:
    """One client on the page.

    Attributes:
        page: The tab.
        name: Its name on the page.
    """

    page: Page
    name: str

    @property
    def heard(self) -> dict[str, list[Any]]:
        """All it said until now."""
        return dict(self.page.evaluate("name => clients[name].heard", self.name))

    @property
    def client_id(self) -> str:
        """The id the credential API gave it."""
        return str(self.page.evaluate("name => clients[name].client.clientId", self.name))

    @property
    def codes(self) -> list[str]:
        """Codes of its errors."""
        return [error["code"] for error in self.heard["errors"]]

    def wait(self, state: str, *, timeout_ms: float = WAIT_MS) -> None:
        """Wait until it is in a state."""
        self.until(f"it.client.state === {json.dumps(state)}", timeout_ms=timeout_ms)

    def until(self, condition: str, *, timeout_ms: float = WAIT_MS) -> None:
        """Wait for a condition in JavaScript about `it`, which has `client` and `heard`."""
        try:
            # By timer: a page in the background draws no frames.
            self.page.wait_for_function(
                f"name => {{ const it = clients[name]; return {condition} }}",
                arg=self.name,
                timeout=timeout_ms,
                polling=20,
            )
        except PlaywrightTimeoutError:
            raise AssertionError(f"never {condition}: {self.heard}") from None


@dataclass(slots=True)
class BarePage:
    """The page in a browser tab.

    Attributes:
        page: The tab.
        url: Its address.
    """

    page: Page
    url: str

    def open(self) -> None:
        """Load it."""
        self.page.goto(self.url)
        self.page.wait_for_function("() => window.ready", polling=20)

    def start(
        self,
        name: str = "it",
        *,
        user: str = "42",
        groups: tuple[str, ...] = (),
        publish: tuple[str, ...] = (),
        ttl_s: int = 3600,
        **options: object,
    ) -> BareClient:
        """Make a client and connect it."""
        identity = {"user": user, "groups": groups, "publish": publish, "ttl_s": ttl_s}
        self.page.evaluate(
            "([name, identity, options]) => start(name, identity, options)",
            [name, identity, options],
        )
        return BareClient(self.page, name)

    def connected(self, name: str = "it", **options: Any) -> BareClient:
        """Make a client and wait until it is connected."""
        client = self.start(name, **options)
        client.wait("connected")
        return client


@contextmanager
def bare_page(stack: LocalStack, browser: Browser) -> Iterator[BarePage]:
    """Open the page in a profile of its own."""
    context = browser.new_context()

    def fulfil(route: Route) -> None:
        route.fulfill(body=SCRIPT, content_type="text/javascript")

    context.route("**/main.js", fulfil)
    bare = BarePage(context.new_page(), stack.page_url)
    bare.open()
    yield bare
    # For good: what the broker would keep for them would reach the next test's clients.
    context.set_offline(False)
    for page in context.pages:
        page.evaluate("Object.values(window.clients ?? {}).forEach(({ client }) => client.close())")
    context.close()
