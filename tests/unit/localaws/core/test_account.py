"""The account's rates, each with its own switch."""

from localaws.core.account import Account
from localaws.core.quotas import Exhausted, Quotas

OFF = {
    "connects_per_s": None,
    "retained_per_s": None,
    "account_connects_per_s": None,
    "account_publishes_in_per_s": None,
    "account_publishes_out_per_s": None,
    "account_subscriptions_per_s": None,
    "account_retained_per_s": None,
}


def account(**on: int) -> Account:
    """Make an account with only the given rates on."""
    return Account(Quotas(**{**OFF, **on}))


def test_connects_are_counted_for_each_client_and_for_all() -> None:
    """One client id once a second, all together so many."""
    one = account(connects_per_s=1)
    assert one.may_connect("a", 0.0)
    assert not one.may_connect("a", 0.5)
    assert one.may_connect("b", 0.5)
    assert one.may_connect("a", 1.0)
    both = account(account_connects_per_s=2)
    assert [both.may_connect(name, 0.0) for name in "abc"] == [True, True, False]


def test_a_publish_says_what_is_used_up() -> None:
    """The account's publishes first, then retained ones to one topic, then to all."""
    publishes = account(account_publishes_in_per_s=1)
    assert publishes.may_publish("t", 0.0, retain=False) is None
    assert publishes.may_publish("t", 0.0, retain=False) is Exhausted.ACCOUNT_PUBLISHES
    topic = account(retained_per_s=1)
    assert topic.may_publish("t", 0.0, retain=True) is None
    assert topic.may_publish("t", 0.0, retain=True) is Exhausted.TOPIC_RETAINED
    assert topic.may_publish("t", 0.0, retain=False) is None
    assert topic.may_publish("u", 0.0, retain=True) is None
    all_topics = account(account_retained_per_s=1)
    assert all_topics.may_publish("t", 0.0, retain=True) is None
    assert all_topics.may_publish("u", 0.0, retain=True) is Exhausted.ACCOUNT_RETAINED


def test_each_filter_is_a_subscription() -> None:
    """Three filters in one SUBSCRIBE count three."""
    one = account(account_subscriptions_per_s=4)
    assert one.may_subscribe(3, 0.0)
    assert not one.may_subscribe(3, 0.0)


def test_deliveries_are_granted_as_far_as_they_go() -> None:
    """A fan-out to more gets what is left."""
    one = account(account_publishes_out_per_s=10)
    assert one.deliveries(7, 0.0) == 7
    assert one.deliveries(7, 0.0) == 3
    assert one.deliveries(7, 1.0) == 7


def test_without_rates_everything_goes() -> None:
    """Every one of them can be switched off."""
    free = account()
    for _ in range(100):
        assert free.may_connect("a", 0.0)
        assert free.may_publish("t", 0.0, retain=True) is None
        assert free.may_subscribe(8, 0.0)
        assert free.deliveries(1_000, 0.0) == 1_000
    free.forget(0.0)
