"""Publishing with requests of our own: the fast path.

Owns writing a publish, sending it on a pooled connection, and raising what the stock client would
have raised for the same answer.
Does not: renew credentials or map errors to the gateway's (`gateway/iot/client.py` does).
Source: docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.awsrequest import HeadersDict
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError, create_parser

from gateway.iot.http_connection import BadAnswer, HttpConnection
from gateway.iot.http_pool import HttpPool

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from gateway.core.publication import Publication
    from gateway.core.publish_request import PublishRequests, SigningKeys
    from gateway.iot.credentials import Credentials
    from gateway.iot.http_connection import Answer

_IDLE_S: Final = 12.0
"""How long a connection without work is kept, seconds; as the stock client does, so that the far
end is never first to close. Source: aiobotocore, DEFAULT_KEEPALIVE_TIMEOUT."""


_NO_SHAPE: Final[Any] = None
"""An error's body has no shape of its own; botocore's annotations do not know that."""


class DirectPath:
    """Publish with requests of our own.

    Args:
        requests: Writes the requests.
        credentials: The keys to sign with.
        pool: Connections to the endpoint; its read timeout is at most `timeout_s`.
        timeout_s: Longest time for one publish, seconds.
    """

    name = "direct"

    def __init__(
        self,
        *,
        requests: PublishRequests,
        credentials: Credentials,
        pool: HttpPool,
        timeout_s: float,
    ) -> None:
        self._requests = requests
        self._credentials = credentials
        self._pool = pool
        self._timeout_s = timeout_s
        self._parser = create_parser("rest-json")
        self._invocations = invocation_ids()

    async def publish(self, publication: Publication) -> None:
        """Publish once; raises as the stock client does."""
        keys = self._credentials.keys
        try:
            if keys is not None and self._pool.ready:
                # Nothing to wait for but the answer, and the pool bounds that.
                answer = await self._pool.exchange(self._written(publication, keys))
            else:
                async with asyncio.timeout(self._timeout_s):
                    keys = keys or await self._credentials.signing_keys()
                    answer = await self._pool.exchange(self._written(publication, keys))
        except BadAnswer as error:
            raise ResponseParserError(str(error)) from error
        if answer.status >= 300:
            raise self._error(answer)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _written(self, publication: Publication, keys: SigningKeys) -> bytes:
        return self._requests.write(
            publication, keys, now_s=time.time(), invocation_id=next(self._invocations)
        )

    def _error(self, answer: Answer) -> Exception:
        response: dict[str, Any] = {
            "status_code": answer.status,
            "headers": HeadersDict(answer.headers),
            "body": answer.body,
            "context": {"operation_name": "Publish"},
        }
        try:
            parsed = self._parser.parse(response, _NO_SHAPE)
        except ResponseParserError as error:
            return error
        return ClientError(parsed, "Publish")


def open_pool(
    endpoint: str,
    *,
    tls: ssl.SSLContext,
    connections: int,
    connect_timeout_s: float,
    read_timeout_s: float,
) -> HttpPool:
    """Make a pool for an endpoint.

    Args:
        endpoint: URL with scheme and host.
        tls: How to check certificates.
        connections: Most connections.
        connect_timeout_s: Longest wait for a connection, seconds.
        read_timeout_s: Longest wait for an answer, seconds.
    """
    url = urlsplit(endpoint)
    secure = url.scheme == "https"
    loop = asyncio.get_running_loop()

    async def connect() -> HttpConnection:
        _, connection = await loop.create_connection(
            HttpConnection,
            url.hostname or "",
            url.port or (443 if secure else 80),
            ssl=tls if secure else None,
            server_hostname=url.hostname if secure else None,
        )
        return connection

    return HttpPool(
        connect=connect,
        connections=connections,
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=read_timeout_s,
        idle_s=_IDLE_S,
    )


def invocation_ids() -> Iterator[str]:
    """Yield UUIDs, random for each process and counted within it.

    They name requests for AWS's support and protect nothing; a random one each time would cost as
    much as a signature.
    """
    first = str(uuid.uuid4())
    start = first[:24]
    for number in count(int(first[24:], 16)):
        yield f"{start}{number & 0xFFFFFFFFFFFF:012x}"
