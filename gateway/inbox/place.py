"""Where the inbox is: the URL of a queue.

Owns reading it. Does not: look whether it exists.
Source: SQS developer guide, "Queue and message identifiers".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_PATH: Final = re.compile(r"/\d{12}/[A-Za-z0-9_-]{1,80}(\.fifo)?")
_SQS_HOST: Final = re.compile(r"sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPlace:
    """Where the inbox is.

    Attributes:
        url: URL of the queue.
        endpoint: Its origin, which is where SQS is called.
        region: Region that its host names, or None.
    """

    url: str
    endpoint: str
    region: str | None


def read_inbox(text: str) -> InboxPlace:
    """Read the URL of a queue.

    Raises:
        ValueError: It is none; the text says what it must be.
    """
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username:
        raise ValueError("must be the URL of an SQS queue, with its https://")
    if not _PATH.fullmatch(url.path) or url.query or url.fragment:
        raise ValueError("must end with /<account>/<name of the queue>")
    host = _SQS_HOST.fullmatch(url.hostname)
    return InboxPlace(
        url=text,
        endpoint=f"{url.scheme}://{url.netloc}",
        region=host["region"] if host else None,
    )
