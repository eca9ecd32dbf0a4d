"""Calls to AWS that may fail: what their errors mean to an outbox.

Owns telling a refused condition from trouble, and trying again for a bounded time.
Does not: know what is called.
Source: DynamoDB developer guide, "Error handling"; SQS API, common errors.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from gateway.errors import OutboxUnavailable

log = logging.getLogger(__name__)

AWS_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError, HTTPClientError, OSError)
"""All that an AWS client raises; TimeoutError is an OSError."""

_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 2.0

Result = TypeVar("Result")


def refused(error: BaseException) -> bool:
    """Tell whether a write did not happen because its condition did not hold."""
    return (
        isinstance(error, ClientError)
        and error.response["Error"]["Code"] == "ConditionalCheckFailedException"
    )


def word_for(error: BaseException) -> str:
    """Return a short word for what went wrong."""
    if isinstance(error, ClientError):
        return str(error.response["Error"].get("Code", "unknown"))[:60]
    return type(error).__name__


async def all_of(calls: Iterable[Awaitable[Result]]) -> list[Result]:
    """Await calls at the same time, all of them to their end; raise what the first of them raised.

    Nothing of them is still under way afterwards, so that what was done can be undone.
    """
    found = await asyncio.gather(*calls, return_exceptions=True)
    results: list[Result] = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        results.append(one)
    return results


async def persistently(
    call: Callable[[], Awaitable[Result]], *, what: str, within_s: float
) -> Result:
    """Call until it succeeds, or a condition does not hold, or the time is over.

    Args:
        call: One attempt.
        what: A fixed word for the log.
        within_s: Longest time for all attempts, seconds; one that is still under way is given up,
            and may or may not have been done.

    Raises:
        OutboxUnavailable: The time is over.
        ClientError: A condition did not hold.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            # One call that is never answered must not take longer than all of them may.
            async with asyncio.timeout_at(end):
                return await call()
        except AWS_ERRORS as error:
            if refused(error):
                raise
            word = word_for(error)
            log.warning("aws call failed", extra={"what": what, "why": word})
            if loop.time() + wait_s >= end:
                raise OutboxUnavailable(word) from error
        await asyncio.sleep(wait_s * (0.5 + random.random() / 2))  # noqa: S311 - spreads load
        wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
