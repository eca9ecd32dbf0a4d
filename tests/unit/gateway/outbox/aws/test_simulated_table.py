"""The simulated table does what DynamoDB says of conditions, updates and indexes."""

from __future__ import annotations

import pytest

from tests.unit.gateway.outbox.aws.expressions import Item, holds, updated
from tests.unit.gateway.outbox.aws.simulated_table import ConditionFailed, SimulatedTable

KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
ITEM = {**KEY, "n": {"N": "9"}, "t": {"S": "x"}}
VALUES = {":ten": {"N": "10"}, ":nine": {"N": "9"}, ":x": {"S": "x"}}


def table(lag_s: float = 1.0) -> SimulatedTable:
    """Return an empty table."""
    return SimulatedTable(index_lag_s=lag_s, watch=lambda before, after: None)


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("n < :ten", True),
        ("n > :ten", False),
        ("n = :nine AND t = :x", True),
        ("t = :nine", False),
        ("attribute_not_exists(q) AND (attribute_exists(n) OR q = :x)", True),
        ("q < :ten", False),
        ("n = :ten OR t = :x AND attribute_not_exists(t)", False),
    ],
)
def test_conditions(condition: str, wanted: bool) -> None:  # noqa: FBT001 - a parameter
    """Numbers compare as numbers, kinds never mix, what is missing compares with nothing."""
    assert holds(condition, ITEM, VALUES) is wanted


def test_conditions_of_an_item_that_does_not_exist() -> None:
    """Only that something is missing holds of it."""
    assert holds("attribute_not_exists(pk)", None, {})
    assert not holds("n < :ten", None, VALUES)


def test_updates() -> None:
    """Attributes are set, removed, and counted."""
    found = updated("SET t = :ten, q = :x REMOVE sk, r ADD n :nine, m :ten", ITEM, VALUES)
    assert found == {
        "pk": {"S": "p"},
        "t": {"N": "10"},
        "q": {"S": "x"},
        "n": {"N": "18"},
        "m": {"N": "10"},
    }


def test_the_second_of_two_writes_is_refused() -> None:
    """And changes nothing."""
    one = table()
    one.put(ITEM, "attribute_not_exists(pk)", {}, now=0.0)
    with pytest.raises(ConditionFailed):
        one.put({**ITEM, "n": {"N": "1"}}, "attribute_not_exists(pk)", {}, now=0.0)
    with pytest.raises(ConditionFailed):
        one.delete(KEY, "n = :ten", VALUES, now=0.0)
    assert one.get(KEY) == ITEM
    before, after = one.update(KEY, "SET n = :ten", "n = :nine", VALUES, now=0.0)
    assert (before, after) == (ITEM, {**ITEM, "n": {"N": "10"}})


def test_indexes_follow_late() -> None:
    """They are sparse, sorted, and hold what they were told to."""
    one = table(lag_s=1.0)
    for number in (2, 1, 3):
        keys = {"pk": {"S": f"p{number}"}, "sk": {"S": "s"}}
        index = {"gsi1pk": {"S": "open"}, "gsi1sk": {"S": f"{number}"}}
        one.put({**keys, **index, "n": {"N": "1"}}, None, {}, now=float(number))

    def found(now: float, limit: int = 9) -> tuple[list[str], Item | None]:
        values = {":shard": {"S": "open"}, ":end": {"S": "9"}}
        condition = "gsi1pk = :shard AND gsi1sk < :end"
        entries, rest = one.query(
            "gsi1", condition, values, limit=limit, forward=True, keep=None, now=now
        )
        assert all("n" not in entry for entry in entries)
        return [entry["gsi1sk"]["S"] for entry in entries], rest

    assert found(1.9) == ([], None)
    assert found(3.0) == (["1", "2"], None)
    entries, rest = found(4.0, limit=2)
    assert (entries, rest is not None) == (["1", "2"], True)
    key = {"pk": {"S": "p1"}, "sk": {"S": "s"}}
    one.update(key, "REMOVE gsi1pk, gsi1sk", None, {}, now=5.0)
    assert found(5.5)[0] == ["1", "2", "3"]
    assert found(6.0)[0] == ["2", "3"]
