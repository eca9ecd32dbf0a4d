"""Withdrawing a delivery that nobody should make any more: cancelled, or replaced by a newer one.

Owns the steps: it is claimed and settled, so that nobody attempts it meanwhile; or, where somebody
does, marked. Does not: write (`table.py`) or say what is to be withdrawn.
Source: docs/decisions/0011-shared-outbox.md, "One state".
"""

from __future__ import annotations

import secrets
from typing import Final

from gateway.core.report import State
from gateway.core.settlement import Outcome
from gateway.errors import OutboxUnavailable
from gateway.outbox.aws.item import Item, event_of, generation_of
from gateway.outbox.aws.message import Turn
from gateway.outbox.aws.table import WITHIN_S, Table

ROUNDS: Final = 10
"""Rounds in which a withdrawal is tried that meets another's attempts between its writes."""


async def withdraw(
    table: Table, turn: Turn, state: State, *, now_ms: int, deliveries: int
) -> Item | None:
    """Settle a delivery that nobody attempts, or note how it ends if the attempt fails.

    Args:
        table: Where it stands.
        turn: Which.
        state: Cancelled or collapsed.
        now_ms: Now.
        deliveries: How many the event has.

    Returns:
        The item afterwards; None if the event is gone.

    Raises:
        OutboxUnavailable: Not now.
    """
    holder = secrets.token_hex(8)
    until_ms = now_ms + int(WITHIN_S * 1000)
    for _ in range(ROUNDS):
        item = await table.claim(turn, holder, now_ms=now_ms, until_ms=until_ms)
        if item is not None:
            tried = event_of(item).attempts_of(turn.position)
            outcome = Outcome(state, now_ms, tried.tried, tried.reason)
            return await table.settle(turn, outcome, deliveries=deliveries)
        item = await table.want(turn, state)
        if item is not None:
            return item
        item = await table.load(turn.service, turn.event_id, now_ms=now_ms)
        if item is None or f"o{turn.position}" in item or generation_of(item) != turn.generation:
            return item
        # The attempt ended between the two writes: now it can be claimed, or is claimed anew.
    raise OutboxUnavailable("busy")
