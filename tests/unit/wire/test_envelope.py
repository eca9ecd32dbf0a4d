"""Envelopes are CloudEvents 1.0 and come back as they went."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.envelope import Envelope, format_time, parse_time
from wire.errors import InvalidEnvelope

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
texts = st.text(min_size=1, max_size=20)
moments = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


@given(texts, texts, texts, moments, json_values)
def test_round_trip(event_id: str, source: str, kind: str, moment: datetime, data: object) -> None:
    """What is encoded is decoded, whatever the data."""
    envelope = Envelope(
        id=event_id,
        source=source,
        type=kind,
        time=moment,
        data=data,
        extensions={"traceparent": "00-1"},
    )
    assert Envelope.decode(envelope.encode()) == envelope


def test_members() -> None:
    """The browser sees exactly these members, without blanks."""
    envelope = Envelope(
        id="1",
        source="/services/shop",
        type="t",
        time=datetime(2026, 1, 2, tzinfo=UTC),
        data={"a": 1},
    )
    assert json.loads(envelope.encode()) == {
        "specversion": "1.0",
        "id": "1",
        "source": "/services/shop",
        "type": "t",
        "time": "2026-01-02T00:00:00.000Z",
        "data": {"a": 1},
    }
    assert b" " not in envelope.encode()


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused(body: bytes) -> None:
    """Random bytes and random JSON raise only InvalidEnvelope."""
    with pytest.raises(InvalidEnvelope):
        Envelope.decode(body)


def test_times_have_zones() -> None:
    """Times are written in UTC, and a time without a zone is refused."""
    east = timezone(timedelta(hours=2))
    assert format_time(datetime(2026, 1, 2, 2, tzinfo=east)) == "2026-01-02T00:00:00.000Z"
    with pytest.raises(ValueError, match="zone"):
        parse_time("2026-01-02T00:00:00")
