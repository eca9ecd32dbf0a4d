"""The store of retained messages: one for each topic, bounded, expiring."""

from localaws.core.message import Message
from localaws.core.retained import Retained, RetainedMessage


def message(topic: str, payload: bytes = b"x", expires_at: float | None = None) -> Message:
    """Make a message to keep."""
    return Message(topic=topic, payload=payload, retain=True, expires_at=expires_at)


def test_the_last_message_of_a_topic_is_kept() -> None:
    """With the time it was stored."""
    kept = Retained(10)
    kept.keep(message("t", b"1"), 5.0)
    kept.keep(message("t", b"2"), 6.0)
    assert kept.get("t", 7.0) == RetainedMessage(message("t", b"2"), 6.0)
    assert kept.get("u", 7.0) is None


def test_an_empty_payload_deletes() -> None:
    """Also where there was nothing."""
    kept = Retained(10)
    kept.keep(message("t"), 0.0)
    assert kept.keep(message("t", b""), 0.0)
    assert kept.keep(message("u", b""), 0.0)
    assert kept.listing(0.0) == []


def test_an_expired_message_is_not_there() -> None:
    """Neither to get nor to list."""
    kept = Retained(10)
    kept.keep(message("t", expires_at=5.0), 0.0)
    kept.keep(message("u"), 0.0)
    assert kept.get("t", 4.9) is not None
    assert [one.message.topic for one in kept.listing(5.0)] == ["u"]
    assert kept.get("t", 5.0) is None


def test_a_full_store_takes_no_new_topic() -> None:
    """Replacing and deleting still work; expired messages make room."""
    kept = Retained(2)
    assert kept.keep(message("a", expires_at=5.0), 0.0)
    assert kept.keep(message("b"), 0.0)
    assert not kept.has_room(message("c"), 0.0)
    assert not kept.keep(message("c"), 0.0)
    assert kept.keep(message("a", b"new", expires_at=5.0), 0.0)
    assert kept.has_room(message("c", b""), 0.0)
    assert kept.keep(message("c"), 5.0)
    assert [one.message.topic for one in kept.listing(5.0)] == ["b", "c"]


def test_without_limit_there_is_always_room() -> None:
    """None switches it off."""
    kept = Retained(None)
    assert all(kept.keep(message(str(number)), 0.0) for number in range(6_000))
