"""The client on a bad day: everything that is said to go wrong with IoT Core in browsers, done.

Real Chromium, real gateway, real localaws; faults are localaws' own, or the browser's.
"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.browser.bare_page import BarePage, bare_page
from tests.browser.chromium import ARGUMENTS, find_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.local_stack import LocalStack, ProgramStack

QUICK = {"firstMs": 300, "capMs": 1_000}
"""Backoff for tests that reconnect often."""

KILLING_S = 60
"""How long sockets are killed."""

PINGREQ = b"\xc0\x00"

SHOW = """(visibility) => {
  Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}"""
"""Headless pages are never hidden: the browser's part is played."""

WRONG_CLOCK = """
const Real = Date
window.Date = class extends Real {
  constructor(...parts) { parts.length > 0 ? super(...parts) : super(Date.now()) }
  static now() { return Real.now() + OFF_MS }
}
"""


@pytest.fixture
def bare(stack: LocalStack, browser: Browser) -> Iterator[BarePage]:
    """A page with nothing but the client."""
    with bare_page(stack, browser) as page:
        yield page
    stack.clear_faults()


class Load:
    """Events to one address at a steady pace, each with its number, from a thread of its own.

    Leaving it raises what went wrong in the thread.
    """

    def __init__(self, stack: LocalStack, to: str, *, per_s: float) -> None:
        self.sent: list[int] = []
        self._stack, self._to, self._pause_s = stack, to, 1 / per_s
        self._over = threading.Event()
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[None] | None = None

    def __enter__(self) -> Load:
        self._running = self._thread.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.shutdown()
        if self._running is not None:
            self._running.result()

    def _run(self) -> None:
        while not self._over.wait(self._pause_s):
            number = len(self.sent)
            self._stack.post({"to": self._to, "type": "load", "data": number})
            self.sent.append(number)


@pytest.mark.timeout(3 * KILLING_S)
def test_sockets_killed_at_random_for_a_minute_lose_nothing_and_show_nothing_twice(
    stack: LocalStack, bare: BarePage
) -> None:
    """However often the connection is cut under load, each event is told exactly once.

    The load leaves room for what was missed: a resumed session gives it at ten a second, as AWS's.
    """
    client = bare.connected(backoff=QUICK)
    dice = random.Random(7)  # noqa: S311 (dice, not keys)
    ends = time.monotonic() + KILLING_S
    kills = 0
    with Load(stack, "user:42", per_s=5) as load:
        while time.monotonic() < ends:
            bare.page.wait_for_timeout(dice.uniform(300, 4_000))
            stack.fault(fault="kill_sockets", client_id=client.client_id)
            kills += 1

    client.until(f"it.heard.events.length >= {len(load.sent)}", timeout_ms=60_000)
    bare.page.wait_for_timeout(1_000)
    heard = client.heard
    assert sorted(heard["events"]) == load.sent
    assert len(load.sent) > 2 * KILLING_S  # there was a load, also on a busy machine
    assert kills > KILLING_S // 4
    assert len(heard["resumed"]) >= kills // 3  # the others struck while it was reconnecting
    assert heard["sessionlost"] == []
    assert set(client.codes) <= {"connection_lost", "connection_refused", "throttled"}


def test_lost_acknowledgements_show_nothing_twice(stack: LocalStack, bare: BarePage) -> None:
    """What is sent again because its PUBACK was lost is dropped, also on the next connection."""
    client = bare.connected(backoff=QUICK)
    stack.fault(fault="drop_puback", direction="from", client_id=client.client_id, rate=0.5)
    for number in range(10):
        stack.post({"to": "user:42", "type": "load", "data": number})
    client.until("it.heard.events.length === 10")
    stack.fault(fault="kill_sockets", client_id=client.client_id)
    client.until("it.heard.resumed.length === 1")
    client.wait("connected")
    stack.post({"to": "user:42", "type": "fence", "data": "fence"})
    client.until("it.heard.events.includes('fence')")
    assert client.heard["events"] == [*range(10), "fence"]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_connection_rolls_over_without_gap_or_duplicate(
    stack: LocalStack, bare: BarePage, version: str
) -> None:
    """Before the age limit a second connection takes the session over, and nobody notices."""
    client = bare.connected(rollOverAfterMs=1_500, mqttVersion=version)
    sockets: list[str] = []
    bare.page.on("websocket", lambda socket: sockets.append(socket.url))
    with Load(stack, "user:42", per_s=25) as load:
        bare.page.wait_for_timeout(6_000)

    client.until(f"it.heard.events.length >= {len(load.sent)}")
    heard = client.heard
    assert heard["events"] == load.sent
    assert len(sockets) >= 3
    assert heard["states"] == ["connecting (connect)", "connected (subscribed)"]
    assert [heard[name] for name in ("errors", "resumed", "sessionlost")] == [[], [], []]


