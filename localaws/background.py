"""localaws in a thread of its own, for programs and tests that have no event loop to give it.

Owns the thread, its loop, and getting calls over to it. Does not own any part of localaws
(`localaws.embedded` does).

Theory of operation: everything that changes localaws runs on its loop. Endpoints and keys may be
read from anywhere; `call` and `wait` carry the rest over and bring results and exceptions back.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from localaws.embedded import LocalAws
from localaws.errors import NotRunning

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from localaws.core.signature import AccessKey
    from localaws.listeners import Endpoints
    from localaws.settings import Settings

T = TypeVar("T")

CALL_TIMEOUT_S: Final = 30.0
"""Longest wait for anything that is carried over to the loop, starting and stopping included."""


class BackgroundLocalAws:
    """A `LocalAws` that runs in the background.

    Args:
        settings: As for `LocalAws`.
        timeout_s: Longest wait for any call.

    Attributes:
        aws: The instance itself; use `call` and `wait` for what changes it.
    """

    def __init__(
        self, settings: Settings | None = None, *, timeout_s: float = CALL_TIMEOUT_S
    ) -> None:
        self.aws = LocalAws(settings)
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the thread and everything in it; on return all endpoints answer.

        Raises:
            OSError: A port is taken.
        """
        ready: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=_run, args=(ready,), name="localaws", daemon=True)
        self._thread.start()
        self._loop = ready.result(self._timeout_s)
        try:
            self.wait(self.aws.start())
        except BaseException:
            self._end()
            raise

    def stop(self) -> None:
        """Stop everything and the thread; idempotent."""
        if self._loop is None:
            return
        try:
            self.wait(self.aws.stop())
        finally:
            self._end()

    @property
    def endpoints(self) -> Endpoints:
        """Where everything answers."""
        return self.aws.endpoints

    @property
    def admin(self) -> AccessKey:
        """A key that may do anything."""
        return self.aws.admin

    def client_settings(self, service: str, key: AccessKey | None = None) -> dict[str, Any]:
        """Return the keyword arguments with which boto3.client talks to localaws.

        Args:
            service: E.g. ``iot-data`` or ``sqs``.
            key: Whom to sign as; the admin if None.
        """
        key = key or self.admin
        endpoints = self.endpoints
        return {
            "endpoint_url": endpoints.iot_url if service == "iot-data" else endpoints.aws_url,
            "region_name": self.aws.stack.place.region,
            "aws_access_key_id": key.access_key_id,
            "aws_secret_access_key": key.secret.reveal(),
            "aws_session_token": key.session_token.reveal() if key.session_token else None,
        }

    def call(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call a function on localaws' loop, e.g. `call(background.aws.faults.order, fault)`."""

        async def called() -> T:
            return function(*arguments, **named)

        return self.wait(called())

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on localaws' loop, e.g. `wait(background.aws.rules.idle())`.

        Raises:
            NotRunning: Before `start` or after `stop`.
            TimeoutError: It took longer than `timeout_s`.
        """
        if self._loop is None:
            coroutine.close()
            raise NotRunning("localaws")
        running = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return running.result(self._timeout_s)

    def _end(self) -> None:
        loop, self._loop = self._loop, None
        thread, self._thread = self._thread, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
        if thread is not None:
            thread.join(self._timeout_s)


def _run(ready: Future[asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ready.set_result(loop)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_forever()
