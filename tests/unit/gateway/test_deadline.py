"""A stop has one budget, and its parts fit into it."""

from __future__ import annotations

import time

import pytest

from gateway.deadline import REQUESTS, WAITS, Deadline


def test_runs_from_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it has begun all of it is left; behind its end nothing."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    deadline = Deadline(20.0)
    now = 110.0
    assert deadline.left_s() == 20.0
    deadline.begin()
    now = 115.0
    assert deadline.left_s() == 15.0
    now = 200.0
    assert deadline.left_s() == 0.0


def test_its_parts_fit() -> None:
    """The server may take its part twice; waits end before anything is disturbed."""
    assert WAITS < REQUESTS
    assert 2 * REQUESTS < 1
