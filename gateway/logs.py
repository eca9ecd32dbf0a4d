"""How log lines look: JSON for machines, one readable line for people.

Owns the two formatters and setting up logging once.
Does not: decide what is logged. Lines hold fixed phrases and facts in `extra=`; never payloads,
keys or signed URLs.
Source: style guide, "Logging: stdlib".
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
}
"""Attributes every record has; whatever else stands on one came from `extra=`."""


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class PrettyFormatter(logging.Formatter):
    """Write a record for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        head = f"{_time(record):%H:%M:%S} {record.levelname.lower():<7} {record.getMessage()}"
        line = f"{head}  {facts}" if facts else head
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def set_up_logging(
    *, log_format: Literal["auto", "json", "pretty"], log_level: str, stream: TextIO = sys.stderr
) -> None:
    """Send all log lines of the process to one stream.

    Args:
        log_format: `auto` is pretty on a terminal and JSON otherwise.
        log_level: Least severe lines that are written, e.g. ``info``.
        stream: Where they go.
    """
    pretty = log_format == "pretty" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrettyFormatter() if pretty else JsonFormatter())
    logging.basicConfig(level=log_level.upper(), handlers=[handler], force=True)
    # botocore logs requests with their headers at DEBUG, and those hold session tokens.
    for name in ("botocore", "aiobotocore", "aioboto3", "boto3"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
