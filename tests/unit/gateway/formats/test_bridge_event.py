"""An event of EventBridge becomes one of ours: its id, its type, its detail, and nothing of the account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.core.event import Event
from gateway.errors import InvalidEvent
from gateway.formats.submission import Bounds, Reader

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
}
"""The example of the user guide, "Event structure"."""


def read(document: dict[str, Any], address: str | None = "group:ops") -> Event:
    """Read one event of the rule for a group."""
    bounds = Bounds(namespace="n", max_addresses=5, max_depth=8, max_events=4)
    submission = Reader(bounds, lambda: "made").read_by_shape(
        json.dumps(document).encode(), own_source="/services/ops", trace={}, address=address
    )
    (item,) = submission.items
    assert isinstance(item, Event)
    return item


def test_the_guides_example_is_read() -> None:
    """It goes to the rule's address; account, region and resources stay behind."""
    event = read(EVENT)
    assert [str(address) for address in event.to] == ["group:ops"]
    assert (event.id, event.id_given) == (EVENT["id"], True)
    assert event.type == "EC2_Instance_State-change_Notification"
    assert event.data == EVENT["detail"]
    assert event.extensions == {"source": "aws.ec2", "time": "2017-12-22T18:43:48.000Z"}


@pytest.mark.parametrize(
    ("to", "addresses"),
    [("user:42", ["user:42"]), (["user:42", "everyone"], ["user:42", "everyone"])],
)
def test_a_detail_says_where_it_goes(to: object, addresses: list[str]) -> None:
    """Before the rule does, and with no rule's address at all."""
    document = EVENT | {"detail": {"to": to, "n": 1}}
    for address in ("group:ops", None):
        event = read(document, address)
        assert [str(one) for one in event.to] == addresses
        assert event.data == {"to": to, "n": 1}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"detail-type": "ä"}, "/detail-type"),
        ({"detail-type": 1}, "/detail-type"),
        ({"id": "a b"}, "/id"),
        ({"source": ""}, "/source"),
        ({"source": "/services/other"}, "/source"),
        ({"time": "yesterday"}, "/time"),
        ({"detail": {"to": "nobody"}}, "/detail/to"),
        ({"detail": {"to": ["user:4 everyone"]}}, "/detail/to"),
        ({"detail": {"to": 1}}, "/detail/to"),
        ({"detail": {"to": []}}, "/detail/to"),
    ],
)
def test_problems_point_into_the_document(changes: dict[str, Any], pointer: str) -> None:
    """As its sender wrote it, not as it is read."""
    with pytest.raises(InvalidEvent) as caught:
        read(EVENT | changes)
    assert any(one.pointer.startswith(pointer) for one in caught.value.problems)


def test_without_an_address_it_goes_nowhere() -> None:
    """A queue without groups, a detail without `to`: refused, not guessed."""
    with pytest.raises(InvalidEvent, match="/detail/to: is required"):
        read(EVENT, None)
