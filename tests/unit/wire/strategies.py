"""Hypothesis strategies for the values of `wire`, shared by its tests."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from wire.address import Address, AddressPattern, Kind
from wire.grant import Grant, grant_for

ID_ALPHABET = string.ascii_letters + string.digits + "_.@:|=,~-"
NAMESPACE_ALPHABET = string.ascii_letters + string.digits + "_-"

ids = st.text(ID_ALPHABET, min_size=1, max_size=12)
namespaces = st.text(NAMESPACE_ALPHABET, min_size=1, max_size=6)
devices = st.text(NAMESPACE_ALPHABET, min_size=1, max_size=8)
group_names = st.lists(ids, min_size=1, max_size=4).map("/".join)
shallow_group_names = st.lists(ids, min_size=1, max_size=3).map("/".join)
group_claims = group_names | shallow_group_names.map(lambda name: f"{name}/*")


@st.composite
def client_ids(draw: st.DrawFn) -> str:
    """Draw a client id with its three parts."""
    return f"{draw(namespaces)}.{draw(ids)}.{draw(devices)}"


addresses = st.one_of(
    st.just(Address(Kind.EVERYONE)),
    ids.map(lambda name: Address(Kind.USER, name)),
    group_names.map(lambda name: Address(Kind.GROUP, name)),
    client_ids().map(lambda name: Address(Kind.CLIENT, name)),
)
patterns = st.one_of(
    addresses.map(str),
    st.sampled_from(["*", "client:*", "user:*", "group:*"]),
    shallow_group_names.map(lambda name: f"group:{name}/*"),
).map(AddressPattern.parse)


class ExampleClaims:
    """Claims as a verified token has them."""

    def __init__(
        self, subject: str, groups: tuple[str, ...] = (), publish: tuple[str, ...] = ()
    ) -> None:
        self.subject = subject
        self.groups = groups
        self.publish = publish


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Draw a grant small enough for a session policy most of the time."""
    namespace = draw(namespaces)
    publish = draw(
        st.lists(
            st.sampled_from(["user:*", "group:*", "everyone", "*"])
            | group_claims.map(lambda name: f"group:{name}")
            | ids.map(lambda name: f"user:{name}"),
            max_size=3,
        )
    )
    claims = ExampleClaims(
        draw(ids), tuple(draw(st.lists(group_claims, max_size=4))), tuple(publish)
    )
    return grant_for(claims, draw(devices), namespace)
