"""Settlements: how the delivery of an event to one address ended, and how that is written down.

Owns the outcome of one delivery and the text in which an event's outcomes are kept.
Does not: decide what the outcome is (`gateway/engine.py`) or where the text goes (the outbox).
Source: docs/design.md, "Event states"; docs/decisions/0007-outbox.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.core.report import State

MAX_DETAIL_CHARS: Final = 500
"""Most of an upstream's text that is kept: a proxy's error page helps nobody twice."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a delivery failed, or its receipt did not come: what is kept of an error.

    Attributes:
        code: A stable word for machines.
        detail: What IoT Core or the network said, shortened.
        retryable: Whether the same publish may succeed later.
    """

    code: str
    detail: str
    retryable: bool

    def members(self) -> Mapping[str, object]:
        """Return it as members of an answer."""
        return {"code": self.code, "detail": self.detail, "retryable": self.retryable}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one delivery ended.

    Attributes:
        state: A settled state.
        at_ms: When, milliseconds since the epoch.
        attempts: Publishes tried.
        reason: What went wrong with the last attempt, where the delivery failed; why no receipt
            came, where one was asked for and it was published.
    """

    state: State
    at_ms: int
    attempts: int
    reason: Reason | None = None


def write_outcomes(outcomes: Sequence[Outcome | None]) -> str:
    """Return the outcomes of an event's deliveries as one JSON text; None is not settled."""
    if len(outcomes) == 1 and outcomes[0] is not None and outcomes[0].reason is None:
        # Nearly every event, at a tenth of the price.
        only = outcomes[0]
        return f'[["{only.state.value}",{only.at_ms},{only.attempts}]]'
    return json.dumps([_members(outcome) for outcome in outcomes], separators=(",", ":"))


def read_outcomes(text: str | None, deliveries: int) -> list[Outcome | None]:
    """Read them back.

    Args:
        text: What `write_outcomes` returned, or None for an event with no outcome yet.
        deliveries: How many addresses the event has.

    Raises:
        ValueError: The text is none of ours.
    """
    if text is None:
        return [None] * deliveries
    found = json.loads(text)
    if not isinstance(found, list) or len(found) != deliveries:
        raise ValueError("the outcomes do not fit the event")
    return [_outcome(item) for item in found]


def _members(outcome: Outcome | None) -> list[object] | None:
    if outcome is None:
        return None
    found: list[object] = [outcome.state, outcome.at_ms, outcome.attempts]
    if outcome.reason is not None:
        found += [outcome.reason.code, outcome.reason.detail, outcome.reason.retryable]
    return found


def _outcome(item: object) -> Outcome | None:
    match item:
        case None:
            return None
        case [str(state), int(at_ms), int(attempts)]:
            return Outcome(State(state), at_ms, attempts)
        case [str(state), int(at_ms), int(attempts), str(code), str(detail), bool(retryable)]:
            reason = Reason(code, detail, retryable)
            return Outcome(State(state), at_ms, attempts, reason)
    raise ValueError("an outcome cannot be read")
