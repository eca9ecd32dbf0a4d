"""One Lambda function run in this process, with the Lambda service's own limits.

Owns execution environments (one built handler each), their reuse, concurrency and time-out, and the
JSON copy of event and result. Does not know HTTP: `localaws.api_front` turns failures into answers.

Theory of operation: an invocation takes an idle environment or makes one (a cold start) on a thread
of its own, as Lambda gives every concurrent invocation a container of its own. Handlers therefore
need not be safe for threads, here or there. An environment is thrown away when its invocation timed
out or when it is older than `recycle_s`, which renews the execution role's credentials. A thread
cannot be stopped: after a time-out it keeps its place among the `concurrency` until it returns.

Source: Lambda developer guide, "Understanding the Lambda execution environment lifecycle".
"""

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

from localaws.errors import UpstreamUnavailable

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[dict[str, object], object], object]
"""What Lambda calls: event and context in, JSON-ready result out."""


class FunctionTrouble(UpstreamUnavailable):
    """An invocation brought no result; `upstream` is the function's name."""


class FunctionFailed(FunctionTrouble):
    """The function raised, or its result is not JSON; `problem` is the exception's class."""


class FunctionTimeout(FunctionTrouble):
    """The function ran longer than it may."""


class FunctionThrottled(FunctionTrouble):
    """All places for concurrent runs were taken; the function did not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionContext:
    """The context object a handler gets. Source: Lambda developer guide, "context object"."""

    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    log_stream_name: str
    deadline_monotonic_s: float

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left before the invocation times out."""
        return max(0, int((self.deadline_monotonic_s - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Environment:
    """A built handler and when it was made (monotonic seconds)."""

    handler: Handler
    stream: str
    made_s: float


class Function:
    """A Lambda function.

    Args:
        name: Function name.
        arn: Function ARN, as the handler's context shows it.
        build: Makes one handler; runs on a worker thread, once per execution environment.
        timeout_s: Longest run, cold start included.
        concurrency: Most invocations at a time; more are throttled, not queued.
        recycle_s: Age after which an environment is not used again.
        memory_mb: What the context says.
    """

    def __init__(
        self,
        *,
        name: str,
        arn: str,
        build: Callable[[], Handler],
        timeout_s: float,
        concurrency: int,
        recycle_s: float,
        memory_mb: int = 256,
    ) -> None:
        self._name = name
        self._arn = arn
        self._build = build
        self._timeout_s = timeout_s
        self._concurrency = concurrency
        self._recycle_s = recycle_s
        self._memory_mb = memory_mb
        self._idle: list[_Environment] = []
        self._running: set[Future[object]] = set()
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=f"function-{name}")

    @property
    def running(self) -> int:
        """Threads at work, timed-out invocations included."""
        return len(self._running)

    def warm(self) -> None:
        """Make the first execution environment now, so that the first request need not wait.

        Raises:
            Exception: Whatever building the handler raises: a stack that cannot start.
        """
        self._idle.append(self._make())

    async def invoke(self, event: dict[str, object]) -> object:
        """Run the function once and return its result.

        Raises:
            FunctionThrottled: All `concurrency` places are taken.
            FunctionTimeout: It ran longer than `timeout_s`.
            FunctionFailed: It raised, or its result is not JSON.
        """
        if len(self._running) >= self._concurrency:
            raise FunctionThrottled(self._name, f"{self._concurrency} invocations are running")
        loop = asyncio.get_running_loop()
        deadline_s = time.monotonic() + self._timeout_s
        run = self._threads.submit(self._run, json.dumps(event), deadline_s)
        self._running.add(run)
        # The loop may be closed by the time a timed-out thread returns: nobody counts then.
        run.add_done_callback(lambda done: self._forget_soon(loop, done))
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await asyncio.shield(asyncio.wrap_future(run))
        except TimeoutError:
            if run.done():
                raise
            log.error("function timed out", extra={"function": self._name, "s": self._timeout_s})
            raise FunctionTimeout(self._name, f"timed out after {self._timeout_s} s") from None
        return result

    async def close(self, grace_s: float) -> None:
        """Wait up to `grace_s` for running invocations, then let go of the threads."""
        pending = [asyncio.wrap_future(run) for run in self._running]
        if pending:
            await asyncio.wait(pending, timeout=grace_s)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget_soon(self, loop: asyncio.AbstractEventLoop, done: "Future[object]") -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._running.discard, done)

    def _run(self, event: str, deadline_s: float) -> object:
        """Run one invocation on a worker thread (list.pop and append are atomic)."""
        environment = self._take()
        try:
            result = environment.handler(json.loads(event), self._context(environment, deadline_s))
            answer: object = json.loads(json.dumps(result))
        except Exception as error:
            log.exception("function failed", extra={"function": self._name})
            self._idle.append(environment)
            raise FunctionFailed(self._name, type(error).__name__) from error
        if time.monotonic() <= deadline_s:
            self._idle.append(environment)
        return answer

    def _take(self) -> _Environment:
        oldest_s = time.monotonic() - self._recycle_s
        while True:
            try:
                environment = self._idle.pop()
            except IndexError:
                return self._make_or_fail()
            if environment.made_s > oldest_s:
                return environment

    def _make_or_fail(self) -> _Environment:
        try:
            return self._make()
        except Exception as error:
            log.exception("function could not start", extra={"function": self._name})
            raise FunctionFailed(self._name, type(error).__name__) from error

    def _make(self) -> _Environment:
        return _Environment(
            handler=self._build(),
            stream=f"local/[$LATEST]{uuid.uuid4().hex}",
            made_s=time.monotonic(),
        )

    def _context(self, environment: _Environment, deadline_s: float) -> FunctionContext:
        return FunctionContext(
            function_name=self._name,
            function_version="$LATEST",
            invoked_function_arn=self._arn,
            memory_limit_in_mb=self._memory_mb,
            aws_request_id=str(uuid.uuid4()),
            log_group_name=f"/aws/lambda/{self._name}",
            log_stream_name=environment.stream,
            deadline_monotonic_s=deadline_s,
        )
