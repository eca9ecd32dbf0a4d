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

    async def deliver(self, publication: Publication, *, within_s: int) -> None:
        """Send once to the one client that is addressed; return when that client has it.

        It needs no subscription, and sees none of retaining, quality of service or expiry.

        Args:
            publication: Its address is a client's.
            within_s: How long the client may take, 1 to 15 seconds.

        Raises:
            ClientNotConnected: There is no such client now; it was not sent.
            NotConfirmed: The client did not confirm it in time; it may have it.
            PublishFailed: It was not taken, or nobody knows; the class says whether to try again.
        """

    async def check(self) -> None:
        """Look whether a publish could be sent now: credentials there, endpoint reachable.

        Raises:
            PublishFailed: It could not.
        """
