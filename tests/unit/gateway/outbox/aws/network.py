"""The network between one simulated gateway and AWS: calls arrive, or do not, or nobody learns.

Owns when a call has its effect, what the caller sees, and where a gateway dies meanwhile.
Does not: know what the effect is, or decide what goes wrong (`faults.py`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, Protocol, TypeVar

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.unit.gateway.outbox.aws.faults import CRASHES, Kind, Plan

Result = TypeVar("Result")

LATE_S = 20.0
"""How long after everybody gave it up a call may still have its effect, seconds."""


class Mortal(Protocol):
    """Who calls, and may die."""

    alive: bool
    place: int

    def crash(self) -> None:
        """Die at once: no task goes on, nothing is tidied up."""


class Network:
    """The way to AWS.

    Attributes:
        unheard: Calls whose effect is still to come, and nobody waits for their answer.

    Args:
        plan: What goes wrong.
        seed: Decides how long each call takes, and so what overtakes what.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.unheard = 0
        self.random = random.Random(seed)  # noqa: S311 - a simulation must repeat

    async def call(
        self,
        caller: Mortal,
        operation: str,
        effect: Callable[[bool], Result],
        *,
        service: str,
        limit_s: float,
        error: Callable[[Kind], Exception],
        fated: bool = True,
    ) -> Result:
        """Make a call.

        Args:
            caller: Who calls.
            operation: What, as `faults.KINDS` names it.
            effect: What it does; told whether one entry of its batch is not to be taken.
            service: Whose call it is.
            limit_s: How long the caller waits.
            error: What the caller sees when something goes wrong.
            fated: Whether something may go wrong with it that is in the plan.
        """
        if not caller.alive:
            await forever()
        loop = asyncio.get_running_loop()
        kind = self.plan.fate(operation) if fated else None
        half_s = self.random.choice((0.001, 0.003, 0.01, 0.03))
        if self.plan.away(service, loop.time(), caller.place) and kind not in CRASHES:
            kind = Kind.REFUSED
        if kind is not None:
            self.plan.hits[operation] += 1
        if kind is Kind.CRASH_BEFORE:
            await _die(caller)
        if kind in (Kind.LATE, Kind.CRASH_LATE):
            wait_s = limit_s if kind is Kind.LATE else 0.0
            self.unheard += 1
            loop.call_later(wait_s + LATE_S, self._unheard, effect, context=Context())
            if kind is Kind.CRASH_LATE:
                await _die(caller)
            await asyncio.sleep(limit_s)
            raise error(kind)
        if kind is Kind.SILENT:
            await asyncio.sleep(limit_s)
            raise error(kind)
        await asyncio.sleep(0.4 * limit_s if kind is Kind.SLOW else half_s)
        if kind in (Kind.REFUSED, Kind.THROTTLED, Kind.DENIED, Kind.OFFLINE):
            raise error(kind)
        failed: Exception | None = None
        try:
            result = effect(kind is Kind.PARTIAL)
        except ClientError as refusal:
            failed = refusal
        if kind is Kind.CRASH_AFTER:
            await _die(caller)
        await asyncio.sleep(0.4 * limit_s if kind is Kind.SLOW else half_s)
        if kind is Kind.LOST:
            raise error(kind)
        if failed is not None:
            raise failed
        return result

    def _unheard(self, effect: Callable[[bool], object]) -> None:
        self.unheard -= 1
        with suppress(ClientError):
            effect(False)  # noqa: FBT003 - nothing is left out


async def forever() -> Any:
    """Wait for what never comes: the dead learn nothing."""
    await asyncio.get_running_loop().create_future()


def aws_error(kind: Kind) -> Exception:
    """Return what an AWS client raises."""
    if kind is Kind.REFUSED:
        said = {"Error": {"Code": "ServiceUnavailable", "Message": "simulated"}}
        return ClientError(said, "simulated")  # type: ignore[arg-type]
    return ReadTimeoutError(endpoint_url="https://simulated")


async def _die(caller: Mortal) -> None:
    caller.crash()
    await forever()
