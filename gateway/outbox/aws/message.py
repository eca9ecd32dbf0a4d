"""What stands in the queue: which delivery's turn it is, and nothing of the event itself.

Owns the body of a message, its deduplication id, and how messages are put into batches.
Does not: send (`queue.py`) or read the event (`table.py`).
Source: SQS developer guide, "Using the message deduplication ID" and "message group ID"; SQS API,
SendMessageBatch (at most 10 entries).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Final, NamedTuple

BATCH: Final = 10
"""Most entries of one batch call."""


class Turn(NamedTuple):
    """One delivery, as the queue knows it.

    Attributes:
        service: Whose event it is.
        event_id: Its id.
        generation: Which life of the event: a number of its own for each acceptance, and one more
            for each redelivery.
        position: Which of its addresses.
        name: That address as text; decides the message group.
    """

    service: str
    event_id: str
    generation: int
    position: int
    name: str

    @property
    def group(self) -> str:
        """Message group: one for each topic; hashed, because SQS takes fewer characters."""
        return hashlib.blake2b(self.name.encode(), digest_size=16).hexdigest()

    @property
    def deduplication_id(self) -> str:
        """The same for every sending of this turn, so that a repeated send adds nothing."""
        said = json.dumps([self.service, self.event_id, self.generation, self.position])
        return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()

    def body(self) -> str:
        """Return the body of the message."""
        return json.dumps(list(self), separators=(",", ":"))


def read_turn(body: str) -> Turn | None:
    """Read a message's body; None if it is none of ours."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    match found:
        case [str(service), str(event_id), int(generation), int(position), str(name)]:
            return Turn(service, event_id, generation, position, name)
    return None


def batches(turns: Iterable[Turn]) -> list[list[Turn]]:
    """Put turns into batches so that no batch holds two of one topic, and each topic keeps its order.

    One entry of a batch may fail while the others are taken; were the next one of the same topic
    among those, it would overtake. Batches are to be sent one after the other.
    """
    found: list[list[Turn]] = []
    first_for: dict[str, int] = {}
    open_from = 0
    for turn in turns:
        number = max(first_for.get(turn.name, 0), open_from)
        while number < len(found) and len(found[number]) >= BATCH:
            number += 1
        if number == len(found):
            found.append([])
        found[number].append(turn)
        first_for[turn.name] = number + 1
        while open_from < len(found) and len(found[open_from]) >= BATCH:
            open_from += 1
    return found
