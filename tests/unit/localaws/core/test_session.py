"""A session's packet ids, window and queue."""

from localaws.core import session as module
from localaws.core.delivery import Delivery
from localaws.core.message import Message
from localaws.core.session import Session
from tests.unit.localaws.core.mqtt_world import V311


def session(window: int = 100) -> Session:
    """Make one with a window."""
    made = Session("c", V311, expiry_s=60)
    made.window = window
    return made


def message(payload: bytes = b"x", expires_at: float | None = None) -> Message:
    """Make a message."""
    return Message(topic="t", payload=payload, qos=1, expires_at=expires_at)


def sent(one: Session, payload: bytes = b"x") -> int:
    """Put a message in flight."""
    return one.send(Delivery(message(payload), 0.0, 0.0))


def test_packet_ids_count_up_and_begin_anew() -> None:
    """From 1 to 65,535 and again from 1, past those in flight."""
    one = session()
    assert (sent(one), sent(one)) == (1, 2)
    one._last_id = module.LAST_PACKET_ID - 1
    assert sent(one) == module.LAST_PACKET_ID
    assert sent(one) == 3


def test_an_acknowledged_message_is_gone() -> None:
    """Once; an id that is not in flight means nothing."""
    one = session()
    packet_id = sent(one, b"a")
    delivery = one.acknowledge(packet_id)
    assert delivery is not None
    assert delivery.message.payload == b"a"
    assert one.acknowledge(packet_id) is None


def test_the_window_bounds_what_is_in_flight() -> None:
    """And nothing overtakes what waits."""
    one = session(window=2)
    assert one.may_send
    sent(one)
    sent(one)
    assert not one.may_send
    one.enqueue(message(), 10)
    one.acknowledge(1)
    assert not one.may_send
    assert one.next_queued(0.0) is not None
    assert one.may_send


def test_the_queue_keeps_order_and_its_bound() -> None:
    """What is too much is refused, the rest comes out first in, first out."""
    one = session()
    assert [one.enqueue(message(bytes((n,))), 2) for n in range(3)] == [True, True, False]
    assert one.queued == 2
    first, second = one.next_queued(0.0), one.next_queued(0.0)
    assert first is not None
    assert second is not None
    assert (first.payload, second.payload) == (b"\0", b"\1")
    assert one.next_queued(0.0) is None
    assert one.queued == 0


def test_without_limit_the_queue_takes_everything() -> None:
    """None switches it off."""
    one = session()
    assert all(one.enqueue(message(), None) for _ in range(2_000))


def test_expired_messages_do_not_leave_the_queue() -> None:
    """They are skipped when their turn comes."""
    one = session()
    one.enqueue(message(b"old", expires_at=5.0), 10)
    one.enqueue(message(b"new"), 10)
    found = one.next_queued(5.0)
    assert found is not None
    assert found.payload == b"new"


def test_nothing_leaves_the_queue_while_the_window_is_full() -> None:
    """It waits for an acknowledgement."""
    one = session(window=1)
    sent(one)
    one.enqueue(message(), 10)
    assert one.next_queued(0.0) is None
