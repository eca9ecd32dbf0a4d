"""Server-sent events cannot be broken by what they tell."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.server_sent import server_sent


@given(st.text())
def test_one_event_is_two_lines_and_a_blank(text: str) -> None:
    """Line breaks of any kind in a value stay inside the JSON."""
    sent = server_sent("accepted", {"data": text}).decode()
    name, data, *rest = sent.splitlines()
    assert (name, rest) == ("event: accepted", [""])
    assert json.loads(data.removeprefix("data: ")) == {"data": text}
