"""Where a shared outbox is: a queue and a table.

Owns reading `aws://<queue-url>?table=<name>`. Does not: look whether they exist.
Source: docs/decisions/0011-shared-outbox.md; SQS and DynamoDB naming rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

SCHEME: Final = "aws://"

_TABLE: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_SQS_HOST: Final = re.compile(r"sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPlace:
    """Where a shared outbox is.

    Attributes:
        queue_url: URL of the FIFO queue; its origin is where SQS is called.
        table: Name of the table.
        region: Region that the queue's host names, or None.
    """

    queue_url: str
    table: str
    region: str | None

    @property
    def endpoint(self) -> str:
        """Scheme, host and port of the queue's URL."""
        url = urlsplit(self.queue_url)
        return f"{url.scheme}://{url.netloc}"


def read_place(text: str) -> SharedPlace:
    """Read a place.

    Raises:
        ValueError: It is none; the text says what it must be.
    """
    url = urlsplit(text.removeprefix(SCHEME))
    query = parse_qsl(url.query, keep_blank_values=True)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.fragment:
        raise ValueError(f"must be {SCHEME}<queue-url>?table=<name>, the URL with its https://")
    if not url.path.endswith(".fifo"):
        raise ValueError("must name a FIFO queue, whose URL ends with .fifo")
    if [name for name, _ in query] != ["table"] or not _TABLE.fullmatch(query[0][1]):
        raise ValueError("must end with ?table=<name of a DynamoDB table>")
    host = _SQS_HOST.fullmatch(url.hostname)
    return SharedPlace(
        queue_url=f"{url.scheme}://{url.netloc}{url.path}",
        table=query[0][1],
        region=host["region"] if host else None,
    )
