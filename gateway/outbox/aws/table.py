"""The table of the shared outbox: every read and write of an item, each one conditional.

Owns the DynamoDB calls and their conditions. Whoever loses a condition learns what stands there.
Does not: know the queue, hold anything, or decide when.
Source: docs/decisions/0011-shared-outbox.md; DynamoDB API, UpdateItem and BatchWriteItem.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from gateway.core.kept_event import Attempts, KeptEvent
from gateway.core.report import SENDABLE, State
from gateway.core.settlement import Outcome
from gateway.errors import OutboxUnavailable
from gateway.outbox.aws.calls import persistently
from gateway.outbox.aws.item import (
    EVENT,
    OPEN,
    Draft,
    Item,
    attempts_text,
    event_of,
    generation_of,
    item_of,
    key_of,
    look_at,
    number,
    outcome_text,
    sweep_shard,
    text,
)
from gateway.outbox.aws.message import Turn

PUT_BATCH: Final = 25
"""Most items of one BatchWriteItem."""

MOST_AT_ONCE: Final = 32
"""Single writes of one batch of events that are on their way at the same time."""

WITHIN_S: Final = 8.0
"""Longest time for which one read or write is tried again, seconds."""


class Keep(NamedTuple):
    """How long settled events are remembered.

    Attributes:
        settled_s: Those that went well, seconds.
        failed_s: Those that can be sent again, seconds.
    """

    settled_s: float
    failed_s: float


class Table:
    """The events of all gateways.

    Args:
        client: An aioboto3 `dynamodb` client.
        name: The table's name.
        keep: How long settled events are remembered.
    """

    def __init__(self, client: Any, *, name: str, keep: Keep) -> None:
        self._client = client
        self._name = name
        self._keep = keep
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    # --- take in ------------------------------------------------------------------------------

    async def put(self, draft: Draft, *, now_ms: int) -> Item | None:
        """Keep an event unless its id is known; return the item that stands there, None if kept.

        A write whose answer was lost is repeated, finds an item, and knows it by its generation.

        Raises:
            OutboxUnavailable: It may have been kept, or not.
        """
        async with self._turns:
            try:
                await self._try(
                    "put_item",
                    Item=item_of(draft),
                    # The item of an id whose time is over may still stand there for days.
                    ConditionExpression="attribute_not_exists(pk) OR expires_at < :now",
                    ExpressionAttributeValues={":now": number(now_ms / 1000)},
                )
                return None
            except ClientError:
                found = await self.load(draft.event.service, draft.event.id, now_ms=now_ms)
        if found is None:
            # It was forgotten between the two calls.
            raise OutboxUnavailable("gone")
        return None if generation_of(found) == draft.generation else found

    async def put_new(self, drafts: Sequence[Draft]) -> None:
        """Keep events whose ids the gateway made, so that none can be known."""
        requests = [{"PutRequest": {"Item": item_of(draft)}} for draft in drafts]
        for start in range(0, len(requests), PUT_BATCH):
            rest = {self._name: requests[start : start + PUT_BATCH]}
            tries = 0
            while rest:
                # The answer names those that were not taken; they alone are sent again.
                answer = await persistently(
                    lambda rest=rest: self._client.batch_write_item(RequestItems=rest),  # type: ignore[misc]
                    what="batch_write_item",
                    within_s=WITHIN_S,
                )
                rest = answer.get("UnprocessedItems") or {}
                tries += 1
                if rest:
                    await asyncio.sleep(min(1.0, 0.05 * 2.0**tries))

    async def remove(self, draft: Draft) -> None:
        """Forget an event that nobody was promised, if nothing has been done with it.

        That of another acceptance stays, whoever's it is; so does one that a second caller was told
        about in the meantime.
        """
        event = draft.event
        untouched = "".join(
            f" AND attribute_not_exists(c{position})" for position in range(len(event.names))
        )
        try:
            await self._try(
                "delete_item",
                Key=key_of(event.service, event.id),
                ConditionExpression=(
                    f"gen = :gen AND n_open = :all AND attribute_not_exists(told){untouched}"
                ),
                ExpressionAttributeValues={
                    ":gen": number(draft.generation),
                    ":all": number(len(event.names)),
                },
            )
        except ClientError:
            return

    async def note_told(self, turn: Turn) -> None:
        """Note that another caller is about to be told that this event is kept.

        Raises:
            OutboxUnavailable: It is not kept any more: the gateway that wrote it refused it.
        """
        noted = await self._change(
            turn,
            condition="gen = :gen",
            put={"told": number(1)},
            values={":gen": number(turn.generation)},
        )
        if noted is None:
            raise OutboxUnavailable("gone")

    async def queued(self, turn: Turn, *, look_ms: int) -> None:
        """Note that all deliveries of an event were handed to the queue."""
        await self._change(
            turn,
            condition="gen = :gen AND n_open > :zero AND attribute_exists(gsi1pk)",
            put={"gsi1sk": look_at(look_ms, turn.event_id), "queued": number(1)},
            values={":gen": number(turn.generation), ":zero": number(0)},
        )

    # --- look up ------------------------------------------------------------------------------

    async def load(self, service: str, event_id: str, *, now_ms: int) -> Item | None:
        """Return an event's item as it is now, or None."""
        answer = await self._try("get_item", Key=key_of(service, event_id), ConsistentRead=True)
        found: Item | None = answer.get("Item")
        if found is None or int(found.get("expires_at", number(2**40))["N"]) < now_ms / 1000:
            return None
        return found

    # --- attempts -----------------------------------------------------------------------------

    async def claim(self, turn: Turn, holder: str, *, now_ms: int, until_ms: int) -> Item | None:
        """Claim a delivery for one attempt and read its event; None if it cannot be claimed now.

        A call whose answer was lost is repeated, and knows its own claim by the holder.

        Args:
            turn: Which.
            holder: A text that no other claim has.
            now_ms: Now; claims of others that ended before do not count.
            until_ms: When the claim ends by itself.
        """
        claim, held = f"c{turn.position}", f"h{turn.position}"
        free = f"attribute_not_exists({claim}) OR {claim} < :now OR {held} = :holder"
        return await self._change(
            turn,
            condition=f"{_unsettled(turn)} AND ({free})",
            put={claim: number(until_ms), held: text(holder)},
            values={
                ":gen": number(turn.generation),
                ":now": number(now_ms),
                ":holder": text(holder),
            },
        )

    async def release(self, turn: Turn, holder: str) -> None:
        """Give a claim back before an attempt was made, unless it ended and is another's now."""
        await self._change(
            turn,
            condition=_held_by(turn),
            remove=[f"c{turn.position}", f"h{turn.position}"],
            values={":gen": number(turn.generation), ":holder": text(holder)},
        )

    async def put_off(self, turn: Turn, holder: str, attempts: Attempts) -> Item | None:
        """Note an attempt that failed and give the claim back.

        Returns:
            The item; None if the claim ended, and the delivery is another's, or settled.
        """
        return await self._change(
            turn,
            condition=_held_by(turn),
            put={f"a{turn.position}": attempts_text(attempts)},
            remove=[f"c{turn.position}", f"h{turn.position}"],
            values={":gen": number(turn.generation), ":holder": text(holder)},
        )

    async def settle(self, turn: Turn, outcome: Outcome, *, deliveries: int) -> Item | None:
        """Note how a delivery ended, unless that is known; return the item, None if it is gone.

        Args:
            turn: Which.
            outcome: How.
            deliveries: How many the event has; a single one settles it in one write.
        """
        position = turn.position
        put = {f"o{position}": outcome_text(outcome)}
        remove = [f"{letter}{position}" for letter in "chw"]
        if deliveries == 1:
            sendable = outcome.state in SENDABLE
            put |= {"st": text(outcome.state), "expires_at": self._expiry(outcome, sendable)}
            remove += ["gsi1pk", "gsi1sk", *([] if sendable else ["payload"])]
        item = await self._change(
            turn,
            condition=_unsettled(turn),
            put=put,
            remove=remove,
            values={":gen": number(turn.generation), ":minus": number(-1)},
            add="n_open :minus",
        )
        if item is None:
            item = await self.load(turn.service, turn.event_id, now_ms=outcome.at_ms)
        return None if item is None else await self.closed(item)

    async def closed(self, item: Item) -> Item:
        """Return an item, noted as settled as a whole if it is and nobody came to write that."""
        if int(item["n_open"]["N"]) > 0 or "gsi1pk" not in item:
            return item
        return await self.finish(item)

    async def finish(self, item: Item) -> Item:
        """Note that an event is settled as a whole: lists show it, and its time runs out."""
        event = event_of(item)
        last = max((o for o in event.outcomes if o is not None), key=lambda o: o.at_ms)
        changed = await self._change(
            Turn(event.service, event.id, generation_of(item), 0, event.names[0]),
            condition="gen = :gen AND n_open = :zero",
            put={"st": text(event.state), "expires_at": self._expiry(last, event.sendable)},
            remove=["gsi1pk", "gsi1sk", *([] if event.sendable else ["payload"])],
            values={":gen": number(generation_of(item)), ":zero": number(0)},
        )
        return changed or item

    async def want(self, turn: Turn, state: State) -> Item | None:
        """Note how a delivery ends if the attempt under way fails; None if none is under way."""
        return await self._change(
            turn,
            condition=f"{_unsettled(turn)} AND attribute_exists(c{turn.position})",
            put={f"w{turn.position}": text(state)},
            values={":gen": number(turn.generation)},
        )

    async def redeliver(self, event: KeptEvent, item: Item, *, look_ms: int) -> Item | None:
        """Open an event again wherever it was not published; None if somebody was faster.

        Args:
            event: As it is to be sent: due, expiry and outcomes are new.
            item: The item it was read from.
            look_ms: When somebody must look whether it was queued.
        """
        again = [p for p, outcome in enumerate(event.outcomes) if outcome is None]
        turn = Turn(event.service, event.id, generation_of(item), 0, event.names[0])
        shard = int(item["gsi2pk"]["S"].rpartition("#")[2])
        put = {
            "gen": number(turn.generation + 1),
            "n_open": number(len(again)),
            "st": text(OPEN),
            "due": number(event.due_ms),
            "flags": text(",".join(f for f in item["flags"]["S"].split(",") if f != "scheduled")),
            "gsi1pk": text(sweep_shard(shard)),
            "gsi1sk": look_at(look_ms, event.id),
        }
        if event.expires_ms is not None:
            put["expires"] = number(event.expires_ms)
        return await self._change(
            turn,
            condition="gen = :gen AND n_open = :zero AND attribute_exists(payload)",
            put=put,
            remove=["expires_at", "queued", "told", *[f"{a}{p}" for p in again for a in "oachw"]],
            values={":gen": number(turn.generation), ":zero": number(0)},
        )

    async def replace_latest(self, event: KeptEvent, name: str) -> tuple[str, str] | None:
        """Make an event the latest with its collapse key on a topic; return the one before."""
        answer = await self._try(
            "update_item",
            Key={"pk": text(f"collapse\n{name}\n{event.collapse_key}"), "sk": text("latest")},
            UpdateExpression="SET owner_service = :service, id = :id, expires_at = :expires",
            ExpressionAttributeValues={
                ":service": text(event.service),
                ":id": text(event.id),
                ":expires": number(event.due_ms / 1000 + self._keep.failed_s + 86_400),
            },
            ReturnValues="ALL_OLD",
        )
        before = answer.get("Attributes")
        if not before:
            return None
        return before["owner_service"]["S"], before["id"]["S"]

    # --- sweep --------------------------------------------------------------------------------

    async def to_look_at(self, shard: int, *, now_ms: int, limit: int) -> list[Item]:
        """Return the keys of events that somebody must look at, those first that wait longest."""
        answer = await self._try(
            "query",
            IndexName="gsi1",
            KeyConditionExpression="gsi1pk = :shard AND gsi1sk < :now",
            ExpressionAttributeValues={
                ":shard": text(sweep_shard(shard)),
                ":now": text(f"{now_ms:014d}"),
            },
            Limit=limit,
        )
        return list(answer["Items"])

    async def take_over(self, entry: Item, *, look_ms: int) -> Item | None:
        """Claim an entry of the sweep index, and read it; None if another gateway has it."""
        service, _, event_id = entry["pk"]["S"].partition("\n")
        return await self._change(
            Turn(service, event_id, 0, 0, ""),
            condition="gsi1sk = :seen",
            put={"gsi1sk": look_at(look_ms, event_id)},
            values={":seen": entry["gsi1sk"]},
        )

    async def list_page(
        self, shard: str, *, before: str | None, state: str | None, limit: int
    ) -> tuple[list[Item], str | None]:
        """Return index entries of one shard, newest first, and where the rest begins, or None."""
        values: Item = {":shard": text(shard)}
        condition = "gsi2pk = :shard"
        if before is not None:
            values[":before"] = text(before)
            condition += " AND gsi2sk < :before"
        more: dict[str, Any] = {}
        if state is not None:
            values[":st"] = text(state)
            more["FilterExpression"] = "st = :st"
        answer = await self._try(
            "query",
            IndexName="gsi2",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            Limit=limit,
            **more,
        )
        last = answer.get("LastEvaluatedKey")
        return list(answer["Items"]), last["gsi2sk"]["S"] if last else None

    # --- calls --------------------------------------------------------------------------------

    def _expiry(self, outcome: Outcome, sendable: bool) -> dict[str, str]:  # noqa: FBT001 - one fact
        kept_s = self._keep.failed_s if sendable else self._keep.settled_s
        # An id is unique for a day, whatever is kept of its event.
        return number(outcome.at_ms / 1000 + max(kept_s, 86_400.0))

    async def _change(
        self,
        turn: Turn,
        *,
        condition: str,
        values: Mapping[str, Any],
        put: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
        add: str = "",
    ) -> Item | None:
        given = dict(values)
        parts = []
        if put:
            parts.append("SET " + ", ".join(f"{name} = :s_{name}" for name in put))
            given |= {f":s_{name}": value for name, value in put.items()}
        if remove:
            parts.append("REMOVE " + ", ".join(remove))
        if add:
            parts.append(f"ADD {add}")
        try:
            answer = await self._try(
                "update_item",
                Key=key_of(turn.service, turn.event_id),
                UpdateExpression=" ".join(parts),
                # Without a key nothing exists to be changed, and an update must not make it.
                ConditionExpression=f"sk = :event AND {condition}",
                ExpressionAttributeValues={":event": text(EVENT), **given},
                ReturnValues="ALL_NEW",
            )
        except ClientError:
            return None
        found: Item = answer["Attributes"]
        return found

    async def _try(self, operation: str, **arguments: Any) -> Any:
        call = getattr(self._client, operation)
        return await persistently(
            lambda: call(TableName=self._name, **arguments), what=operation, within_s=WITHIN_S
        )


def _unsettled(turn: Turn) -> str:
    return f"gen = :gen AND attribute_not_exists(o{turn.position})"


def _held_by(turn: Turn) -> str:
    return f"{_unsettled(turn)} AND h{turn.position} = :holder"
