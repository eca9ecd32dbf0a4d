"""Reading what Lambda brings: enveloped, raw, and neither."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.sns_bridge.errors import UnexpectedEvent
from lambdas.sns_bridge.sqs_record import read_records
from tests.unit.lambdas.sns_bridge.records import FIFO, QUEUE, notification, record


def test_an_enveloped_message_is_unwrapped() -> None:
    """Message, id, time and attributes are SNS's."""
    (found,) = read_records({"Records": [record(notification("Hi!", to="group:a", n="1"))]})
    assert found.text == "Hi!"
    assert found.id == "sns-1"
    assert found.attributes == {"to": "group:a", "n": "1"}
    assert found.sent_at == datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
    assert (found.receipt, found.queue_arn, found.group) == ("r-1", QUEUE, None)


def test_a_raw_message_is_the_body() -> None:
    """With raw delivery, id, time and attributes are SQS's."""
    (found,) = read_records({"Records": [record("Hi!", queue=FIFO, group="g", to="group:a")]})
    assert found.text == "Hi!"
    assert found.id == "r-1"
    assert found.attributes == {"to": "group:a"}
    assert found.sent_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.group == "g"


@pytest.mark.parametrize(
    "body",
    ["{", "{}", '{"Type": "Notification"}', '{"Type": "Notification", "Message": 1}', "[1]", "  "],
)
def test_what_only_looks_like_an_envelope_is_raw(body: str) -> None:
    """Anything but SNS's own members is the sender's text."""
    (found,) = read_records({"Records": [record(body)]})
    assert found.text == body


def test_an_envelope_without_a_time_takes_the_queues() -> None:
    """A time that cannot be read is not worth losing a message for."""
    body = notification("x").replace("2026-02-03T04:05:06.789Z", "yesterday")
    (found,) = read_records({"Records": [record(body)]})
    assert found.sent_at == datetime(2026, 1, 1, tzinfo=UTC)


@given(text=st.text())
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    """Enveloped and raw alike."""
    read = read_records({"Records": [record(notification(text)), record(f"x{text}")]})
    assert [found.text for found in read] == [text, f"x{text}"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": None},
        {"Records": [{}]},
        {"Records": [1]},
        {"Records": [{**record("x"), "eventSource": "aws:sns"}]},
        {"Records": [{**record("x"), "attributes": {}}]},
        {"Records": [{**record("x"), "body": None}]},
    ],
)
def test_anything_else_is_refused_whole(event: dict[str, object]) -> None:
    """An event that is not SQS's is the stack's fault; SQS brings it again, the alarm tells."""
    with pytest.raises(UnexpectedEvent):
        read_records(event)
