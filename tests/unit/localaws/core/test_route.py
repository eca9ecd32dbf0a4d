"""Routes: the right receivers, worked out once, and forgotten when something changes."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.core import route as module
from localaws.core.subscriptions import Subscription
from tests.unit.localaws.core.mqtt_world import UNLIMITED, V5, V311, Caller, World
from wire.topic import matches

QUOTAS = UNLIMITED


def asked(caller: Caller) -> int:
    """Count how often iot:Receive was decided."""
    return sum(action == "iot:Receive" for action, _, _ in caller.asked)


def test_a_route_is_worked_out_once() -> None:
    """The policy is asked for the first message to a topic, not for the second."""
    world, caller = World(), Caller()
    client = world.connected(caller=caller)
    client.subscribe("t")
    before = asked(caller)
    world.publish("t")
    first = world.broker.routes.route("t", 0, world.now)
    world.publish("t")
    assert world.broker.routes.route("t", 0, world.now) is first
    assert asked(caller) == before + 1


def test_receivers_are_sorted_by_what_they_get() -> None:
    """QoS 0 by version, QoS 1 by version, those with conditions, those offline."""
    world = World(QUOTAS)
    world.connected("a", V311).subscribe("t", qos=0)
    world.connected("b", V5).subscribe("t", qos=1)
    offline = world.connected("c", V311, clean=False)
    offline.subscribe("t", qos=1)
    offline.lose()
    quick, sure = (world.broker.routes.route("t", qos, world.now) for qos in (0, 1))
    assert {version: len(them) for version, them in quick.plain.items()} == {V311: 1, V5: 1}
    assert [one.session.client_id for one in sure.numbered[V5]] == ["b"]
    assert [one.client_id for one in sure.offline] == ["c"]
    assert quick.offline == []
    assert (quick.connected, sure.connected) == (2, 2)


def test_a_denied_receiver_is_left_out() -> None:
    """And the denial is reported once for the route."""
    world = World(QUOTAS)
    world.connected(caller=Caller(lambda action, _name: action != "iot:Receive")).subscribe("t")
    world.publish("t")
    world.publish("t")
    assert world.broker.routes.route("t", 0, world.now).connected == 0
    assert [one.action for one in world.watcher.denials] == ["iot:Receive"]


def test_old_routes_are_forgotten_past_a_bound() -> None:
    """Memory is bounded whatever is published to."""
    world = World(QUOTAS)
    for number in range(module.MAX_ROUTES + 5):
        world.broker.routes.route(str(number), 0, world.now)
    assert len(world.broker.routes._made) == 5


FILTERS = ("a", "a/b", "a/+", "+/b", "#", "a/#")
TOPICS = ("a", "a/b", "a/c", "b")


def changes() -> st.SearchStrategy[list[tuple[str, int, str]]]:
    """Make things that happen to five clients."""
    what = st.sampled_from(("subscribe", "unsubscribe", "lose", "come"))
    return st.lists(st.tuples(what, st.integers(0, 4), st.sampled_from(FILTERS)), max_size=25)


@settings(max_examples=60)
@given(changes(), st.sampled_from(TOPICS))
def test_a_remembered_route_is_what_it_would_be_anew(
    happened: list[tuple[str, int, str]], topic: str
) -> None:
    """Whatever happens, those who receive are those with a matching filter and a connection."""
    world = World(QUOTAS)
    clients = {name: world.connected(str(name), clean=False) for name in range(5)}
    for what, name, topic_filter in happened:
        client = clients[name]
        connected = client.ending is None
        if what == "subscribe" and connected:
            client.subscribe(topic_filter)
        elif what == "unsubscribe" and connected:
            client.unsubscribe(topic_filter)
        elif what == "lose" and connected:
            client.lose()
        elif what == "come" and not connected:
            clients[name] = world.connected(str(name), clean=False)
        route = world.broker.routes.route(topic, 1, world.now)
        online = {one.session.client_id for one in route.numbered.get(V311, [])}
        offline = {one.client_id for one in route.offline}
        wanted = set(wanting(world, topic))
        assert online | offline == wanted
        assert online == {name for name in wanted if clients[int(name)].ending is None}


def wanting(world: World, topic: str) -> Iterator[str]:
    """Find who wants a topic, slowly and obviously."""
    for session in world.broker.sessions.values():
        subscriptions: list[Subscription] = list(session.subscriptions.values())
        if any(matches(one.text, topic) for one in subscriptions):
            yield session.client_id
