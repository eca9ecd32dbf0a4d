"""Log lines: one JSON object for machines, one readable line for people."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from gateway.logs import (
    GATHER_S,
    MOST_GATHERED,
    GatheringHandler,
    JsonFormatter,
    PrettyFormatter,
    set_up_logging,
    write_line,
)


def a_record(**facts: object) -> logging.LogRecord:
    """Return a record with facts, as `extra=` leaves it."""
    record = logging.makeLogRecord(
        {"name": "gateway.x", "levelname": "INFO", "msg": "request", "created": 0.5}
    )
    record.__dict__.update(facts)
    return record


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    flags = logging.logThreads, logging.logProcesses, logging.logMultiprocessing
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing = flags


def test_json_holds_all_facts_on_one_line() -> None:
    """The phrase, the facts, and values JSON does not know as text."""
    line = JsonFormatter().format(a_record(status=200, text="a\nb", odd={1}))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "1970-01-01T00:00:00.500Z",
        "level": "info",
        "logger": "gateway.x",
        "message": "request",
        "status": 200,
        "text": "a\nb",
        "odd": "{1}",
    }


def test_pretty_is_one_line_for_people() -> None:
    """Facts follow the phrase."""
    assert PrettyFormatter().format(a_record(status=200)) == "00:00:00 info    request  status=200"
    assert PrettyFormatter().format(a_record()) == "00:00:00 info    request"


@pytest.mark.parametrize("formatter", [JsonFormatter(), PrettyFormatter()])
def test_both_show_an_exception(formatter: logging.Formatter) -> None:
    """A bug of ours is logged with where it happened."""
    try:
        raise ValueError("wrong")
    except ValueError:
        line = formatter.format(a_record(exc_info=sys.exc_info()))
    assert "ValueError: wrong" in line


@pytest.mark.usefixtures("_logging_restored")
@pytest.mark.parametrize(("log_format", "start"), [("auto", "{"), ("json", "{"), ("pretty", "0")])
def test_sets_up_one_stream(log_format: str, start: str) -> None:
    """What is no terminal gets JSON; levels below the told one are not written."""
    stream = io.StringIO()
    set_up_logging(log_format=log_format, log_level="warning", stream=stream)  # type: ignore[arg-type]
    logging.getLogger("gateway.x").info("quiet")
    logging.getLogger("gateway.x").warning("loud")
    assert "loud" in stream.getvalue()
    assert "quiet" not in stream.getvalue()
    assert stream.getvalue()[0] == start or log_format == "pretty"


@pytest.mark.usefixtures("_logging_restored")
def test_the_aws_client_does_not_log_requests() -> None:
    """At DEBUG it would write session tokens."""
    set_up_logging(log_format="json", log_level="debug", stream=io.StringIO())
    assert not logging.getLogger("botocore.endpoint").isEnabledFor(logging.DEBUG)


class CountingStream(io.StringIO):
    """A stream that counts how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        """Keep the text."""
        self.writes += 1
        return super().write(text)


def emit(handler: logging.Handler, text: str, level: int = logging.INFO) -> None:
    """Log one line."""
    handler.emit(logging.makeLogRecord({"msg": text, "levelno": level}))


async def test_lines_are_written_together() -> None:
    """Lines of one moment are one write, in their order; each has its own end."""
    stream = CountingStream()
    handler = GatheringHandler(stream)
    emit(handler, "first")
    emit(handler, "second")
    assert stream.writes == 0
    await asyncio.sleep(2 * GATHER_S)
    assert (stream.getvalue(), stream.writes) == ("first\nsecond\n", 1)


async def test_a_warning_waits_for_nothing() -> None:
    """What an operator must see is written at once, behind what came before it."""
    stream = CountingStream()
    handler = GatheringHandler(stream)
    emit(handler, "before")
    emit(handler, "trouble", logging.WARNING)
    assert stream.getvalue() == "before\ntrouble\n"


async def test_gathered_lines_are_bounded() -> None:
    """A busy loop that does not get round to its timers fills no memory with lines."""
    stream = CountingStream()
    handler = GatheringHandler(stream)
    for number in range(3 * MOST_GATHERED):
        emit(handler, str(number))
    assert stream.writes == 3


def test_without_a_loop_lines_are_written_at_once() -> None:
    """The outbox's thread and the command line have no loop."""
    stream = CountingStream()
    handler = GatheringHandler(stream)
    emit(handler, "one")
    assert stream.getvalue() == "one\n"


def test_a_broken_line_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that cannot be formatted is reported by logging itself, and the next is written."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    stream = CountingStream()
    handler = GatheringHandler(stream)
    handler.emit(logging.makeLogRecord({"msg": "%d", "args": ("x",), "levelno": logging.INFO}))
    emit(handler, "next")
    assert stream.getvalue() == "next\n"


@pytest.mark.usefixtures("_logging_restored")
@pytest.mark.parametrize("listens", [False, True])
async def test_a_written_line_is_a_logged_one(listens: bool) -> None:  # noqa: FBT001
    """Whether it takes the short way or somebody else listens: the same line, but its time."""
    stream = io.StringIO()
    set_up_logging(log_format="json", log_level="info", stream=stream)
    if listens:
        logging.root.addHandler(logging.NullHandler())
    logger = logging.getLogger("gateway.x")
    write_line(logger, logging.INFO, "request", {"status": 200, "remote": None})
    logger.info("request", extra={"status": 200, "remote": None})
    write_line(logger, logging.DEBUG, "request", {"status": 404})
    logging.root.handlers[0].flush()
    written, logged = map(json.loads, stream.getvalue().splitlines())
    assert list(written) == list(logged)
    assert {**written, "time": 0} == {**logged, "time": 0}
