"""An event is read whole, or refused with everything that is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.event import MAX_PROBLEMS, Event, parse_event
from gateway.core.strict_json import JsonValue
from gateway.errors import InvalidEvent
from wire.address import Address

GOOD: dict[str, JsonValue] = {"to": "user:42", "type": "order.shipped", "data": {"order": 7}}


def parse(document: JsonValue, *, max_addresses: int = 5) -> Event:
    """Read an event of the namespace ``shop``."""
    return parse_event(document, namespace="shop", new_id="made", max_addresses=max_addresses)


def problems(document: JsonValue) -> dict[str, str]:
    """Return what is wrong, by pointer."""
    with pytest.raises(InvalidEvent) as caught:
        parse(document)
    return {found.pointer: found.problem for found in caught.value.problems}


def test_reads_the_smallest_event() -> None:
    """What is optional has its documented default."""
    assert parse(GOOD) == Event(
        id="made",
        to=(Address.parse("user:42"),),
        type="order.shipped",
        data={"order": 7},
        qos=1,
        retain=False,
        ttl_s=None,
        deliver_at=None,
        collapse_key=None,
        receipt=False,
        id_given=False,
    )


def test_reads_every_field() -> None:
    """What is given is kept, addresses in their order and each once."""
    event = parse(
        {
            "to": ["group:orders/eu", "everyone", "group:orders/eu", "client:shop.42.tab"],
            "type": "t",
            "data": None,
            "id": "order-7",
            "qos": 0,
            "retain": False,
            "ttl": 60,
            "deliverAt": "2026-02-01T13:00:00+01:00",
            "collapseKey": "price",
            "receipt": True,
        }
    )
    assert [str(address) for address in event.to] == [
        "group:orders/eu",
        "everyone",
        "client:shop.42.tab",
    ]
    assert (event.id, event.qos, event.retain, event.ttl_s) == ("order-7", 0, False, 60)
    assert event.data is None
    assert event.deliver_at == datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert (event.collapse_key, event.receipt, event.id_given) == ("price", True, True)


@pytest.mark.parametrize("document", [None, [], "to", 1, True])
def test_must_be_an_object(document: JsonValue) -> None:
    """Anything else has one problem, at the root."""
    assert problems(document) == {"": "must be a JSON object"}


def test_names_every_missing_field() -> None:
    """The caller learns all of it at once."""
    assert problems({}) == dict.fromkeys(("/to", "/type", "/data"), "is required")


@pytest.mark.parametrize(
    ("field", "value", "pointer", "says"),
    [
        ("to", [], "/to", "must be an address or an array"),
        ("to", 7, "/to", "must be an address or an array"),
        ("to", "nobody", "/to", "an address is"),
        ("to", "user:a*", "/to", "1 to 64 characters"),
        ("to", ["user:1", 2], "/to/1", "such as user:42"),
        ("to", ["user:1", "group:a//b"], "/to/1", "each level"),
        ("to", "client:other.42.tab", "/to", "client ids of this stack start with shop."),
        ("to", "group:" + "/".join(["x" * 64] * 4), "/to", "the limit is 256"),
        ("to", ["everyone"] * 6, "/to", "has 6 addresses; the limit is 5"),
        ("type", "", "/type", "1 to 256"),
        ("type", "a b", "/type", "without blanks"),
        ("type", "x" * 257, "/type", "1 to 256"),
        ("type", None, "/type", "1 to 256"),
        ("id", "", "/id", "1 to 128"),
        ("id", "a b", "/id", "1 to 128"),
        ("id", "x" * 129, "/id", "1 to 128"),
        ("id", 7, "/id", "1 to 128"),
        ("id", ".", "/id", "not . or .. alone"),
        ("id", "..", "/id", "not . or .. alone"),
        ("qos", 2, "/qos", "from 0 to 1"),
        ("qos", True, "/qos", "from 0 to 1"),
        ("qos", 0.5, "/qos", "from 0 to 1"),
        ("retain", 1, "/retain", "true or false"),
        ("ttl", 0, "/ttl", "from 1 to 604800"),
        ("ttl", 604_801, "/ttl", "from 1 to 604800"),
        ("ttl", None, "/ttl", "from 1 to 604800"),
        ("deliverAt", 5, "/deliverAt", "RFC 3339"),
        ("deliverAt", "tomorrow", "/deliverAt", "RFC 3339"),
        ("deliverAt", "2026-02-01T12:00:00", "/deliverAt", "with a zone"),
        ("deliverAt", "0001-01-01T00:00:00+20:00", "/deliverAt", "RFC 3339"),
        ("deliverAt", "2" * 1_000, "/deliverAt", "RFC 3339"),
        ("collapseKey", "", "/collapseKey", "1 to 128"),
        ("collapseKey", "a b", "/collapseKey", "without blanks"),
        ("collapseKey", None, "/collapseKey", "1 to 128"),
        ("receipt", "yes", "/receipt", "true or false"),
        ("receipt", True, "/receipt", "needs an address client:<clientId>"),
    ],
)
def test_refuses_a_field(field: str, value: JsonValue, pointer: str, says: str) -> None:
    """Each problem has its pointer, and the rule or the limit in its words."""
    found = problems({**GOOD, field: value})
    assert list(found) == [pointer]
    assert says in found[pointer]


def test_a_receipt_does_not_go_with_retaining() -> None:
    """Only a message to one client is confirmed; each of the two is fine without the other."""
    to: list[JsonValue] = ["client:shop.42.tab", "everyone"]
    both = {**GOOD, "to": to, "retain": True, "receipt": True}
    assert list(problems(both)) == ["/receipt"]
    assert "cannot go with retain" in problems(both)["/receipt"]
    assert parse({**both, "retain": False}).receipt
    assert parse({**both, "receipt": False}).retain


def test_a_wrong_address_is_not_blamed_on_the_receipt() -> None:
    """The caller may have meant a client."""
    found = problems({**GOOD, "to": "client:other.42.tab", "receipt": True})
    assert list(found) == ["/to"]


def test_hints_at_the_name_that_was_meant() -> None:
    """A slip of the finger is named; a foreign name is only refused."""
    with pytest.raises(InvalidEvent) as caught:
        parse({**GOOD, "retian": True, "a/b~c": 1})
    first, second = caught.value.problems
    assert (first.pointer, first.hint) == ("/retian", "retain")
    assert (second.pointer, second.hint) == ("/a~1b~0c", None)
    assert str(caught.value) == (
        "/retian: is not a field of an event; did you mean retain? (and 1 more)"
    )


def test_reports_a_bounded_number_of_problems() -> None:
    """A hostile body gets a short answer."""
    with pytest.raises(InvalidEvent) as caught:
        parse({f"unknown{number}": 1 for number in range(100)})
    assert len(caught.value.problems) == MAX_PROBLEMS


@given(
    st.dictionaries(
        st.sampled_from(["to", "type", "data", "id", "qos", "retain", "ttl", "other"]),
        st.none()
        | st.booleans()
        | st.integers(-2, 700_000)
        | st.text(max_size=6)
        | st.lists(st.sampled_from(["user:1", "everyone", "x", 3]), max_size=7),
    )
)
def test_any_object_is_an_event_or_says_why_not(document: dict[str, JsonValue]) -> None:
    """Nothing else can come of it, and no event breaks a bound."""
    try:
        event = parse(document)
    except InvalidEvent:
        return
    assert 1 <= len(event.to) <= 5
    assert event.qos in (0, 1)
    assert event.type
