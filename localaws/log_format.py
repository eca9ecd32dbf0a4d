"""How log lines look: the phrase, then the facts.

Owns the one formatter and setting it up. Does not decide what is logged: fixed phrases with facts in
`extra=`, never payloads, tokens, secrets or signed URLs.
"""

from __future__ import annotations

import logging
from typing import Final

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}
"""Attributes every record has; whatever else stands on one came from `extra=`."""

QUIET: Final = ("botocore", "werkzeug", "aiohttp.access", "localaws.picows")
"""Loggers whose lines below WARNING hold requests, and with them secrets, or only noise."""


class FactsFormatter(logging.Formatter):
    """Write a record as one line for a person, its facts as `name=value` at the end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the line without a traceback, which follows it."""
        facts = " ".join(
            f"{name}={value}"
            for name, value in record.__dict__.items()
            if name not in _STANDARD and value not in ("", None)
        )
        line = super().formatMessage(record)
        return f"{line}  {facts}" if facts else line


def set_up_logging(level: str) -> None:
    """Send all log lines of the process to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(FactsFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
