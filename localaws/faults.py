"""Faults carried out: the hand that pulls plugs.

Owns the faults that are done at once (sockets, credentials, clock), and is what the broker asks
before it keeps its promises (`localaws.core.interference`). Does not decide whether one strikes
(`localaws.core.faults`) and does not listen (`localaws.controls`).
"""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import TYPE_CHECKING

from localaws.core.faults import AT_ONCE, Fault, FaultKind, Faults
from localaws.core.interference import Interference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from localaws.broker_loop import BrokerLoop
    from localaws.clock import Clock
    from localaws.core.connection import Connection
    from localaws.core.message import Message
    from localaws.key_directory import KeyDirectory


def make_dice(text: str) -> Callable[[], float]:
    """Return dice that always fall the same way for the same text."""
    return random.Random(text).random  # noqa: S311 (dice, not keys)


class FaultDesk(Interference):
    """Where faults are ordered.

    Args:
        clock: The one clock.
        directory: Knows whose credentials are to end.

    Attributes:
        faults: Those in force.
        turns: The broker in its event loop; set before the first fault.
    """

    turns: BrokerLoop

    def __init__(self, *, clock: Clock, directory: KeyDirectory) -> None:
        self._clock = clock
        self._directory = directory
        self.faults = Faults(secrets.randbelow(2**32), make_dice)
        self._held: list[Message] = []
        self._release: asyncio.TimerHandle | None = None

    def order(self, fault: Fault) -> int:
        """Put a fault into force, or carry it out if it is one that is done at once.

        Returns:
            How many sockets or credentials were struck at once; else 0.

        Raises:
            FaultRefused: There are too many faults.
        """
        if fault.kind not in AT_ONCE:
            self.faults.add(fault)
            return 0
        if fault.kind is FaultKind.CLOCK_OFFSET:
            self._clock.offset_s = fault.seconds
            return 0
        struck = self._connections(fault)
        if fault.kind is FaultKind.EXPIRE_CREDENTIALS:
            return self._expire(fault, struck)
        for connection in struck:
            peer = connection.peer
            peer.cut()  # type: ignore[attr-defined] # every peer has it; the core does not look
        return len(struck)

    def clear(self, seed: int | None = None) -> None:
        """End all faults and set the clock right; what was held back is published."""
        self.faults.clear(seed)
        self._clock.offset_s = 0.0
        self._let_go()

    def loses_puback_to(self, client_id: str) -> bool:
        """Tell whether the PUBACK for a message that a client published is not sent."""
        return self.faults.loses_puback("to", client_id)

    def loses_puback_from(self, client_id: str) -> bool:
        """Tell whether a client's PUBACK is treated as if it had never arrived."""
        return self.faults.loses_puback("from", client_id)

    def lifecycle(self, event: Message, now: float) -> Iterable[Message]:
        """Hold an event back, let it go after the next one, or say it twice."""
        del now
        client_id = event.topic.rpartition("/")[2]
        held, self._held = self._held, []
        if not held:
            fault = self.faults.strikes(FaultKind.REORDER_LIFECYCLE, client_id)
            if fault is not None:
                self._held = [event]
                loop = asyncio.get_running_loop()
                self._release = loop.call_later(fault.seconds, self._let_go)
                return ()
        twice = self.faults.strikes(FaultKind.DUPLICATE_LIFECYCLE, client_id) is not None
        return (event, event, *held) if twice else (event, *held)

    def close(self) -> None:
        """Forget what is held back: the program ends."""
        self._held = []
        if self._release is not None:
            self._release.cancel()

    def _let_go(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        held, self._held = self._held, []
        for event in held:
            self.turns.broker.publish(event, self._clock.steady())
            self.turns.flush_soon()

    def _connections(self, fault: Fault) -> list[Connection]:
        return [
            connection
            for connection in list(self.turns.broker.connections)
            if fault.client_id in (None, connection.session.client_id if connection.session else "")
        ]

    def _expire(self, fault: Fault, connections: list[Connection]) -> int:
        if fault.access_key_id is not None:
            return int(self._directory.expire(fault.access_key_id))
        if fault.client_id is None:
            return self._directory.expire_all()
        keys = {getattr(one.authorizer, "access_key_id", "") for one in connections}
        return sum(self._directory.expire(key) for key in sorted(keys))