def test_credentials_that_expire_under_a_live_connection_do_no_harm(
    stack: LocalStack, bare: BarePage
) -> None:
    """The connection lives on, and the next one comes with new credentials at once."""
    client = bare.connected(backoff=QUICK)
    stack.fault(fault="expire_credentials", client_id=client.client_id)
    stack.post({"to": "user:42", "type": "load", "data": "expired"})
    client.until("it.heard.events.includes('expired')")

    stack.fault(fault="kill_sockets", client_id=client.client_id)
    client.until("it.heard.resumed.length === 1")
    client.wait("connected")
    assert client.codes == ["connection_lost"]


def test_credentials_are_renewed_before_they_expire(stack: LocalStack, bare: BarePage) -> None:
    """Long before the end new credentials come, without touching the connection."""
    del stack
    bare.page.clock.install()
    client = bare.connected()
    asked: list[str] = []
    bare.page.on(
        "request", lambda it: asked.append(it.url) if it.url.endswith("/credentials") else None
    )
    sockets: list[str] = []
    bare.page.on("websocket", lambda socket: sockets.append(socket.url))
    bare.page.clock.fast_forward("00:44:00")
    bare.page.wait_for_timeout(300)
    assert asked == []
    bare.page.clock.fast_forward("00:11:00")
    bare.page.wait_for_timeout(1_000)
    assert len(asked) == 1
    assert sockets == []
    assert client.heard["states"] == ["connecting (connect)", "connected (subscribed)"]


def test_held_credentials_bring_the_connection_back_while_the_api_is_away(
    stack: LocalStack, bare: BarePage
) -> None:
    """Without the credential API the client signs a new URL with what it holds."""
    client = bare.connected(backoff=QUICK)
    bare.page.route("**/credentials", lambda route: route.fulfill(status=503))
    stack.fault(fault="kill_sockets", client_id=client.client_id)
    client.until("it.heard.resumed.length === 1")
    client.wait("connected")
    assert client.codes == ["connection_lost"]


def test_a_takeover_is_final_and_the_two_do_not_throw_each_other_out(
    stack: LocalStack, bare: BarePage, browser: Browser
) -> None:
    """The older connection of one client id ends, says why, and stays away."""
    first = bare.connected(device="same")
    bare.page.wait_for_timeout(1_000)  # one CONNECT per second and client id
    with bare_page(stack, browser) as other:
        second = other.connected(device="same")
        first.wait("closed")
        bare.page.wait_for_timeout(1_500)
        assert first.codes == ["taken_over"]
        assert first.heard["states"][-1] == "closed (taken_over)"
        assert second.heard["states"] == ["connecting (connect)", "connected (subscribed)"]


def test_a_kick_is_final_and_told(stack: LocalStack, bare: BarePage) -> None:
    """A client that the server ends by name does not come back by itself."""
    client = bare.connected()
    stack.kick(client.client_id)
    client.wait("closed")
    bare.page.wait_for_timeout(1_000)
    assert client.codes == ["kicked"]
    assert client.heard["states"][-1] == "closed (refused)"


@pytest.mark.parametrize(("version", "connections"), [("5", 2), ("3.1.1", 4)])
def test_a_forbidden_topic_is_found_out_named_and_left_out(
    stack: LocalStack, bare: BarePage, version: str, connections: int
) -> None:
    """One topic that the broker refuses costs a few connections and no more, and not the others."""
    foreign = f"{stack.namespace}/user/7"

    def meddle(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined] # Playwright's Route
        body = answer.json()
        body["subscribe"].insert(1, foreign)
        route.fulfill(response=answer, json=body)  # type: ignore[attr-defined] # the same

    bare.page.route("**/credentials", meddle)
    sockets: list[str] = []
    bare.page.on("websocket", lambda socket: sockets.append(socket.url))
    client = bare.start(mqttVersion=version, backoff=QUICK)
    client.until("it.heard.errors.some(error => error.code === 'forbidden_topic')")
    client.wait("connected")
    bare.page.wait_for_timeout(2_500)

    assert len(sockets) == connections
    named = [it["topic"] for it in client.heard["errors"] if it["code"] == "forbidden_topic"]
    assert named == [foreign]
    stack.post({"to": "user:42", "type": "load", "data": "mine"})
    stack.post({"to": "user:7", "type": "load", "data": "not mine"})
    stack.post({"to": "everyone", "type": "load", "data": "ours"})
    client.until("it.heard.events.includes('ours')")
    assert client.heard["events"] == ["mine", "ours"]


