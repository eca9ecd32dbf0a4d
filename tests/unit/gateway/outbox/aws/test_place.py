"""Where a shared outbox is: what GATEWAY_OUTBOX may say."""

from __future__ import annotations

import pytest

from gateway.outbox.aws.place import read_place


def test_reads_what_the_pulumi_program_writes() -> None:
    """Queue, table, region and endpoint."""
    place = read_place("aws://https://sqs.eu-west-1.amazonaws.com/123456789012/q.fifo?table=t-1")
    assert place.queue_url == "https://sqs.eu-west-1.amazonaws.com/123456789012/q.fifo"
    assert (place.table, place.region) == ("t-1", "eu-west-1")
    assert place.endpoint == "https://sqs.eu-west-1.amazonaws.com"


def test_reads_a_local_endpoint() -> None:
    """Which names no region."""
    place = read_place("aws://http://127.0.0.1:4566/123456789012/q.fifo?table=outbox")
    assert (place.endpoint, place.region) == ("http://127.0.0.1:4566", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aws://q.fifo?table=ttt", "with its https://"),
        ("aws://https://sqs.eu-west-1.amazonaws.com/1/q?table=ttt", "FIFO"),
        ("aws://https://sqs.eu-west-1.amazonaws.com/1/q.fifo", "table"),
        ("aws://https://sqs.eu-west-1.amazonaws.com/1/q.fifo?table=", "table"),
        ("aws://https://sqs.eu-west-1.amazonaws.com/1/q.fifo?table=ttt&x=1", "table"),
    ],
)
def test_says_what_is_wrong(text: str, said: str) -> None:
    """In the words of the setting."""
    with pytest.raises(ValueError, match=said):
        read_place(text)
