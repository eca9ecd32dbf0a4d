"""Lanes keep the order of each topic, and give every topic its turn."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.core.lanes import Lanes


def test_gives_one_of_a_topic_at_a_time() -> None:
    """The next one only when the one before is settled."""
    lanes = Lanes()
    lanes.offer("a", 1)
    lanes.offer("a", 2)
    assert lanes.take(0) == ("a", 1)
    assert lanes.take(0) is None
    lanes.done("a")
    assert lanes.take(0) == ("a", 2)
    lanes.done("a")
    assert len(lanes) == 0


def test_topics_take_turns() -> None:
    """A topic with much to send goes to the end of the queue after each."""
    lanes = Lanes()
    for key in range(3):
        lanes.offer("hot", key)
    lanes.offer("quiet", 9)
    order = []
    while (taken := lanes.take(0)) is not None:
        order.append(taken)
        lanes.done(taken[0])
    assert order == [("hot", 0), ("quiet", 9), ("hot", 1), ("hot", 2)]


def test_a_parked_topic_comes_back_with_the_same_head() -> None:
    """Nothing overtakes it, and nobody else waits for it."""
    lanes = Lanes()
    lanes.offer("a", 1)
    lanes.offer("a", 2)
    lanes.offer("b", 3)
    assert lanes.take(0) == ("a", 1)
    lanes.park("a", 5.0)
    assert lanes.next_at() == 5.0
    assert lanes.take(1.0) == ("b", 3)
    assert lanes.take(4.9) is None
    assert lanes.take(5.0) == ("a", 1)
    assert lanes.parked == 0


def test_withdraws_what_is_not_being_sent() -> None:
    """From behind, from the head, and the lane of the last one goes."""
    lanes = Lanes()
    for key in (1, 2, 3):
        lanes.offer("a", key)
    assert lanes.withdraw("a", 2)
    assert lanes.withdraw("a", 1)
    assert not lanes.holds("a", 1)
    assert lanes.holds("a", 3)
    assert lanes.take(0) == ("a", 3)
    assert not lanes.withdraw("a", 3)
    lanes.park("a", 1.0)
    assert lanes.withdraw("a", 3)
    assert (len(lanes), lanes.parked, lanes.take(9.0)) == (0, 0, None)
    assert not lanes.holds("a", 3)


def test_a_topic_in_trouble_stays_parked_without_its_head() -> None:
    """The back-off is the topic's, not the event's."""
    lanes = Lanes()
    lanes.offer("a", 1)
    lanes.offer("a", 2)
    lanes.take(0)
    lanes.park("a", 5.0)
    assert lanes.withdraw("a", 1)
    assert lanes.take(4.0) is None
    assert lanes.take(5.0) == ("a", 2)


def test_looks_behind_the_head() -> None:
    """For whoever reads ahead."""
    lanes = Lanes()
    lanes.offer("a", 1)
    assert lanes.behind("a", 5) == []
    lanes.offer("a", 2)
    lanes.offer("a", 3)
    assert lanes.behind("a", 1) == [2]
    assert lanes.behind("a", 5) == [2, 3]


def test_withdrawing_takes_no_room() -> None:
    """A topic that stands still while newer events replace older ones does not grow."""
    lanes = Lanes()
    lanes.offer("a", 0)
    lanes.take(0)
    for key in range(1, 10_000):
        lanes.offer("a", key)
        if key > 1:
            assert lanes.withdraw("a", key - 1)
    assert len(lanes.behind("a", 1_000)) < 100
    assert lanes.waiting == 1


@pytest.mark.parametrize("call", ["done", "park"])
def test_only_what_was_taken_can_be_settled_or_parked(call: str) -> None:
    """Anything else is a bug of ours, and is told."""
    lanes = Lanes()
    lanes.offer("a", 1)
    with pytest.raises(ValueError, match="was taken"):
        lanes.done("a") if call == "done" else lanes.park("a", 1.0)


@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 5))
def test_a_quiet_topic_waits_for_one_turn_of_the_others(
    backlog: int, others: int, workers: int
) -> None:
    """However much the others have: when it comes, at most one of each goes before it."""
    lanes = Lanes()
    key = 0
    for topic in range(others):
        for _ in range(backlog):
            lanes.offer(f"hot-{topic}", key)
            key += 1
    taken = [lanes.take(0) for _ in range(min(workers, others))]
    lanes.offer("quiet", -1)
    before = 0
    while True:
        for one in taken:
            assert one is not None
            lanes.done(one[0])
        taken = []
        for _ in range(workers):
            one = lanes.take(0)
            if one is None:
                break
            if one[0] == "quiet":
                assert before <= others
                return
            before += 1
            taken.append(one)


class LanesAgainstPlainLists(RuleBasedStateMachine):
    """Lanes against a list for each topic, looked through slowly."""

    @initialize()
    def start(self) -> None:
        """Begin with nothing."""
        self.lanes = Lanes()
        self.lists: OrderedDict[str, list[int]] = OrderedDict()
        self.busy: dict[str, int] = {}
        self.parked: dict[str, float] = {}
        self.now = 0.0
        self.next_key = 0

    @rule(topic=st.sampled_from("abcd"))
    def offer(self, topic: str) -> None:
        """One more at the end of a topic."""
        self.lanes.offer(topic, self.next_key)
        self.lists.setdefault(topic, []).append(self.next_key)
        self.next_key += 1

    @rule()
    def take(self) -> None:
        """Only the head of a topic that is neither busy nor parked; none only if there is none."""
        self.parked = {t: at for t, at in self.parked.items() if at > self.now}
        free = {t for t in self.lists if t not in self.busy and t not in self.parked}
        taken = self.lanes.take(self.now)
        if taken is None:
            assert not free
            return
        topic, key = taken
        assert topic in free
        assert self.lists[topic][0] == key
        self.busy[topic] = key

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        """What was taken is settled."""
        topic = data.draw(st.sampled_from(sorted(self.busy)))
        self.lanes.done(topic)
        del self.busy[topic]
        self._remove(topic, self.lists[topic][0])

    @precondition(lambda self: self.busy)
    @rule(data=st.data(), delay=st.floats(0, 3))
    def park(self, data: st.DataObject, delay: float) -> None:
        """What was taken is put off."""
        topic = data.draw(st.sampled_from(sorted(self.busy)))
        self.lanes.park(topic, self.now + delay)
        del self.busy[topic]
        self.parked[topic] = self.now + delay

    @precondition(lambda self: self.lists)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """Any that waits can go; what is being sent cannot."""
        topic = data.draw(st.sampled_from(sorted(self.lists)))
        key = data.draw(st.sampled_from(self.lists[topic]))
        being_sent = self.busy.get(topic) == key
        assert self.lanes.withdraw(topic, key) == (not being_sent)
        if not being_sent:
            self._remove(topic, key)

    @rule(seconds=st.floats(0, 3))
    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @invariant()
    def counts(self) -> None:
        """Nothing is counted twice, lost, or left behind."""
        total = sum(map(len, self.lists.values()))
        assert self.lanes.waiting + self.lanes.busy == total
        assert self.lanes.busy == len(self.busy)
        assert len(self.lanes) == len(self.lists)
        for topic, keys in self.lists.items():
            assert all(self.lanes.holds(topic, key) for key in keys)

    def _remove(self, topic: str, key: int) -> None:
        self.lists[topic].remove(key)
        if not self.lists[topic]:
            del self.lists[topic]
            self.parked.pop(topic, None)


TestLanesAgainstPlainLists = LanesAgainstPlainLists.TestCase
