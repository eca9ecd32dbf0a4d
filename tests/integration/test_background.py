"""localaws in a thread: started, called and stopped from a program without an event loop."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import boto3
import pytest

from localaws.background import BackgroundLocalAws
from localaws.errors import NotRunning
from localaws.settings import Settings


def test_it_serves_until_it_is_stopped() -> None:
    """Its thread and ports are gone afterwards; stopping twice does nothing."""
    before = threading.active_count()
    with BackgroundLocalAws() as running:
        sts = boto3.client("sts", **running.client_settings("sts"))
        assert sts.get_caller_identity()["Account"] == "123456789012"
        assert running.call(lambda: threading.current_thread().name) == "localaws"
    running.stop()
    assert threading.active_count() <= before + 2
    with pytest.raises(NotRunning):
        running.call(print)


def test_a_start_that_fails_leaves_no_thread(tmp_path: Path) -> None:
    """The error is the caller's to see."""
    before = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(
            iot_port=taken.getsockname()[1], aws_port=0, api_port=0, state_dir=tmp_path
        )
        with pytest.raises(OSError, match="in use"):
            BackgroundLocalAws(settings).start()
    assert threading.active_count() <= before


def test_errors_come_back() -> None:
    """What a call raises on the loop is raised here."""
    with BackgroundLocalAws() as running, pytest.raises(ZeroDivisionError):
        running.call(lambda: 1 // 0)
