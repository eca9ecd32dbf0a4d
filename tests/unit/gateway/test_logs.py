"""Log lines: one JSON object for machines, one readable line for people."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from gateway.logs import JsonFormatter, PrettyFormatter, set_up_logging


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
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


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
