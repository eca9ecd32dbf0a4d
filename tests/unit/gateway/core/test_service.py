"""A service publishes where its patterns allow, and learns where they do not."""

from __future__ import annotations

import pytest

from gateway.core.service import ANYBODY, SERVICE_NAME, Service
from gateway.errors import NotAllowed
from wire.address import Address, AddressPattern

SHOP = Service(
    name="shop",
    credential_id="c",
    publish=(AddressPattern.parse("group:orders/*"), AddressPattern.parse("user:*")),
)


def addresses(*texts: str) -> list[Address]:
    """Read addresses."""
    return [Address.parse(text) for text in texts]


def test_may_publish_where_one_pattern_covers() -> None:
    """Every address needs one pattern; not the same one."""
    SHOP.check_may_publish(addresses("user:42", "group:orders/eu"))


def test_names_what_is_refused_and_what_is_allowed() -> None:
    """One foreign address refuses the event, and only the foreign ones are named."""
    with pytest.raises(NotAllowed) as caught:
        SHOP.check_may_publish(addresses("user:42", "everyone", "group:staff"))
    assert caught.value.refused == ("everyone", "group:staff")
    assert caught.value.allowed == ("group:orders/*", "user:*")
    assert str(caught.value) == (
        "shop may not publish to everyone, group:staff; it may publish to group:orders/*, user:*"
    )


def test_a_service_without_patterns_publishes_nowhere() -> None:
    """No pattern is no right."""
    with pytest.raises(NotAllowed, match="it may publish to nothing"):
        Service(name="a", credential_id="b", publish=()).check_may_publish(addresses("user:1"))


def test_its_source_names_it() -> None:
    """Browsers see who sent an event."""
    assert SHOP.source == "/services/shop"


def test_anybody_may_publish_anywhere() -> None:
    """Without authentication nothing is refused."""
    ANYBODY.check_may_publish(addresses("everyone", "user:1", "group:a/b", "client:n.u.d"))


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a" * 64, "a/b", "ä", "a\n"])
def test_names_that_no_service_has(name: str) -> None:
    """A name fits labels, logs and a URI."""
    assert not SERVICE_NAME.fullmatch(name)
