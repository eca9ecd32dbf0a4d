"""Log lines: the phrase, then the facts."""

import logging

from localaws.log_format import FactsFormatter


def line_of(**extra: object) -> str:
    """Format one record without its time."""
    record = logging.makeLogRecord({"msg": "client connected", "levelname": "INFO"} | extra)
    return FactsFormatter().format(record).partition(" ")[2]


def test_facts_follow_the_phrase() -> None:
    """What was given as extra is seen; what is empty is not."""
    assert line_of(client="local.42.a", why="", n=0) == (
        "INFO    client connected  client=local.42.a n=0"
    )


def test_a_line_without_facts_is_the_phrase() -> None:
    """Nothing is appended where there is nothing."""
    assert line_of() == "INFO    client connected"
