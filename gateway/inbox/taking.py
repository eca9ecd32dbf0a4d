"""Taking one message: from its body to events that are kept, dead letters that are sent, and its end.

Owns the order that makes a crash harmless, and waiting for what is refused only for now.
Does not: receive messages or keep them this gateway's (`inbox.py`), or judge events.
Source: docs/decisions/0013-inbox.md.

Theory of operation: the events are kept first, then what was refused goes to the dead-letter queue,
then the message is deleted. A gateway that dies in between leaves the message, which is received
again: its events are known by their ids, and its dead letters by their deduplication ids. What is
refused for now is tried again here, with the message held, because each time a message is given back
counts as one more receive; only a service that is too fast for its rate, and has others waiting
already, gets its message given back, so that it does not take all the room there is.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gateway import problems
from gateway.errors import ChangedEvent, GatewayError, InboxUnusable, RateExceeded, RequestRefused
from gateway.inbox.dead_letter import DeadLetter, item_letters, whole_letter
from gateway.inbox.reading import Contents, read_message
from gateway.intake import Acceptance, Accepted, Conflict
from gateway.metrics import NOBODY
from gateway.outbox.aws.calls import AWS_ERRORS, word_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.admission import Admission
    from gateway.core.event import Event
    from gateway.core.service import Service
    from gateway.formats.submission import Reader
    from gateway.inbox.message import Message
    from gateway.inbox.queue import InboxQueue
    from gateway.intake import Intake
    from gateway.metrics import Metrics
    from wire.problem import Problem

log = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 20.0
"""Shortest and longest wait before a message is tried again that was refused for now, seconds."""

BACK_S: Final = 60
"""Longest time for which a message is given back, seconds."""

MOST_FAILURES: Final = 5
"""Receives after which a message on which the gateway itself fails is a dead letter."""


class GiveBack(GatewayError):
    """The message is to show again after some time: it ends the taking of one message.

    Attributes:
        delay_s: After how long, seconds.
    """

    def __init__(self, delay_s: float) -> None:
        super().__init__(delay_s)
        self.delay_s = delay_s


@dataclass(slots=True, kw_only=True)
class _Progress:
    """What became of one message so far; also its line in the log."""

    service: str | None = None
    taken: int = 0
    duplicates: int = 0
    refused: dict[int, RequestRefused] = field(default_factory=dict)
    waits: int = 0
    code: str | None = None


class Taker:
    """Brings messages to their end.

    Args:
        admission: Who may send what, and how fast.
        intake: Who keeps events.
        queue: Where messages are deleted and dead letters sent.
        metrics: Where messages and refusals are counted.
        reader: Reads bodies.
        most_waiting: Most messages of one service that wait for its rate here.
    """

    def __init__(
        self,
        *,
        admission: Admission,
        intake: Intake,
        queue: InboxQueue,
        metrics: Metrics,
        reader: Reader,
        most_waiting: int,
    ) -> None:
        self._admission = admission
        self._intake = intake
        self._queue = queue
        self._metrics = metrics
        self._reader = reader
        self._most_waiting = most_waiting
        self._waiting: Counter[str] = Counter()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Wait for nothing any more: what would wait is given back."""
        self._stopping.set()

    async def take(self, message: Message) -> None:
        """Take a message and delete it.

        Raises:
            GiveBack: Not now.
        """
        started, progress = time.monotonic(), _Progress()
        outcome = "given_back"
        try:
            letters = await self._events(message, progress)
            for letter in letters:
                await self._queue.bury(letter)
            await self._queue.delete(message)
            outcome = _outcome(progress, letters)
        except GiveBack:
            raise
        except (InboxUnusable, *AWS_ERRORS) as error:
            outcome = "failed"
            log.warning("inbox call failed", extra={"what": "bury", "why": word_for(error)})
            raise GiveBack(_pause_s(message)) from None
        except Exception:  # a bug of ours: the message stays, whatever it is
            outcome = "failed"
            log.exception("inbox message failed", extra={"message_id": message.id})
            raise GiveBack(_pause_s(message)) from None
        finally:
            self._note(message, progress, outcome, time.monotonic() - started)

    async def _events(self, message: Message, progress: _Progress) -> list[DeadLetter]:
        """Have the message's events kept, and return what is to be buried."""
        try:
            service = self._admission.identify_sender(message.sender)
            progress.service = service.name
            contents = read_message(message, service=service, reader=self._reader)
            progress.refused |= contents.refused
            await self._keep(contents, service, progress)
        except RequestRefused as refusal:
            progress.refused = {0: refusal}
            return [_whole(message, progress, problems.refusal(refusal).problem)]
        except GiveBack:
            raise
        except Exception:
            if message.receives < MOST_FAILURES:
                raise
            log.exception("inbox message given up", extra={"message_id": message.id})
            return [_whole(message, progress, problems.unexpected(message.id).problem)]
        found = {
            place: problems.refusal(error).problem for place, error in progress.refused.items()
        }
        if contents.many:
            return item_letters(message, found, service=service.name)
        return [_whole(message, progress, problem) for problem in found.values()]

    async def _keep(self, contents: Contents, service: Service, progress: _Progress) -> None:
        """Go on until every event is kept, known, or refused for good."""
        left = dict(contents.events)
        while left:
            counted, too_fast = self._admission.count_each(service, len(left), time.monotonic())
            let_in = dict(list(left.items())[:counted])
            trouble: RequestRefused | None = too_fast
            if let_in:
                try:
                    accepted = await self._intake.accept(list(let_in.values()), service)
                except RequestRefused as refusal:
                    if not _may_pass(refusal):
                        raise
                    trouble = refusal
                else:
                    for (place, event), acceptance in zip(let_in.items(), accepted, strict=True):
                        del left[place]
                        _sort(place, event, acceptance, progress)
            if left and trouble is not None:
                await self._wait(service, trouble, progress)

    async def _wait(self, service: Service, trouble: RequestRefused, progress: _Progress) -> None:
        progress.waits += 1
        if not isinstance(trouble, RateExceeded):
            delay_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(progress.waits, 10))
            await self._rest(delay_s * (0.5 + random.random() / 2))  # noqa: S311 - spreads load
            return
        if self._waiting[service.name] >= self._most_waiting:
            raise GiveBack(min(BACK_S, max(5.0, trouble.wait_s)))
        self._waiting[service.name] += 1
        try:
            await self._rest(min(LONGEST_WAIT_S, trouble.wait_s))
        finally:
            self._waiting[service.name] -= 1

    async def _rest(self, delay_s: float) -> None:
        try:
            async with asyncio.timeout(delay_s):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise GiveBack(0)

    def _note(self, message: Message, progress: _Progress, outcome: str, seconds: float) -> None:
        service = progress.service or NOBODY
        self._metrics.inbox_messages.labels(service, outcome).inc()
        if outcome in ("given_back", "failed"):
            level = logging.INFO
        else:
            for refusal in progress.refused.values():
                code = problems.refusal(refusal).problem.code
                self._metrics.refused.labels(service, code).inc()
            age_s = max(0.0, time.time() - message.sent_ms / 1000)
            self._metrics.inbox_seconds.labels(outcome).observe(age_s)
            level = logging.INFO if outcome == "taken" else logging.WARNING
        log.log(level, "inbox message", extra=_facts(message, progress, outcome, seconds))


