# ruff: noqa: N803 - the arguments are named as AWS names them
"""Simulated DynamoDB: the calls that `gateway/outbox/aws/table.py` makes.

Owns turning arguments into what the table does, that into answers, and naming updates for their
purpose. Does not: decide what goes wrong (`network.py`) or what things mean
(`simulated_table.py`).
Source: DynamoDB API.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from botocore.exceptions import ClientError

from tests.unit.gateway.outbox.aws.network import Mortal, Network, aws_error
from tests.unit.gateway.outbox.aws.simulated_table import ConditionFailed, SimulatedTable


class DynamoClient:
    """One gateway's `dynamodb` client."""

    def __init__(self, caller: Mortal, network: Network, table: SimulatedTable) -> None:
        self._caller = caller
        self._network = network
        self._table = table

    async def put_item(self, *, Item: Any, **more: Any) -> Any:
        """Write an item whole."""
        return await self._call("put_item", lambda _: self._put(Item, more))

    async def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> Any:
        """Write up to 25 items whole."""
        ((name, requests),) = RequestItems.items()

        def effect(partial: bool) -> Any:  # noqa: FBT001 - one fact
            left = requests[:1] if partial else []
            for request in requests[len(left) :]:
                self._put(request["PutRequest"]["Item"], {})
            return {"UnprocessedItems": {name: left} if left else {}}

        return await self._call("batch_write_item", effect)

    async def get_item(self, *, Key: Any, ConsistentRead: bool, **_: Any) -> Any:
        """Read an item as it is now."""
        assert ConsistentRead

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            found = self._table.get(Key)
            return {} if found is None else {"Item": dict(found)}

        return await self._call("get_item", effect)

    async def update_item(
        self, *, Key: Any, UpdateExpression: str, ReturnValues: str, **more: Any
    ) -> Any:
        """Change an item."""

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            condition, values = _said(more)
            now = asyncio.get_running_loop().time()
            try:
                before, after = self._table.update(
                    Key, UpdateExpression, condition, values, now=now
                )
            except ConditionFailed:
                raise _refused() from None
            said = before if ReturnValues == "ALL_OLD" else after
            return {} if said is None else {"Attributes": dict(said)}

        return await self._call(_purpose(UpdateExpression), effect)

    async def delete_item(self, *, Key: Any, **more: Any) -> Any:
        """Drop an item."""

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            try:
                self._table.delete(Key, *_said(more), now=asyncio.get_running_loop().time())
            except ConditionFailed:
                raise _refused() from None
            return {}

        return await self._call("delete_item", effect)

    async def query(
        self, *, IndexName: str, KeyConditionExpression: str, Limit: int, **more: Any
    ) -> Any:
        """Read a page of an index."""
        loop = asyncio.get_running_loop()
        values = more["ExpressionAttributeValues"]

        def effect(_: bool) -> Any:  # noqa: FBT001 - one fact
            found, last = self._table.query(
                IndexName,
                KeyConditionExpression,
                values,
                limit=Limit,
                forward=more.get("ScanIndexForward", True),
                keep=more.get("FilterExpression"),
                now=loop.time(),
            )
            return {"Items": found} | ({} if last is None else {"LastEvaluatedKey": last})

        # Nearly all find nothing; such a one takes no time, and nothing goes wrong with it.
        answer = effect(False)  # noqa: FBT003 - nothing is left out
        if not answer["Items"] and self._caller.alive and not self._away():
            return answer
        return await self._call("query", effect)

    def _away(self) -> bool:
        return self._network.plan.away(
            "dynamodb", asyncio.get_running_loop().time(), self._caller.place
        )

    def _put(self, item: Any, more: Any) -> Any:
        try:
            self._table.put(item, *_said(more), now=asyncio.get_running_loop().time())
        except ConditionFailed:
            raise _refused() from None
        return {}

    async def _call(self, operation: str, effect: Any) -> Any:
        return await self._network.call(
            self._caller, operation, effect, service="dynamodb", limit_s=5.0, error=aws_error
        )


_PURPOSES = {
    "gen": "redeliver",
    "queued": "mark",
    "o": "settle",
    "c": "claim",
    "w": "want",
    "a": "put_off",
    "told": "tell",
    "st": "close",
    "gsi1sk": "take_over",
    "owner_service": "replace",
}
"""What an update is for, by an attribute that it sets; the first that is found."""


def _purpose(update: str) -> str:
    said = update.partition("REMOVE")[0]
    # Of delivery 2, `o2` is the outcome; `gsi1sk` has its number inside.
    names = {name.rstrip("0123456789") for name in re.findall(r"(\w+) =", said)}
    return next((purpose for name, purpose in _PURPOSES.items() if name in names), "release")


def _said(more: Any) -> tuple[str | None, Any]:
    return more.get("ConditionExpression"), more.get("ExpressionAttributeValues", {})


def _refused() -> ClientError:
    said = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "simulated"}}
    return ClientError(said, "simulated")  # type: ignore[arg-type]
