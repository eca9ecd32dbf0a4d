"""A message as SQS gives it out, and its groups."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.inbox.message import by_group, message_of
from tests.unit.gateway.inbox.messages import message


def test_what_sqs_says_is_read() -> None:
    """The sender is SQS's word; of the sender's own attributes only the trace is read."""
    found = message_of(
        {
            "MessageId": "m",
            "ReceiptHandle": "r",
            "Body": "b",
            "Attributes": {
                "SenderId": "AROAEXAMPLE:x",
                "MessageGroupId": "g",
                "ApproximateReceiveCount": "3",
                "SentTimestamp": "1700000000000",
            },
            "MessageAttributes": {
                "traceparent": {"DataType": "String", "StringValue": "00-1-2-01"},
                "tracestate": {"DataType": "Binary", "BinaryValue": b"x"},
                "SenderId": {"DataType": "String", "StringValue": "AIDASOMEBODYELSE"},
            },
        }
    )
    assert (found.id, found.receipt, found.body) == ("m", "r", "b")
    assert (found.sender, found.group, found.receives) == ("AROAEXAMPLE:x", "g", 3)
    assert found.sent_ms == 1_700_000_000_000
    assert found.attributes == {"traceparent": "00-1-2-01"}


def test_a_message_of_a_standard_queue_has_no_group() -> None:
    """And what SQS does not say is nobody and now."""
    found = message_of({"MessageId": "m", "ReceiptHandle": "r", "Body": "b"})
    assert (found.sender, found.group, found.receives, found.attributes) == ("", None, 1, {})


@given(st.lists(st.sampled_from(["a", "b", "c", None])))
def test_groups_keep_their_order(names: list[str | None]) -> None:
    """Each message is in one group's list, behind those before it; one without a group is alone."""
    messages = [message(id=str(n), group=name) for n, name in enumerate(names)]
    groups = by_group(messages)
    assert sorted(one.id for group in groups for one in group) == sorted(m.id for m in messages)
    for group in groups:
        assert len({one.group for one in group}) == 1
        assert [int(one.id) for one in group] == sorted(int(one.id) for one in group)
        assert group[0].group is not None or len(group) == 1
    named = [group[0].group for group in groups if group[0].group is not None]
    assert len(named) == len(set(named))
