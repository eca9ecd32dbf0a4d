"""The feed: everybody hears what they may, nobody holds anybody up, and silence costs nothing."""

from __future__ import annotations

import pytest

from gateway.core.snapshot import Reading, Standing, snapshot_of
from gateway.core.tail import Notice
from gateway.errors import TooManyStreams
from gateway.feed import Feed


def notice(service: str, id_: str = "i") -> Notice:
    """Return something that happened."""
    return Notice(
        name="accepted", at="T", service=service, id=id_, addresses=("everyone",), state="accepted"
    )


async def test_a_service_hears_of_its_own_and_an_admin_of_all() -> None:
    """The rest never reaches its queue."""
    feed = Feed(most_listeners=2, most_notices=5)
    own = feed.join(service="shop", payloads=False)
    every = feed.join(service=None, payloads=False)
    for service in ("shop", "bank"):
        feed.offer(notice(service))
    assert [one.service for one in own.take()[1]] == ["shop"]
    assert [one.service for one in every.take()[1]] == ["shop", "bank"]


async def test_who_does_not_take_loses_the_oldest_and_others_nothing() -> None:
    """Every listener has a queue of its own."""
    feed = Feed(most_listeners=2, most_notices=2)
    slow = feed.join(service=None, payloads=False)
    quick = feed.join(service=None, payloads=False)
    for number in range(3):
        feed.offer(notice("shop", str(number)))
        assert [one.id for one in quick.take()[1]] == [str(number)]
    _, notices, dropped = slow.take()
    assert ([one.id for one in notices], dropped) == (["1", "2"], 1)


async def test_there_is_a_bound() -> None:
    """Whoever leaves makes room."""
    feed = Feed(most_listeners=1, most_notices=5)
    first = feed.join(service=None, payloads=False)
    with pytest.raises(TooManyStreams, match="room for 1 streams"):
        feed.join(service=None, payloads=False)
    feed.leave(first)
    feed.join(service=None, payloads=False)


async def test_it_is_told_when_somebody_begins_and_nobody_goes_on() -> None:
    """Once each, so that there is nothing in between while nobody listens."""
    feed, told = Feed(most_listeners=3, most_notices=5), list[bool]()
    feed.watch(told.append)
    first = feed.join(service=None, payloads=False)
    second = feed.join(service=None, payloads=False)
    feed.leave(first)
    assert told == [True]
    feed.leave(second)
    assert told == [True, False]
    assert feed.listeners == 0


async def test_payloads_are_wanted_only_while_somebody_asked() -> None:
    """So that none is kept for nobody."""
    feed = Feed(most_listeners=2, most_notices=5)
    feed.join(service=None, payloads=False)
    assert not feed.payloads
    asked = feed.join(service=None, payloads=True)
    assert feed.payloads
    feed.leave(asked)
    assert not feed.payloads


async def test_news_wakes_and_silence_ends() -> None:
    """A listener waits for what comes next, but not for ever."""
    feed = Feed(most_listeners=1, most_notices=5)
    listener = feed.join(service=None, payloads=False)
    await listener.news(0.0)
    assert listener.take() == (None, [], 0)
    standing = Standing(waiting=0, scheduled=0, oldest_s=0.0, in_flight=0, pacing_limit_per_s=1.0)
    one = Reading(at_s=0.0, at="T", services={}, publish={}, standing=standing)
    snapshot = snapshot_of([one, one])
    feed.show(snapshot)
    await listener.news(9.0)
    assert listener.take()[0] is snapshot
    feed.offer(notice("shop"))
    await listener.news(9.0)
    assert len(listener.take()[1]) == 1


async def test_its_end_ends_everybodys_stream() -> None:
    """And nobody new is let in."""
    feed = Feed(most_listeners=2, most_notices=5)
    listener = feed.join(service=None, payloads=False)
    feed.close()
    await listener.news(9.0)
    assert listener.closed
    with pytest.raises(TooManyStreams):
        feed.join(service=None, payloads=False)
