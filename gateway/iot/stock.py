"""Publishing through the stock aioboto3 client: the reference path.

Owns turning a publication into the client's own call.
Does not: bound the time, renew credentials, or map errors (`gateway/iot/client.py` does).
Source: botocore's iot-data model, operation Publish.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.core.publication import Publication


class StockPath:
    """Publish with `client.publish`.

    Args:
        client: An aiobotocore `iot-data` client.
        timeout_s: Longest time for one publish, seconds.
    """

    name = "stock"

    def __init__(self, client: Any, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def publish(self, publication: Publication) -> None:
        """Publish once; raises what the client raises."""
        async with asyncio.timeout(self._timeout_s):
            await self._client.publish(**publish_arguments(publication))

    def close(self) -> None:
        """Do nothing: whoever opened the client closes it."""


def publish_arguments(publication: Publication) -> dict[str, object]:
    """Return the arguments of `client.publish` for a publication."""
    arguments: dict[str, object] = {
        "topic": publication.topic,
        "qos": publication.qos,
        "retain": publication.retain,
        "payload": publication.payload,
        "contentType": publication.content_type,
    }
    if publication.message_expiry_s is not None:
        arguments["messageExpiry"] = publication.message_expiry_s
    return arguments
