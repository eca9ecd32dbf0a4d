"""The publishing seam: what the gateway asks of a way to IoT Core.

Owns the contract. Does not publish: `gateway/iot` does.
Source: docs/design.md, "The gateway reaches AWS in one place".
"""

from __future__ import annotations

from typing import Protocol

from gateway.core.publication import Publication


class Publisher(Protocol):
    """A way to IoT Core."""

    async def publish(self, publication: Publication) -> None:
        """Publish once, within the configured time; return when IoT Core has taken it.

        Retrying, pacing and bounding are the caller's.

        Raises:
            PublishFailed: It was not taken, or nobody knows; the class says whether to try again.
        """

    async def check(self) -> None:
        """Look whether a publish could be sent now: credentials there, endpoint reachable.

        Raises:
            PublishFailed: It could not.
        """