@pytest.mark.parametrize("minutes", [20, -20])
def test_a_clock_twenty_minutes_off_is_noticed_and_corrected(
    stack: LocalStack, browser: Browser, minutes: int
) -> None:
    """Signatures carry the server's time, and the page is told once that its clock is wrong."""
    with bare_page(stack, browser) as bare:
        bare.page.add_init_script(WRONG_CLOCK.replace("OFF_MS", str(minutes * 60_000)))
        bare.open()
        client = bare.connected(backoff=QUICK)
        stack.fault(fault="kill_sockets", client_id=client.client_id)
        client.until("it.heard.resumed.length === 1")
        client.wait("connected")
        assert client.codes == ["clock_skewed", "connection_lost"]
        skew_ms = client.heard["errors"][0]["skewMs"]
        assert abs(skew_ms + minutes * 60_000) < 5_000


def test_back_online_within_the_session_brings_what_was_missed(
    stack: LocalStack, bare: BarePage
) -> None:
    """Offline and online again: what came meanwhile follows, and the absence is told."""
    client = bare.connected()
    _cut_off(stack, bare, client.client_id)
    for number in range(3):
        stack.post({"to": "user:42", "type": "load", "data": number})
    bare.page.wait_for_timeout(1_500)
    assert client.heard["events"] == []
    bare.page.context.set_offline(False)
    client.until("it.heard.events.length === 3")
    heard = client.heard
    assert heard["events"] == [0, 1, 2]
    assert (len(heard["resumed"]), heard["sessionlost"]) == (1, [])


def test_offline_for_longer_than_the_session_is_told(stack: LocalStack, bare: BarePage) -> None:
    """What the broker did not keep cannot be had back, but it is never silent."""
    client = bare.connected(sessionExpiryS=1)
    _cut_off(stack, bare, client.client_id)
    stack.post({"to": "user:42", "type": "load", "data": "missed"})
    bare.page.wait_for_timeout(2_500)
    bare.page.context.set_offline(False)
    client.until("it.heard.sessionlost.length === 1")
    client.wait("connected")
    stack.post({"to": "user:42", "type": "load", "data": "heard"})
    client.until("it.heard.events.length === 1")
    heard = client.heard
    assert heard["events"] == ["heard"]
    assert heard["resumed"] == []
    assert heard["sessionlost"][0] > 2_000


def test_a_reload_resumes_the_session_and_gets_what_it_missed(
    stack: LocalStack, bare: BarePage
) -> None:
    """The page away for a while finds its client id and all that was sent to it."""
    before = bare.connected().client_id
    bare.page.goto("about:blank")
    for number in range(3):
        stack.post({"to": f"client:{before}", "type": "load", "data": number})
    bare.open()
    client = bare.connected()
    client.until("it.heard.events.length === 3")
    assert client.client_id == before
    assert client.heard["events"] == [0, 1, 2]
    assert len(client.heard["resumed"]) == 1


def test_two_tabs_have_two_client_ids_even_if_one_is_a_copy(bare: BarePage) -> None:
    """A tab opened from another inherits its storage, but not its client id."""
    first = bare.connected()
    with bare.page.expect_popup() as opened:
        bare.page.evaluate("url => { window.open(url) }", bare.url)
    copy = BarePage(opened.value, bare.url)
    copy.page.wait_for_function("() => window.ready", polling=20)
    second = copy.connected()
    assert first.client_id != second.client_id
    assert first.heard["errors"] == second.heard["errors"] == []


