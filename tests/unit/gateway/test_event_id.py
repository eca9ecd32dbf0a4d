"""Ids of events that bring none."""

from __future__ import annotations

import uuid

from gateway.event_id import new_event_id


def test_is_a_uuid_of_version_7() -> None:
    """Everybody's tools read it."""
    parsed = uuid.UUID(new_event_id())
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_never_repeats() -> None:
    """Also many in one millisecond differ."""
    assert len({new_event_id() for _ in range(1_000)}) == 1_000
