"""The target of all tests here, and the clients."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop

from localaws.embedded import LocalAws
from tests.clients.node import install
from tests.clients.program import KINDS, Kind, Program
from tests.clients.target import SWITCH, Aws, Localaws, Target
from tests.clients.tls_front import HOST, TlsFront

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests time: for the packages at first, and on AWS for credentials to expire."""
    seconds = 1_200 if SWITCH in os.environ else 180
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(seconds))


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """localaws, or AWS where the environment says so."""
    if SWITCH in os.environ:
        yield Aws.from_text(os.environ[SWITCH])
    else:
        yield from _localaws(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, target: Target) -> Iterator[Program]:
    """One client after the other, each a program that all tests of a module use."""
    kind: Kind = request.param
    install()
    with Program(kind, target) as program:
        yield program


def _localaws(folder: Path) -> Iterator[Target]:
    """Run localaws in a thread of its own: the tests wait for other programs."""
    started: queue.Queue[Target | BaseException] = queue.Queue()
    over = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with LocalAws() as aws:
            front = TlsFront(folder, port=int(aws.endpoints.iot_url.rpartition(":")[2]))
            await front.start()
            tls_endpoint = f"wss://{HOST}:{front.port}/mqtt"
            started.put(Localaws(aws, tls_endpoint=tls_endpoint, ca_file=str(front.ca_file)))
            await over.wait()
            await front.stop()

    def thread_main() -> None:
        try:
            uvloop.run(run())
        except BaseException as error:  # handed to the test session, which raises it
            started.put(error)
            raise

    thread = threading.Thread(target=thread_main, name="localaws")
    thread.start()
    first = started.get(timeout=30)
    if isinstance(first, BaseException):
        raise first
    try:
        yield first
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(30)
        assert not thread.is_alive()
