"""How log lines look: JSON for machines, one readable line for people.

Owns the two formatters and setting up logging once.
Does not: decide what is logged. Lines hold fixed phrases and facts in `extra=`; never payloads,
keys or signed URLs.
Source: style guide, "Logging: stdlib".
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Final, Literal, TextIO

from gateway.core.compact_json import compact_json

_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
}
"""Attributes every record has; whatever else stands on one came from `extra=`."""


_FEWEST: Final = len(logging.makeLogRecord({}).__dict__) - 1
"""Attributes that stand on a record before its facts; `taskName` is there since Python 3.12."""

GATHER_S: Final = 0.05
"""How long a line below WARNING may wait for others, seconds. Each write lets go of the
interpreter's lock, and under load getting it back costs more than all the rest of a request."""

MOST_GATHERED: Final = 500
"""Lines that wait at most."""


class GatheringHandler(logging.StreamHandler[TextIO]):
    """Write lines together while an event loop runs; from WARNING up at once, after those before.

    Only a process that is killed loses lines: those of its last moment, none of them a warning.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line for a moment, or write all that are kept."""
        try:
            self.keep(self.format(record))
            if record.levelno >= logging.WARNING:
                self.flush()
        except Exception:
            self.handleError(record)  # as logging does: a line that fails breaks nothing

    def keep(self, line: str) -> None:
        """Keep a line that is ready."""
        self._lines.append(line)
        if len(self._lines) >= MOST_GATHERED:
            self.flush()
        elif self._timer is None:
            try:
                self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._on_time)
            except RuntimeError:
                self.flush()  # this thread has no loop

    def flush(self) -> None:
        """Write what is kept; logging calls this at the end of the program, too."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            if lines:
                self.stream.write("\n".join([*lines, ""]))
            super().flush()
        finally:
            self.release()

    def _on_time(self) -> None:
        self._timer = None
        self.flush()


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = _facts(record)
        if record.exc_info:
            facts["exception"] = self.formatException(record.exc_info)
        level = record.levelname.lower()
        return json_line(record.created, level, record.name, record.getMessage(), facts)


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


def json_line(
    at_s: float, level: str, logger: str, message: str, facts: Mapping[str, object]
) -> str:
    """Return one line of JSON.

    Args:
        at_s: When, seconds since the epoch.
        level: How severe, lower case.
        logger: Who says it.
        message: The fixed phrase.
        facts: What belongs to it.
    """
    line = {
        "time": _moment(int(at_s * 1000)),
        "level": level,
        "logger": logger,
        "message": message,
        **facts,
    }
    return compact_json(line, str).decode()


def write_line(
    logger: logging.Logger, level: int, message: str, facts: Mapping[str, object]
) -> None:
    """Log as `logger.log(level, message, extra=facts)` does, but for a quarter of the price.

    For the one line of each request: where JSON lines are gathered and nobody else listens, there
    is no need for a record first.

    Args:
        logger: Who says it.
        level: How severe, below WARNING.
        message: The fixed phrase.
        facts: JSON-ready values.
    """
    if not logger.isEnabledFor(level):
        return
    match logging.root.handlers:
        case [GatheringHandler() as handler]:
            handler.keep(json_line(time.time(), _level(level), logger.name, message, facts))
        case _:
            logger.log(level, message, extra=facts)


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
    handler = logging.StreamHandler(stream) if pretty else GatheringHandler(stream)
    handler.setFormatter(PrettyFormatter() if pretty else JsonFormatter())
    # What no line shows need not be found out for each: logging's own how-to, "Optimization".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.basicConfig(level=log_level.upper(), handlers=[handler], force=True)
    # botocore logs requests with their headers at DEBUG, and those hold session tokens.
    for name in ("botocore", "aiobotocore", "aioboto3", "boto3"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    # `extra=` is put behind what every record has, so there is no need to look at all of it.
    behind = islice(record.__dict__.items(), _FEWEST, None)
    return {name: value for name, value in behind if name not in _STANDARD}


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


@lru_cache(maxsize=8)
def _level(number: int) -> str:
    return logging.getLevelName(number).lower()


@lru_cache(maxsize=2)
def _moment(milliseconds: int) -> str:
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
