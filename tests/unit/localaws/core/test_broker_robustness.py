"""Whatever bytes come, the broker raises nothing and the other clients go on."""

from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.core.mqtt.packet import encode
from localaws.core.mqtt.version import Version
from localaws.core.quotas import Quotas
from tests.unit.localaws.core.mqtt.strategies import streams, versions
from tests.unit.localaws.core.mqtt_world import World


def mutated(data: st.DataObject, stream: bytes) -> bytes:
    """Flip, drop, repeat or insert bytes at a few places."""
    out = bytearray(stream)
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.integers(0, len(out)))
        what = data.draw(st.integers(0, 3))
        if what == 0 and at < len(out):
            out[at] ^= data.draw(st.integers(1, 255))
        elif what == 1:
            del out[at : at + data.draw(st.integers(1, 8))]
        elif what == 2:
            out[at:at] = out[at : at + data.draw(st.integers(1, 8))]
        else:
            out[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    return bytes(out)


@settings(max_examples=60, deadline=None)
@given(st.data(), versions)
def test_mutated_streams_end_at_most_their_own_connection(
    data: st.DataObject, version: Version
) -> None:
    """With AWS's quotas, in any portions, time passing; a neighbour still gets its messages."""
    world = World(Quotas())
    neighbour = world.connected("neighbour of all")
    neighbour.subscribe("still/here")
    stream = b"".join(encode(one, version) for one in data.draw(streams(version)))
    sent = mutated(data, stream)
    client = world.transport()
    step = data.draw(st.integers(1, max(1, len(sent))))
    for start in range(0, len(sent), step):
        world.broker.receive(client.connection, sent[start : start + step], world.now)
        world.broker.take_ready(world.now)
    world.wait(1)
    client.lose()
    world.wait(1)
    world.publish("still/here", b"yes", qos=1)
    assert neighbour.payloads() == [b"yes"]
    assert world.broker.connections == {neighbour.connection}


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_random_bytes_behind_a_connect_change_nothing_for_others(portions: list[bytes]) -> None:
    """The same for noise from a client that is connected."""
    world = World(Quotas())
    neighbour, noisy = world.connected("neighbour"), world.connected("noisy")
    neighbour.subscribe("still/here")
    for portion in portions:
        world.broker.receive(noisy.connection, portion, world.now)
        world.broker.take_ready(world.now)
    world.publish("still/here", b"yes", qos=1)
    assert neighbour.payloads() == [b"yes"]
