"""Addresses map to topics one to one, and nothing dangerous is an id."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.strategies import addresses, devices, ids, namespaces, patterns
from wire.address import Address, AddressPattern, Kind, address_of, client_id
from wire.errors import InvalidAddress, InvalidDevice, InvalidNamespace


@given(addresses)
def test_text_round_trip(address: Address) -> None:
    """An address reads back from its own text."""
    assert Address.parse(str(address)) == address


@given(addresses, namespaces)
def test_topic_round_trip(address: Address, namespace: str) -> None:
    """The topic of an address leads back to that address and to no other."""
    try:
        topic = address.topic(namespace)
    except InvalidAddress:
        assert address.kind in (Kind.CLIENT, Kind.GROUP)
        return
    assert address_of(topic, namespace) == address


@given(st.text(max_size=12), st.sampled_from(["client:", "user:", "group:", ""]))
def test_any_text_is_an_address_or_refused(text: str, head: str) -> None:
    """Parsing raises nothing but InvalidAddress, and what it lets through is harmless."""
    try:
        address = Address.parse(head + text)
    except InvalidAddress:
        return
    assert not set(str(address)) & set('*?$+#"\\{}\n ')
    assert str(address).isascii()


parts = st.tuples(namespaces, ids, devices)


@given(parts, parts)
def test_no_two_users_share_a_client_id(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    """Different parts never spell the same client id, whatever dots the user ids hold."""
    assert (client_id(*one) == client_id(*other)) is (one == other)


def test_the_longest_client_id_fits_aws() -> None:
    """The longest parts together make exactly AWS's 128 bytes."""
    assert len(client_id("n" * 24, "u" * 64, "d" * 38)) == 128


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user",
        "user:",
        "user:a b",
        "user:*",
        "user:a/b",
        "group:",
        "group:a//b",
        "group:a/b/c/d/e",
        "group:é",
        "everyone:x",
        "client:nodots",
        "topic:x",
        "user:" + "x" * 65,
        "user:x\n",
    ],
)
def test_bad_addresses_are_refused(text: str) -> None:
    """What breaks a rule is refused at the edge."""
    with pytest.raises(InvalidAddress):
        Address.parse(text)


def test_a_group_too_long_for_a_topic_is_refused() -> None:
    """Four long levels can exceed AWS's 256 bytes; the refusal says so."""
    address = Address.parse("group:" + "/".join(["x" * 64] * 4))
    with pytest.raises(InvalidAddress, match="256"):
        address.topic("prod")


def test_a_client_of_another_namespace_is_refused() -> None:
    """A client id starts with its own stack's namespace."""
    with pytest.raises(InvalidAddress, match=r"prod\."):
        Address.parse("client:dev.42.tab").topic("prod")


def test_bad_parts_of_a_client_id_are_refused() -> None:
    """Each part has its own refusal."""
    with pytest.raises(InvalidNamespace):
        client_id("a.b", "u", "d")
    with pytest.raises(InvalidAddress):
        client_id("a", "", "d")
    with pytest.raises(InvalidDevice, match="no dot"):
        client_id("a", "u", "d.e")


@given(patterns)
def test_patterns_round_trip(pattern: AddressPattern) -> None:
    """A pattern reads back from its own text."""
    assert AddressPattern.parse(str(pattern)) == pattern


@given(patterns, addresses, namespaces)
def test_a_pattern_names_the_topics_of_what_it_covers(
    pattern: AddressPattern, address: Address, namespace: str
) -> None:
    """Covering an address and naming its topic are the same thing."""
    try:
        topic = address.topic(namespace)
        named = pattern.names_topic(topic, namespace)
    except InvalidAddress:
        return
    assert named is pattern.covers(address)


@given(patterns, patterns, addresses)
def test_covering_is_transitive(outer: AddressPattern, inner: AddressPattern, at: Address) -> None:
    """Where one pattern covers another, it covers all of the other's addresses."""
    if outer.covers(inner) and inner.covers(at):
        assert outer.covers(at)


@pytest.mark.parametrize(
    "text", ["group:a/b/c/d/*", "everyone:*", "user:a*", "group:*/a", "**", "group:a*"]
)
def test_bad_patterns_are_refused(text: str) -> None:
    """A star stands alone, or last after a slash in a group."""
    with pytest.raises(InvalidAddress):
        AddressPattern.parse(text)


def test_foreign_topics_have_no_address() -> None:
    """Topics outside the scheme are nobody's."""
    for topic in (
        "x/user/1",
        "prod/other/1",
        "prod/user/1/2",
        "prod/everyone/x",
        "prod",
        "prod/user/+",
    ):
        assert address_of(topic, "prod") is None
