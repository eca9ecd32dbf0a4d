"""Every error has one root and says what happened."""

from __future__ import annotations

from localaws.errors import (
    LocalAwsError,
    Misuse,
    NotRunning,
    PeerMisbehaved,
    UpstreamUnavailable,
)


def test_texts_are_made_from_facts() -> None:
    """The facts stay readable as attributes."""
    assert str(Misuse("x is y")) == "localaws was used wrongly: x is y"
    assert str(NotRunning("moto")) == "localaws was used wrongly: moto is not running"
    assert NotRunning("moto").part == "moto"
    assert str(PeerMisbehaved("it shouted")) == "the peer misbehaved: it shouted"
    assert str(UpstreamUnavailable("moto", "refused")) == "moto is unavailable: refused"


def test_there_is_one_root() -> None:
    """Catching the root catches all."""
    for kind in (Misuse, NotRunning, PeerMisbehaved, UpstreamUnavailable):
        assert issubclass(kind, LocalAwsError)
