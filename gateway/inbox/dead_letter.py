"""A dead letter: what cannot be taken, as it goes to the dead-letter queue, with its reason.

Owns its body and its attributes. Does not: send it (`queue.py`) or decide that it is dead.
Source: docs/inbox.md, "Dead letters"; SQS developer guide, "Message attributes" (at most ten).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gateway.inbox.message import Message
    from wire.problem import Problem

_BLANKS: Final = " \t\n\r"
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message for the dead-letter queue.

    Attributes:
        body: The refused event as it was sent, or the whole body where that cannot be read.
        group: Its message group.
        deduplication_id: The same however often it is made of the same message.
        attributes: Why, and whose it was.
    """

    body: str
    group: str
    deduplication_id: str
    attributes: Mapping[str, str]


def whole_letter(message: Message, problem: Problem, *, service: str | None) -> DeadLetter:
    """Return a whole message as a dead letter.

    Args:
        message: The message.
        problem: Why it cannot be taken.
        service: Who sent it, if that is known.
    """
    return _letter(message, message.body, message.id, problem, service)


def item_letters(
    message: Message, problems: Mapping[int, Problem], *, service: str
) -> list[DeadLetter]:
    """Return single events of a message as dead letters, each by itself.

    Args:
        message: A message whose body is an array that was read before.
        problems: Why, by the event's place in the array.
        service: Who sent it.
    """
    return [
        _letter(message, text, f"{message.id}.{place}", problems[place], service)
        for place, text in enumerate(item_texts(message.body))
        if place in problems
    ]


def item_texts(array: str) -> Iterable[str]:
    """Yield the text of each item of a JSON array, as it was written."""
    at = _skip(array, _skip(array, 0) + 1)
    while not array.startswith("]", at):
        end = _DECODER.raw_decode(array, at)[1]
        yield array[at:end]
        at = _skip(array, end)
        if array.startswith(",", at):
            at = _skip(array, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at


def _letter(
    message: Message, body: str, id_: str, problem: Problem, service: str | None
) -> DeadLetter:
    attributes = {
        "reason": problem.code,
        # ASCII: SQS refuses some characters that a problem may quote.
        "problem": json.dumps(problem.members()),
        "messageId": message.id,
        **({"sender": message.sender} if message.sender else {}),
        **({"service": service} if service is not None else {}),
        **message.attributes,
    }
    return DeadLetter(
        body=body,
        group=message.group or message.id,
        deduplication_id=id_,
        attributes=attributes,
    )
