"""One invocation: order, partial failures, and the end of its time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.sns_bridge.batch import Bridge
from lambdas.sns_bridge.errors import PublishFailed, UnexpectedEvent
from lambdas.sns_bridge.publication import Publication
from lambdas.sns_bridge.route import parse_routes
from lambdas.sns_bridge.settings import Settings
from tests.unit.lambdas.sns_bridge.records import FIFO, QUEUE, record

SETTINGS = Settings(
    namespace="prod",
    iot_endpoint="https://iot",
    region="eu-west-1",
    routes=parse_routes(
        f'{{"{QUEUE}": {{"to": "everyone", "raw": true, "sns": "news"}},'
        f' "{FIFO}": {{"to": "group:orders", "raw": true, "sns": "orders.fifo"}}}}'
    ),
    timeout_s=3,
)


@dataclass
class Iot:
    """IoT Core that refuses some payloads."""

    refused: frozenset[str] = frozenset()
    taken: list[str] = field(default_factory=list)

    def publish(self, publication: Publication) -> None:
        """Take a publish, or fail."""
        text = publication.payload.decode()
        if text in self.refused:
            raise PublishFailed("iot_unavailable", "ReadTimeoutError")
        self.taken.append(text)


@dataclass
class Context:
    """What Lambda tells of the time left, in milliseconds, at each question."""

    left: list[int]

    def get_remaining_time_in_millis(self) -> int:
        """Return the time left."""
        return self.left.pop(0)


def run(iot: Iot, records: Iterable[Mapping[str, Any]], context: object = None) -> list[str]:
    """Run one batch and return the receipts that SQS shall bring again."""
    answer = Bridge(SETTINGS, iot.publish)({"Records": list(records)}, context)
    failures = answer["batchItemFailures"]
    assert isinstance(failures, list)
    return [failure["itemIdentifier"] for failure in failures]


def test_a_batch_that_works_reports_nothing() -> None:
    """SQS deletes all of it."""
    iot = Iot()
    assert run(iot, [record(text, receipt=text) for text in "abc"]) == []
    assert iot.taken == ["a", "b", "c"]


def test_a_standard_queue_retries_single_messages() -> None:
    """One that fails holds no other one up, whatever group a sender names."""
    iot = Iot(frozenset("b"))
    records = [record(text, receipt=text, group="g") for text in "abc"]
    assert run(iot, records) == ["b"]
    assert iot.taken == ["a", "c"]


def test_a_fifo_queue_stops_a_group_at_its_first_failure() -> None:
    """Later messages of the group come again after it; other groups go on."""
    iot = Iot(frozenset({"a2"}))
    records = [
        record(text, receipt=text, queue=FIFO, group=text[0])
        for text in ("a1", "b1", "a2", "b2", "a3", "b3")
    ]
    assert run(iot, records) == ["a2", "a3"]
    assert iot.taken == ["a1", "b1", "b2", "b3"]


@given(
    groups=st.lists(st.sampled_from("abc"), max_size=10),
    refused=st.frozensets(st.integers(0, 9), max_size=10),
)
def test_order_within_a_group_survives_any_failures(
    groups: list[str], refused: frozenset[int]
) -> None:
    """What was published of a group is always the beginning of it; the rest is reported."""
    texts = [f"{group}{number}" for number, group in enumerate(groups)]
    iot = Iot(frozenset(text for text in texts if int(text[1:]) in refused))
    records = [record(text, receipt=text, queue=FIFO, group=text[0]) for text in texts]
    failed = run(iot, records)
    assert sorted(iot.taken + failed) == sorted(texts)
    for group in "abc":
        own = [text for text in texts if text[0] == group]
        taken = [text for text in iot.taken if text[0] == group]
        assert own[: len(taken)] == taken


def test_a_refused_message_is_reported_too() -> None:
    """It ends in the dead-letter queue, by way of SQS's count of receives."""
    iot = Iot()
    astray = record("x", receipt="x", to="group:secrets")
    assert run(iot, [astray, record("y", receipt="y")]) == ["x"]
    assert iot.taken == ["y"]


def test_an_echo_is_neither_published_nor_reported() -> None:
    """It is done with."""
    iot = Iot()
    assert run(iot, [record('{"iottopic": "prod/everyone"}')]) == []
    assert iot.taken == []


def test_what_there_is_no_time_for_is_reported_untried() -> None:
    """Better again than killed half-way: 2 tries of 1 + 3 s, and a second for the answer."""
    iot = Iot()
    records = [record(text, receipt=text) for text in "abc"]
    assert run(iot, records, Context([30_000, 9_000, 8_999])) == ["c"]
    assert iot.taken == ["a", "b"]


def test_a_queue_without_a_route_fails_the_batch() -> None:
    """The stack is wrong: nothing of the batch may be lost."""
    with pytest.raises(UnexpectedEvent, match="no_route"):
        run(Iot(), [record("x", queue="arn:aws:sqs:eu-west-1:123456789012:other")])


def test_logs_say_why_and_never_what(caplog: pytest.LogCaptureFixture) -> None:
    """One line for each failure, one for the batch, and no payload in any."""
    with caplog.at_level(logging.INFO):
        run(Iot(frozenset({"secret"})), [record("secret"), record("x", to="user:1")])
    reasons = [getattr(line, "reason", None) for line in caplog.records]
    assert reasons == ["iot_unavailable", "foreign_address", None]
    assert getattr(caplog.records[-1], "failed", 0) == 2
    assert not any("secret" in str(line.__dict__.get("detail")) for line in caplog.records)
