"""What stands in the table: one item for each event, with the outcomes of its deliveries.

Owns the attributes of an item and how a kept event becomes one and back.
Does not: read or write the table (`table.py`).
Source: docs/decisions/0011-shared-outbox.md; DynamoDB API, AttributeValue.

| attribute | holds |
|---|---|
| `pk`, `sk` | service and event id; `event` |
| `gsi1pk`, `gsi1sk` | only while not settled: shard, and when somebody must look at it |
| `gsi2pk`, `gsi2sk` | service and shard; when it was accepted, and its id: for lists |
| `expires_at` | only once settled: when the item may be dropped, epoch seconds |
| `gen`, `n_open`, `st` | which life of the event; deliveries not settled; `open` or the settled state |
| `queued` | present once all its deliveries were handed to the queue |
| `told` | present once a second caller was told that it is known: then it must not be forgotten |
| `o<n>`, `a<n>`, `w<n>` | of delivery n: outcome; attempts so far; how it ends if the attempt under way fails |
| `c<n>`, `h<n>` | of delivery n: until when somebody attempts it, epoch ms; who does |
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any, Final, NamedTuple

from gateway.core.kept_event import Attempts, KeptEvent
from gateway.core.report import State
from gateway.core.settlement import Outcome, Reason, read_outcomes, write_outcomes
from gateway.outbox.aws.message import Turn

Item = dict[str, Any]

SHARDS: Final = 8
"""Partitions of each index: DynamoDB takes 1,000 writes a second on one."""

OPEN: Final = "open"
EVENT: Final = "event"

_FLAGS: Final = ("retain", "receipt", "scheduled")


def number(value: float) -> dict[str, str]:
    """Return a number as an attribute value."""
    return {"N": str(int(value))}


def text(value: str) -> dict[str, str]:
    """Return a string as an attribute value."""
    return {"S": value}


def key_of(service: str, event_id: str) -> Item:
    """Return the primary key of an event."""
    return {"pk": text(f"{service}\n{event_id}"), "sk": text(EVENT)}


def sweep_shard(shard: int) -> str:
    """Return the partition of the index in which events wait for somebody to look."""
    return f"{OPEN}#{shard}"


def list_shard(service: str, shard: int) -> str:
    """Return the partition of the index in which a service's events are listed."""
    return f"{service}#{shard}"


def look_at(when_ms: int, event_id: str) -> dict[str, str]:
    """Return the sort key of an event that somebody must look at then."""
    return text(f"{when_ms:014d}#{event_id}")


def shard_of(service: str, event_id: str) -> int:
    """Return which partition of the indexes an event is in."""
    return hashlib.blake2b(f"{service}\n{event_id}".encode(), digest_size=1).digest()[0] % SHARDS


class Draft(NamedTuple):
    """An event that is about to be kept.

    Attributes:
        event: The event, nothing of it settled.
        look_ms: When somebody must look whether it was queued, or send it; epoch ms.
        generation: Tells this acceptance from any other one of the same id, so that whoever wrote
            an item knows it again, and a message left over from another one leads to nothing.
    """

    event: KeptEvent
    look_ms: int
    generation: int

    @property
    def turns(self) -> list[Turn]:
        """The turns of all its deliveries."""
        return turns_of(self.event, self.generation)


def draft_of(event: KeptEvent, look_ms: int) -> Draft:
    """Return an event with a generation that no other acceptance has."""
    return Draft(event, look_ms, secrets.randbits(48))


def item_of(draft: Draft) -> Item:
    """Return the item of an event that was just accepted."""
    event, look_ms, generation = draft
    shard = shard_of(event.service, event.id)
    found: Item = {
        **key_of(event.service, event.id),
        "gsi1pk": text(sweep_shard(shard)),
        "gsi1sk": look_at(look_ms, event.id),
        "gsi2pk": text(list_shard(event.service, shard)),
        "gsi2sk": look_at(event.accepted_ms, event.id),
        "gen": number(generation),
        "n_open": number(len(event.names)),
        "st": text(OPEN),
        "service": text(event.service),
        "id": text(event.id),
        "accepted": number(event.accepted_ms),
        "due": number(event.due_ms),
        "qos": number(event.qos),
        "flags": text(",".join(name for name in _FLAGS if getattr(event, name))),
        "names": text("\n".join(event.names)),
        "payload": {"B": event.payload or b""},
    }
    if event.fingerprint is not None:
        found["fingerprint"] = {"B": event.fingerprint}
    if event.expires_ms is not None:
        found["expires"] = number(event.expires_ms)
    if event.collapse_key is not None:
        found["collapse"] = text(event.collapse_key)
    return found


def event_of(item: Item) -> KeptEvent:
    """Return the event that an item holds, with outcomes and attempts."""
    names = tuple(item["names"]["S"].split("\n"))
    flags = item["flags"]["S"].split(",")
    event = KeptEvent(
        service=item["service"]["S"],
        id=item["id"]["S"],
        fingerprint=item["fingerprint"]["B"] if "fingerprint" in item else None,
        accepted_ms=int(item["accepted"]["N"]),
        due_ms=int(item["due"]["N"]),
        expires_ms=int(item["expires"]["N"]) if "expires" in item else None,
        qos=int(item["qos"]["N"]),
        retain="retain" in flags,
        receipt="receipt" in flags,
        scheduled="scheduled" in flags,
        collapse_key=item["collapse"]["S"] if "collapse" in item else None,
        names=names,
        payload=item["payload"]["B"] if "payload" in item else None,
        outcomes=[
            read_outcomes(item[f"o{position}"]["S"], 1)[0] if f"o{position}" in item else None
            for position in range(len(names))
        ],
    )
    for position in range(len(names)):
        if f"a{position}" in item:
            event.attempts = event.attempts or {}
            event.attempts[position] = read_attempts(item[f"a{position}"]["S"])
    return event


def outcome_text(outcome: Outcome) -> dict[str, str]:
    """Return an outcome as an attribute value."""
    return text(write_outcomes([outcome]))


def attempts_text(attempts: Attempts) -> dict[str, str]:
    """Return an account of attempts as an attribute value."""
    reason = attempts.reason
    said = [reason.code, reason.detail, reason.retryable] if reason is not None else None
    return text(json.dumps([attempts.tried, attempts.counted, attempts.next_at_ms, said]))


def read_attempts(said: str) -> Attempts:
    """Read an account of attempts back."""
    found = Attempts()
    found.tried, found.counted, found.next_at_ms, reason = json.loads(said)
    found.reason = Reason(*reason) if reason is not None else None
    return found


def generation_of(item: Item) -> int:
    """Return which life of the event an item stands for."""
    return int(item["gen"]["N"])


def state_of(item: Item) -> State | None:
    """Return the state of a settled event, or None if it is not settled."""
    state = item["st"]["S"]
    return None if state == OPEN else State(state)


def turns_of(event: KeptEvent, generation: int) -> list[Turn]:
    """Return the turns of all deliveries that are not settled."""
    return [
        Turn(event.service, event.id, generation, position, name)
        for position, name in enumerate(event.names)
        if event.outcomes[position] is None
    ]
