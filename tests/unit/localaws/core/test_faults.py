"""Whether a fault strikes, and the reading of faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest

from localaws.core.faults import (
    AT_ONCE,
    MAX_FAULTS,
    NO_FAULT,
    Fault,
    FaultKind,
    FaultRefused,
    Faults,
    read_fault,
)


def dice(text: str) -> Callable[[], float]:
    """Return dice that fall the same way for the same text."""
    return random.Random(text).random  # noqa: S311 (dice, not keys)


def always(_text: str) -> Callable[[], float]:
    """Return dice that always fall on 0."""
    numbers: Iterator[float] = repeat(0.0)
    return numbers.__next__


def in_force(*documents: dict[str, Any], seed: int = 1) -> Faults:
    """Return faults read from documents."""
    faults = Faults(seed, dice)
    for document in documents:
        faults.add(read_fault(document))
    return faults


def test_nothing_goes_wrong_by_itself() -> None:
    """Without faults, no dice are thrown at all."""
    faults = in_force()
    assert faults.http("Publish") is NO_FAULT
    assert not faults.loses_puback("to", "c")
    assert faults.strikes(FaultKind.DUPLICATE_LIFECYCLE, "c") is None


def test_next_counts_down() -> None:
    """So many strikes, then no more."""
    faults = in_force({"fault": "throttle", "next": 2})
    found = [faults.http("Publish").refusal is not None for _ in range(4)]
    assert found == [True, True, False, False]
    assert faults.listing() == [{"fault": "throttle", "left": 0, "struck": 2}]


def test_rates_come_from_the_seed() -> None:
    """The same seed strikes the same requests; about as often as the rate says."""

    def run(seed: int) -> list[bool]:
        faults = in_force({"fault": "throttle", "rate": 0.3}, seed=seed)
        return [faults.http("Publish").refusal is not None for _ in range(1000)]

    assert run(1) == run(1) != run(2)
    assert 200 < sum(run(1)) < 400


def test_faults_do_not_disturb_each_other() -> None:
    """Each has its own dice, so one more fault changes nothing for the others."""
    alone = in_force({"fault": "drop_puback", "rate": 0.5})
    beside = in_force({"fault": "drop_puback", "rate": 0.5}, {"fault": "throttle", "rate": 0.5})
    for _ in range(50):
        beside.http("Publish")
        assert alone.loses_puback("to", "c") == beside.loses_puback("to", "c")


def test_clearing_begins_again() -> None:
    """With the same seed or a new one."""
    faults = in_force({"fault": "throttle", "rate": 0.5})
    first = [faults.http("Publish").refusal for _ in range(20)]
    faults.clear()
    assert faults.listing() == []
    faults.add(Fault(kind=FaultKind.THROTTLE, rate=0.5))
    assert [faults.http("Publish").refusal for _ in range(20)] == first
    faults.clear(9)
    assert faults.seed == 9


def test_latencies_add_up_and_errors_exclude_each_other() -> None:
    """One request gets one answer, however late."""
    faults = Faults(1, always)
    for fault in (
        Fault(kind=FaultKind.LATENCY, seconds=0.5),
        Fault(kind=FaultKind.LATENCY, seconds=0.25, operation="Publish"),
        Fault(kind=FaultKind.LATENCY, seconds=9, operation="GetConnection"),
        Fault(kind=FaultKind.ERROR, status=503, performed=True, next=1),
        Fault(kind=FaultKind.THROTTLE),
    ):
        faults.add(fault)
    first, second = faults.http("Publish"), faults.http("Publish")
    assert first.delay_s == second.delay_s == 0.75
    assert first.refusal is not None
    assert second.refusal is not None
    assert (first.refusal.code, first.performed) == ("ServiceUnavailableException", True)
    assert (second.refusal.code, second.performed) == ("ThrottlingException", False)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "InternalFailureException"),
        (502, "InternalFailureException"),
        (503, "ServiceUnavailableException"),
        (504, "GatewayTimeoutException"),
    ],
)
def test_errors_have_the_codes_sdks_know(status: int, code: str) -> None:
    """By status."""
    refusal = in_force({"fault": "error", "status": status}).http("Publish").refusal
    assert refusal is not None
    assert (refusal.status, refusal.code) == (status, code)


@pytest.mark.parametrize(
    ("direction", "to", "from_"), [("to", True, False), ("from", False, True), ("both", True, True)]
)
def test_pubacks_are_lost_one_way_or_both(direction: str, *, to: bool, from_: bool) -> None:
    """And only those of the client that was named."""
    faults = in_force({"fault": "drop_puback", "direction": direction, "client_id": "c"})
    assert faults.loses_puback("to", "c") is to
    assert faults.loses_puback("from", "c") is from_
    assert not faults.loses_puback("to", "d")


def test_lifecycle_faults_are_for_a_client_or_all() -> None:
    """The fault that strikes is told, since it says for how long."""
    faults = in_force({"fault": "reorder_lifecycle", "client_id": "c", "seconds": 3})
    struck = faults.strikes(FaultKind.REORDER_LIFECYCLE, "c")
    assert struck is not None
    assert struck.seconds == 3
    assert faults.strikes(FaultKind.REORDER_LIFECYCLE, "d") is None
    assert faults.strikes(FaultKind.DUPLICATE_LIFECYCLE, "c") is None


def test_there_is_an_end_to_faults() -> None:
    """A loop that orders them cannot fill the memory."""
    faults = in_force(*[{"fault": "throttle"}] * MAX_FAULTS)
    with pytest.raises(FaultRefused):
        faults.add(Fault(kind=FaultKind.THROTTLE))


def test_every_member_is_read() -> None:
    """Under its own name; null counts as absent."""
    document = {
        "fault": "error",
        "rate": 0.5,
        "next": 3,
        "operation": "Publish",
        "client_id": None,
        "status": 504,
        "performed": True,
    }
    assert read_fault(document) == Fault(
        kind=FaultKind.ERROR, rate=0.5, next=3, operation="Publish", status=504, performed=True
    )
    assert read_fault({"fault": "clock_offset", "seconds": -400}).seconds == -400
    assert FaultKind.CLOCK_OFFSET in AT_ONCE


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "must be an object"),
        ({}, "fault must be one of"),
        ({"fault": 1}, "fault must be one of"),
        ({"fault": []}, "fault must be one of"),
        ({"fault": "throttle", "rat": 1}, "rat is not a member"),
        ({"fault": "throttle", "rate": 0}, "rate must be"),
        ({"fault": "throttle", "rate": True}, "rate must be"),
        ({"fault": "throttle", "next": 0}, "next must be"),
        ({"fault": "throttle", "next": 1.5}, "next must be"),
        ({"fault": "throttle", "operation": ""}, "operation must be"),
        ({"fault": "latency", "seconds": "1"}, "seconds must be"),
        ({"fault": "latency", "seconds": -1}, "between 0 and 60"),
        ({"fault": "error", "status": 404}, "status must be"),
        ({"fault": "error", "performed": 1}, "performed must be"),
        ({"fault": "drop_puback", "direction": "up"}, "direction must be"),
        ({"fault": "drop_puback", "direction": []}, "direction must be"),
    ],
)
def test_what_makes_no_sense_is_refused(document: object, words: str) -> None:
    """With the name of the member."""
    with pytest.raises(FaultRefused, match=words):
        read_fault(document)
