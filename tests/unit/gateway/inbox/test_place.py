"""Where the inbox is."""

from __future__ import annotations

import pytest

from gateway.inbox.place import InboxPlace, read_inbox


@pytest.mark.parametrize(
    ("url", "endpoint", "region"),
    [
        (
            "https://sqs.eu-west-1.amazonaws.com/123456789012/inbox.fifo",
            "https://sqs.eu-west-1.amazonaws.com",
            "eu-west-1",
        ),
        (
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/inbox",
            "https://sqs.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
        ),
        ("http://127.0.0.1:4566/123456789012/in_box", "http://127.0.0.1:4566", None),
    ],
)
def test_a_queues_url_is_read(url: str, endpoint: str, region: str | None) -> None:
    """Its origin is where SQS is called; FIFO and standard queues both do."""
    assert read_inbox(url) == InboxPlace(url=url, endpoint=endpoint, region=region)


@pytest.mark.parametrize(
    "text",
    [
        "inbox",
        "arn:aws:sqs:eu-west-1:123456789012:inbox",
        "https://sqs.eu-west-1.amazonaws.com/inbox",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/a b",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/inbox?x=1",
        "https://user@sqs.eu-west-1.amazonaws.com/123456789012/inbox",
        "aws://https://sqs.eu-west-1.amazonaws.com/123456789012/inbox",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """Before the gateway starts."""
    with pytest.raises(ValueError, match="must"):
        read_inbox(text)
