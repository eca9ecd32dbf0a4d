"""The one clock."""

import time
from datetime import UTC, datetime

from localaws.clock import Clock


def test_both_readings_agree() -> None:
    """Steady seconds are epoch seconds, and the wall shows the same."""
    clock = Clock()
    assert abs(clock.steady() - time.time()) < 1
    assert abs((clock.utc() - datetime.now(UTC)).total_seconds()) < 1


def test_it_never_goes_back() -> None:
    """Not even by a little."""
    clock = Clock()
    readings = [clock.steady() for _ in range(1000)]
    assert readings == sorted(readings)


def test_only_the_wall_can_be_wrong() -> None:
    """Durations are measured truly whatever the offset."""
    clock = Clock()
    before = clock.steady()
    clock.offset_s = -1_000
    assert clock.steady() - before < 1
    assert clock.steady() - clock.utc().timestamp() > 999