def test_a_page_in_the_back_forward_cache_lets_go_and_comes_back(
    stack: LocalStack, browser: Browser
) -> None:
    """A page that is put away closes its connection, and resumes its session when shown again.

    The cache is Chromium's own, which Playwright turns off unless told not to.
    """
    with (
        browser.browser_type.launch(
            executable_path=find_chromium(),
            args=list(ARGUMENTS),
            ignore_default_args=["--disable-back-forward-cache"],
        ) as caching,
        bare_page(stack, caching) as bare,
    ):
        client = bare.connected()
        bare.page.goto(f"{bare.url}icon.svg")
        stack.post({"to": "user:42", "type": "load", "data": "meanwhile"})
        bare.page.go_back(wait_until="commit")
        client.until("it.heard.events.length === 1")
        heard = client.heard
        assert heard["states"] == [
            "connecting (connect)",
            "connected (subscribed)",
            "waiting (sleep)",
            "connecting (wake)",
            "connected (subscribed)",
        ]
        assert (len(heard["resumed"]), heard["errors"]) == (1, [])


def test_a_hidden_page_stays_connected_and_asks_for_the_broker_when_shown(
    stack: LocalStack, bare: BarePage
) -> None:
    """Hiding a tab cuts nothing; back in view the client pings at once, whatever the timers say."""
    pings: list[str | bytes] = []
    bare.page.on(
        "websocket",
        lambda socket: socket.on(
            "framesent", lambda sent: pings.append(sent) if sent == PINGREQ else None
        ),
    )
    client = bare.connected()
    for visibility in ("hidden", "visible"):
        assert pings == []
        bare.page.evaluate(SHOW, visibility)
    stack.post({"to": "user:42", "type": "load", "data": "still here"})
    client.until("it.heard.events.length === 1")
    assert pings == [PINGREQ]
    assert client.heard["states"] == ["connecting (connect)", "connected (subscribed)"]


def test_a_client_publishes_where_granted_and_hears_why_elsewhere(bare: BarePage) -> None:
    """A granted address is reached through the broker; another is refused before it is sent."""
    hers = bare.connected("hers", user="7", groups=("chat",))
    his = bare.connected("his", publish=("group:chat",))
    bare.page.evaluate("clients.his.client.publish('group:chat', { text: 'Hello' })")
    hers.until("it.heard.events.length === 1")
    assert hers.heard["events"] == [{"text": "Hello"}]
    code = bare.page.evaluate(
        "clients.his.client.publish('user:7', 1).then(() => 'sent', (error) => error.code)"
    )
    assert code == "forbidden_address"
    assert his.heard["states"][-1] == "connected (subscribed)"


def test_events_are_an_async_iteration(stack: LocalStack, bare: BarePage) -> None:
    """`for await` gives the events in order, and ends when the client is closed."""
    client = bare.connected()
    bare.page.evaluate(
        """() => { window.read = (async () => {
          const read = []
          for await (const event of clients.it.client) read.push(event.data)
          return read
        })() }"""
    )
    for number in range(3):
        stack.post({"to": "user:42", "type": "load", "data": number})
    client.until("it.heard.events.length === 3")
    bare.page.evaluate("clients.it.client.close()")
    assert bare.page.evaluate("window.read") == [0, 1, 2]


def test_a_restarted_gateway_is_nothing_the_client_notices(
    programs: ProgramStack, bare: BarePage
) -> None:
    """The connection is IoT's: it stays, and events come as soon as the gateway is back."""
    client = bare.connected()
    programs.stop("gateway")
    programs.start("gateway")
    programs.stack.post({"to": "user:42", "type": "load", "data": "back"})
    client.until("it.heard.events.includes('back')")
    assert client.heard["states"] == ["connecting (connect)", "connected (subscribed)"]
    assert client.codes == []


def test_a_restarted_localaws_is_survived_and_the_lost_session_told(
    programs: ProgramStack, bare: BarePage
) -> None:
    """The broker and all it kept are gone: the client comes back, says so, and receives again."""
    client = bare.connected(backoff=QUICK)
    programs.stop("localaws")
    programs.start("localaws")
    client.until("it.heard.sessionlost.length === 1", timeout_ms=15_000)
    client.wait("connected")
    programs.stack.post({"to": "user:42", "type": "load", "data": "back"})
    client.until("it.heard.events.includes('back')", timeout_ms=20_000)


def _cut_off(stack: LocalStack, bare: BarePage, client_id: str) -> None:
    """Take the network away: nothing new gets through, and what is open breaks."""
    bare.page.context.set_offline(True)
    stack.fault(fault="kill_sockets", client_id=client_id)
    bare.page.wait_for_timeout(100)
