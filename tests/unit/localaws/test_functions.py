"""One Lambda function in this process: environments, concurrency, time-outs."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from localaws.functions import (
    Function,
    FunctionContext,
    FunctionFailed,
    FunctionThrottled,
    FunctionTimeout,
    Handler,
)

NAME = "credentials"
LONG_S = 20.0


@asynccontextmanager
async def function_of(
    build: Callable[[], Handler],
    *,
    timeout_s: float = LONG_S,
    concurrency: int = 2,
    recycle_s: float = LONG_S,
) -> AsyncIterator[Function]:
    """Run a function for the length of a test."""
    function = Function(
        name=NAME,
        arn="arn:aws:lambda:us-east-1:123456789012:function:credentials",
        build=build,
        timeout_s=timeout_s,
        concurrency=concurrency,
        recycle_s=recycle_s,
    )
    try:
        yield function
    finally:
        await function.close(LONG_S)


def counting(built: list[int]) -> Callable[[], Handler]:
    """Build handlers that answer with their own number."""

    def build() -> Handler:
        number = len(built)
        built.append(number)
        return lambda _event, _context: number

    return build


async def test_event_and_result_are_copied_through_json() -> None:
    """A handler can neither see nor keep the caller's own objects."""
    seen: list[object] = []

    def handler(event: dict[str, object], _context: object) -> object:
        seen.append(event)
        return {"pair": (1, 2), "event": event}

    event: dict[str, object] = {"a": [1]}
    async with function_of(lambda: handler) as function:
        assert await function.invoke(event) == {"pair": [1, 2], "event": {"a": [1]}}
    assert seen[0] == event
    assert seen[0] is not event


async def test_environment_is_reused_between_invocations() -> None:
    """What a handler keeps in memory is there the next time, as in Lambda."""
    built: list[int] = []
    async with function_of(counting(built)) as function:
        assert [await function.invoke({}), await function.invoke({})] == [0, 0]


async def test_warm_environment_is_the_first_one() -> None:
    """Warming builds once, and the first request finds it."""
    built: list[int] = []
    async with function_of(counting(built)) as function:
        function.warm()
        await function.invoke({})
    assert built == [0]


async def test_concurrent_invocations_have_environments_of_their_own() -> None:
    """A handler never runs twice at a time on the same objects."""
    built: list[int] = []
    together = threading.Barrier(2, timeout=LONG_S)

    def build() -> Handler:
        number = len(built)
        built.append(number)

        def handler(_event: dict[str, object], _context: object) -> object:
            together.wait()
            return number

        return handler

    async with function_of(build) as function:
        results = await asyncio.gather(function.invoke({}), function.invoke({}))
    assert sorted(results, key=str) == [0, 1]


async def test_more_than_the_concurrency_is_throttled() -> None:
    """Nothing waits in a queue: the invocation above the limit is refused at once."""
    free = threading.Event()
    handler: Handler = lambda _event, _context: free.wait(LONG_S)  # noqa: E731
    async with function_of(lambda: handler, concurrency=1) as function:
        first = asyncio.create_task(function.invoke({}))
        await asyncio.sleep(0)
        with pytest.raises(FunctionThrottled, match="1 invocations are running"):
            await function.invoke({})
        free.set()
        assert await first is True


async def test_time_out_throws_the_environment_away_and_keeps_its_place() -> None:
    """The caller hears of it in time; the thread counts until it has really returned."""
    free, built = threading.Event(), list[int]()

    def build() -> Handler:
        built.append(len(built))
        return lambda _event, _context: free.wait(LONG_S)

    async with function_of(build, timeout_s=0.02) as function:
        with pytest.raises(FunctionTimeout, match="timed out after"):
            await function.invoke({})
        assert function.running == 1
        free.set()
        await function.close(LONG_S)
    assert built == [0]
    assert function._idle == []


async def test_exception_is_a_failure_and_keeps_the_environment() -> None:
    """Lambda reuses an environment whose handler raised."""
    built: list[int] = []

    def build() -> Handler:
        built.append(len(built))

        def handler(_event: dict[str, object], _context: object) -> object:
            raise ValueError("no")

        return handler

    async with function_of(build) as function:
        for _ in range(2):
            with pytest.raises(FunctionFailed, match="ValueError"):
                await function.invoke({})
    assert built == [0]


async def test_result_that_is_no_json_is_a_failure() -> None:
    """What Lambda could not send back is an error here too."""
    async with function_of(lambda: lambda _event, _context: object()) as function:
        with pytest.raises(FunctionFailed, match="TypeError"):
            await function.invoke({})


async def test_build_that_raises_is_a_failure() -> None:
    """A function that cannot start fails the invocation, not the program."""

    def build() -> Handler:
        raise KeyError("CREDENTIALS_NAMESPACE")

    async with function_of(build) as function:
        with pytest.raises(FunctionFailed, match="KeyError"):
            await function.invoke({})
        with pytest.raises(KeyError):
            function.warm()


async def test_old_environment_is_not_used_again() -> None:
    """Recycling brings fresh credentials of the execution role."""
    built: list[int] = []
    async with function_of(counting(built), recycle_s=0.0) as function:
        assert [await function.invoke({}), await function.invoke({})] == [0, 1]


async def test_context_is_what_a_handler_expects() -> None:
    """The context names the function and the time left."""
    contexts: list[FunctionContext] = []

    def handler(_event: dict[str, object], context: object) -> object:
        assert isinstance(context, FunctionContext)
        contexts.append(context)
        return context.get_remaining_time_in_millis()

    async with function_of(lambda: handler) as function:
        left = await function.invoke({})
    assert isinstance(left, int)
    assert 0 < left <= LONG_S * 1000
    assert contexts[0].function_name == NAME
    assert contexts[0].log_group_name == "/aws/lambda/credentials"