def _whole(message: Message, progress: _Progress, problem: Problem) -> DeadLetter:
    progress.code = problem.code
    return whole_letter(message, problem, service=progress.service)


def _pause_s(message: Message) -> float:
    return min(BACK_S, 2.0 ** min(message.receives, 10))


def _may_pass(refusal: RequestRefused) -> bool:
    # What a caller of the event API is told to send again later.
    return "Retry-After" in problems.refusal(refusal).headers


def _sort(place: int, event: Event, acceptance: Acceptance, progress: _Progress) -> None:
    match acceptance:
        case Accepted():
            progress.taken += 1
            progress.duplicates += acceptance.duplicate
        case Conflict():
            progress.refused[place] = ChangedEvent(event.id)
        case _:
            progress.refused[place] = acceptance.error


def _outcome(progress: _Progress, letters: list[DeadLetter]) -> str:
    if not letters:
        return "taken"
    return "partly" if progress.taken else "dead"


def _facts(
    message: Message, progress: _Progress, outcome: str, seconds: float
) -> Mapping[str, object]:
    codes = sorted({problems.refusal(one).problem.code for one in progress.refused.values()})
    code = progress.code or (codes[0] if codes else None)
    return {
        "message_id": message.id,
        "sender": message.sender,
        "service": progress.service or NOBODY,
        "outcome": outcome,
        "events": progress.taken,
        "duplicates": progress.duplicates,
        "refused": len(progress.refused),
        "receives": message.receives,
        "waits": progress.waits,
        "body_bytes": len(message.body.encode(errors="surrogatepass")),
        "seconds": round(seconds, 6),
        **({"code": code} if code else {}),
    }
