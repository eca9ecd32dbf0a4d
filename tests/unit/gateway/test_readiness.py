"""Readiness follows what probes and publishes see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.core.publication import Publication
from gateway.errors import (
    ClientNotConnected,
    NotConfirmed,
    PublishDenied,
    PublishFailed,
    PublishTimedOut,
    PublishUnavailable,
)
from gateway.readiness import Readiness, WatchedPublisher
from tests.unit.gateway.publishers import RecordingPublisher, let_others_run
from wire.address import Address

ADDRESS = Address.parse("user:1")
PUBLICATION = Publication(
    address=ADDRESS,
    topic=ADDRESS.topic("n"),
    payload=b"{}",
    content_type="application/json",
    qos=1,
    retain=False,
    message_expiry_s=None,
)


@asynccontextmanager
async def probing(readiness: Readiness, publisher: RecordingPublisher) -> AsyncIterator[None]:
    """Run the prober; it has looked once."""
    task = asyncio.create_task(readiness.probe_forever(publisher))
    await let_others_run()
    assert publisher.checks == 1
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def troubles(readiness: Readiness) -> dict[str, str]:
    """Return what stands in the way now."""
    return dict(readiness.troubles(time.monotonic()))


async def test_a_good_probe_makes_it_ready() -> None:
    """Before the first look it is not."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    assert troubles(readiness) == {"iot": "no contact so far"}
    async with probing(readiness, publisher):
        assert troubles(readiness) == {}


async def test_a_failed_probe_says_why(caplog: pytest.LogCaptureFixture) -> None:
    """The trouble's code is told, and its detail logged once."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    publisher.trouble = PublishUnavailable("refused")
    async with probing(readiness, publisher):
        assert troubles(readiness) == {"iot": "unavailable"}
    assert caplog.messages == ["iot endpoint not reachable"]


@pytest.mark.parametrize("missing", [None, ClientNotConnected("gone"), NotConfirmed("late")])
async def test_an_answered_direct_message_is_contact(missing: PublishFailed | None) -> None:
    """Also where the answer is that the client is not there, or does not confirm."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    if missing is not None:
        publisher.missing["user:1"] = missing
    with suppress(PublishFailed):
        await WatchedPublisher(publisher, readiness).deliver(PUBLICATION, within_s=3)
    assert troubles(readiness) == {}
    assert [within_s for _, within_s in publisher.delivered] == ([] if missing else [3])


async def test_a_lost_direct_message_is_no_contact() -> None:
    """Nobody answered."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    publisher.missing["user:1"] = PublishTimedOut("late")
    with pytest.raises(PublishTimedOut):
        await WatchedPublisher(publisher, readiness).deliver(PUBLICATION, within_s=3)
    assert troubles(readiness) == {"iot": "no contact so far"}


@pytest.mark.parametrize("failure", [None, PublishDenied("no")])
async def test_an_answered_publish_is_contact(failure: PublishFailed | None) -> None:
    """A refusal of one event shows that the road is good."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    if failure is not None:
        publisher.failures["user:1"] = failure
    with suppress(PublishFailed):
        await WatchedPublisher(publisher, readiness).publish(PUBLICATION)
    assert troubles(readiness) == {}


async def test_one_lost_publish_does_not_make_it_unready() -> None:
    """A probe decides that, not one event."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    watched = WatchedPublisher(publisher, readiness)
    await watched.publish(PUBLICATION)
    publisher.failures["user:1"] = PublishTimedOut("late")
    with pytest.raises(PublishTimedOut):
        await watched.publish(PUBLICATION)
    assert troubles(readiness) == {}


async def test_publishes_spare_the_probe() -> None:
    """While events flow nobody else asks."""
    readiness, publisher = Readiness(probe_s=60), RecordingPublisher()
    readiness.saw_contact()
    task = asyncio.create_task(readiness.probe_forever(publisher))
    await let_others_run()
    task.cancel()
    assert publisher.checks == 0


async def test_a_watched_publisher_checks_like_its_own() -> None:
    """The seam stays whole."""
    publisher = RecordingPublisher()
    await WatchedPublisher(publisher, Readiness(probe_s=60)).check()
    assert publisher.checks == 1


async def test_a_stopping_gateway_is_not_ready() -> None:
    """Load balancers look elsewhere before the port closes."""
    readiness = Readiness(probe_s=60)
    readiness.saw_contact()
    readiness.stop()
    assert troubles(readiness) == {"gateway": "stopping"}
