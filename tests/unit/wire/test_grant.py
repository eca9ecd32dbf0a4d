"""Claims become the smallest grant, or a refusal that says why."""

from __future__ import annotations

import pytest

from tests.unit.wire.strategies import ExampleClaims
from wire.errors import GrantRefused, InvalidDevice
from wire.grant import grant_for


def test_everybody_gets_their_own_three() -> None:
    """Without groups a client hears itself, its user and everyone, and publishes nowhere."""
    grant = grant_for(ExampleClaims("42"), "tab", "prod")
    assert grant.client_id == "prod.42.tab"
    assert grant.subscribe_filters() == (
        "prod/client/prod.42.tab",
        "prod/user/42",
        "prod/everyone",
    )
    assert grant.publish_filters() == ()
    assert not grant.may_publish("prod/everyone")


def test_groups_and_subtrees() -> None:
    """A subtree is subscribed with # and swallows what lies below it."""
    claims = ExampleClaims("42", ("orders/*", "orders/eu", "orders", "news"))
    filters = grant_for(claims, "tab", "prod").subscribe_filters()
    assert filters[3:] == ("prod/group/news", "prod/group/orders", "prod/group/orders/#")


def test_a_subtree_is_not_its_parent() -> None:
    """`orders/*` means what is below orders: the same as AWS's `orders/#`."""
    grant = grant_for(ExampleClaims("42", ("orders/*",)), "tab", "prod")
    assert grant.may_receive("prod/group/orders/eu/de")
    assert grant.may_subscribe("prod/group/orders/+")
    assert not grant.may_receive("prod/group/orders")
    assert not grant.may_subscribe("prod/group/#")


@pytest.mark.parametrize("group", ["", "a b", "a/b/c/d/e", "a/*/b", "#", "${aws:username}"])
def test_bad_groups_are_refused(group: str) -> None:
    """A group outside the id alphabet names the claim in its refusal."""
    with pytest.raises(GrantRefused, match="groups"):
        grant_for(ExampleClaims("42", (group,)), "tab", "prod")


def test_a_star_grants_every_group() -> None:
    """`*` is the subtree of all groups, and of nothing else."""
    grant = grant_for(ExampleClaims("42", ("*",)), "tab", "prod")
    assert grant.may_receive("prod/group/x/y")
    assert not grant.may_receive("prod/user/7")


def test_bad_publish_is_refused() -> None:
    """A publish claim that is no address names itself."""
    with pytest.raises(GrantRefused, match="publish"):
        grant_for(ExampleClaims("42", (), ("prod/everyone",)), "tab", "prod")


def test_more_than_fifty_subscriptions_are_refused() -> None:
    """IoT Core holds 50 subscriptions per connection; 48 groups make 51."""
    with pytest.raises(GrantRefused, match="51"):
        grant_for(ExampleClaims("42", tuple(f"g{n}" for n in range(48))), "tab", "prod")


def test_a_bad_device_is_refused() -> None:
    """The device is the browser's to choose, within its rule."""
    with pytest.raises(InvalidDevice):
        grant_for(ExampleClaims("42"), "a.b", "prod")
