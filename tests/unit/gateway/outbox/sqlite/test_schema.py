"""Ids become keys, and rows become events again."""

from __future__ import annotations

import pytest

from gateway.core.report import State
from gateway.outbox.sqlite.schema import CODES, STATES, event_of, id_key, options_of
from gateway.outbox.sqlite.trouble import Damaged
from tests.unit.gateway.outboxes import kept

UUID = "01a2092a-e32e-7336-82cb-dd6b1f5bfd5b"
ROW = (7, "shop", "i", 1, 2, None, 11, "k", "user:1\neveryone", None)


def test_ids_of_services_never_meet() -> None:
    """Neither the same id of another service, nor parts that add up to the same text."""
    ids = [("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"), ("a", UUID), ("b", UUID)]
    assert len({id_key(service, event_id) for service, event_id in ids}) == len(ids)


def test_keys_of_a_time_ordered_id_begin_with_its_time() -> None:
    """So that they are written side by side."""
    assert id_key("a", UUID).startswith(bytes.fromhex("01a2092ae32e"))
    assert len(id_key("a", UUID.upper())) == 16


def test_every_settled_state_has_a_code() -> None:
    """And comes back from it."""
    assert {state for state in State if state.settled} == set(CODES)
    assert all(STATES[CODES[state]] is state for state in CODES)


def test_flags_come_back() -> None:
    """Quality of service, retain, receipt and schedule in one number."""
    event = event_of(ROW)
    assert (event.qos, event.retain, event.receipt, event.scheduled) == (1, True, False, True)
    assert options_of(event) == 11
    assert event.names == ("user:1", "everyone")
    assert options_of(kept()) == 1


def test_a_row_that_makes_no_sense_is_damage() -> None:
    """Not an event with other outcomes."""
    with pytest.raises(Damaged):
        event_of((*ROW[:-1], "[1]"))
