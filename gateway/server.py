"""Running the gateway: a port, signals, and a shutdown that loses nothing under way.

Owns start and stop. Shutdown follows aiohttp's seven steps (web_advanced, "Graceful shutdown"),
after one of our own, and `drain_s` is the budget of all of them together (`gateway/deadline.py`):

    0. readiness goes false, and `notice_s` passes so that load balancers notice
    1. the port closes: no new connections; the budget begins
    2. idle keep-alive connections close
    3. on_shutdown handlers run: streams end
    4. requests under way finish, while deliveries go on; callers that only wait for an outcome are
       told what is known after a fifth of the budget
    5. those that did not finish in time are cancelled, at the latest after four fifths
    6. cleanup contexts end; ours stand outside the app, from the inside out: the inbox, which has
       received nothing since step 0 and gives back what it cannot finish, the engine, which delivers
       for as long as the budget lasts, the outbox, the prober, the AWS client, and what is left of
       traces
    7. the loop ends

Does not: know what the requests do (`gateway/app.py`) or how events are delivered
(`gateway/delivery.py`).
"""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway.admission import Admission
from gateway.app import build_app
from gateway.deadline import REQUESTS, WAITS, Deadline
from gateway.delivery import delivering
from gateway.errors import AddressInUse, KeyFileError, NobodyMayPublish
from gateway.event_api import EventApi
from gateway.feed import Feed
from gateway.front.connection import PlainPosts
from gateway.front.server import FrontRunner
from gateway.inbox.inbox import receiving
from gateway.iot import open_iot_data
from gateway.key_file import read_keys
from gateway.keys import Keyring
from gateway.metrics import Metrics
from gateway.publisher import Publisher
from gateway.readiness import Readiness, WatchedPublisher
from gateway.sampler import sampling
from gateway.settings import Settings
from gateway.token_settings import service_tokens
from gateway.tokens import ServiceTokens
from gateway.tracing import TracedPublisher, open_tracing

log = logging.getLogger(__name__)

_LEAST_S: Final = 0.01
"""Shortest wait for requests under way, seconds: to aiohttp, 0 is a wait without an end."""

_YOUNG_OBJECTS: Final = 10_000
"""New objects between two looks of the cycle collector: some 50 events' worth."""


async def serve(settings: Settings) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the keys file again.

    Raises:
        OperatorError: It cannot start: no keys, a bad keys file, the port taken.
    """
    stop = asyncio.Event()
    async with running(settings) as gateway:
        _spare_the_collector()
        _on_signals(stop, gateway.reload_keys)
        await stop.wait()
        gateway.readiness.stop()
        log.info("gateway stopping", extra={"drain_s": settings.drain_s})
        await asyncio.sleep(settings.notice_s)
    log.info("gateway stopped")


def _spare_the_collector() -> None:
    """Let Python's cycle collector look at new objects only, and less often.

    What was made by now (most of it AWS's models) stays until the end: looking through all of it
    again and again was a fifth of the CPU of an event. See docs/performance.md.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 50)


class Gateway:
    """A gateway that is running.

    Attributes:
        url: Where it listens, e.g. ``http://127.0.0.1:8080``.
        readiness: Whether it wants events.
    """

    def __init__(
        self, *, url: str, readiness: Readiness, admission: Admission, keys_file: Path | None
    ) -> None:
        self.url = url
        self.readiness = readiness
        self._admission = admission
        self._keys_file = keys_file

    def reload_keys(self) -> None:
        """Put the keys file in force again; a bad or empty one changes nothing."""
        if self._keys_file is None:
            return
        try:
            keyring = read_keys(self._keys_file)
        except KeyFileError as error:
            log.warning("service keys not reloaded", extra={"why": str(error)})
            return
        self._admission.replace(keyring)
        log.info("service keys reloaded", extra={"keys": len(keyring)})


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """Run the gateway inside a block; leaving it drains.

    Raises:
        OperatorError: It cannot start: no keys, a bad keys file, the port taken.
    """
    tokens = service_tokens(settings)
    keyring = _keyring(settings, tokens)
    admission = Admission(keyring, tokens=tokens, insecure_no_auth=settings.insecure_no_auth)
    readiness = Readiness(probe_s=settings.probe_s)
    metrics = Metrics()
    deadline = Deadline(settings.drain_s)
    feed = Feed(most_listeners=settings.max_streams, most_notices=settings.stream_notices)
    async with AsyncExitStack() as stack:
        if tokens is not None:
            stack.push_async_callback(tokens.close)
        tracer = await stack.enter_async_context(open_tracing(settings))
        iot = await stack.enter_async_context(open_iot_data(settings))
        publisher: Publisher = WatchedPublisher(iot, readiness)
        if tracer is not None:
            publisher = TracedPublisher(publisher, tracer)
        await stack.enter_async_context(_probing(readiness, iot))
        intake = await stack.enter_async_context(
            delivering(
                settings=settings,
                publisher=publisher,
                metrics=metrics,
                readiness=readiness,
                feed=feed,
                deadline=deadline,
            )
        )
        await stack.enter_async_context(
            receiving(
                settings=settings,
                admission=admission,
                intake=intake,
                readiness=readiness,
                metrics=metrics,
            )
        )
        sampler = await stack.enter_async_context(sampling(metrics, feed))
        api = EventApi(admission=admission, intake=intake, metrics=metrics, settings=settings)
        app = build_app(
            settings=settings,
            admission=admission,
            api=api,
            intake=intake,
            connections=iot.connections,
            readiness=readiness,
            metrics=metrics,
            feed=feed,
            sampler=sampler,
            tracer=tracer,
        )
        posts = PlainPosts(api=api, metrics=metrics, max_body_bytes=settings.max_body_bytes)
        runner = FrontRunner(
            app,
            # Spans of requests are made by a middleware.
            posts=posts if tracer is None else None,
            idle_s=settings.idle_timeout_s,
            drain_s=max(_LEAST_S, settings.drain_s * REQUESTS),
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        url = await _listen(runner, settings)
        facts = {"url": url, "namespace": settings.namespace, "keys": len(keyring)}
        log.info("gateway listening", extra=facts | {"iot_endpoint": settings.iot_endpoint})
        yield Gateway(
            url=url, readiness=readiness, admission=admission, keys_file=settings.keys_file
        )
        deadline.begin()
        asyncio.get_running_loop().call_later(settings.drain_s * WAITS, intake.end_waits)


@asynccontextmanager
async def _probing(readiness: Readiness, publisher: Publisher) -> AsyncIterator[None]:
    task = asyncio.create_task(readiness.probe_forever(publisher), name="probe")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _keyring(settings: Settings, tokens: ServiceTokens | None) -> Keyring:
    keyring = read_keys(settings.keys_file) if settings.keys_file else Keyring()
    if settings.insecure_no_auth:
        log.warning("everybody may publish anything", extra={"setting": "GATEWAY_INSECURE_NO_AUTH"})
    elif not keyring.keys and tokens is None and not (settings.inbox and keyring.principals):
        raise NobodyMayPublish
    return keyring


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUse(settings.host, settings.port) from None
        raise
    port = runner.addresses[0][1]
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "") else settings.host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _on_signals(stop: asyncio.Event, reload_keys: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload_keys)
