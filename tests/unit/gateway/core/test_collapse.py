"""Collapsing remembers the last delivery of each key on each topic."""

from __future__ import annotations

from gateway.core.collapse import Collapsing


def test_the_newest_follows_the_one_before() -> None:
    """On its own topic and key only."""
    collapsing = Collapsing()
    assert collapsing.replace("a", "price", 1) is None
    assert collapsing.replace("b", "price", 2) is None
    assert collapsing.replace("a", "stock", 3) is None
    assert collapsing.replace("a", "price", 4) == 1
    assert collapsing.is_last("a", "price", 4)
    assert not collapsing.is_last("a", "price", 1)


def test_forgetting_an_older_one_keeps_the_newer() -> None:
    """The one that was on its way settles when the newer one is there already."""
    collapsing = Collapsing()
    collapsing.replace("a", "price", 1)
    collapsing.replace("a", "price", 2)
    collapsing.forget("a", "price", 1)
    assert collapsing.is_last("a", "price", 2)
    collapsing.forget("a", "price", 2)
    assert len(collapsing) == 0
