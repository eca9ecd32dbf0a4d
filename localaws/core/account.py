"""What the whole account may do in a second, and each client id and topic in it.

Owns the rates of `Quotas` that are not one connection's, and which of them a request has used up.
Does not refuse: the callers do, each in its protocol's way.

Source: aws-iot-facts 3.11 and 8.
"""

from localaws.core.allowance import Allowance, Allowances
from localaws.core.quotas import Exhausted, Quotas


class Account:
    """The account's rates."""

    __slots__ = (
        "_connects",
        "_connects_of",
        "_publishes_in",
        "_publishes_out",
        "_retained",
        "_retained_at",
        "_subscriptions",
    )

    def __init__(self, quotas: Quotas) -> None:
        self._connects = _allowance(quotas.account_connects_per_s)
        self._connects_of = Allowances(quotas.connects_per_s)
        self._publishes_in = _allowance(quotas.account_publishes_in_per_s)
        self._publishes_out = _allowance(quotas.account_publishes_out_per_s)
        self._retained = _allowance(quotas.account_retained_per_s)
        self._retained_at = Allowances(quotas.retained_per_s)
        self._subscriptions = _allowance(quotas.account_subscriptions_per_s)

    def may_connect(self, client_id: str, now: float) -> bool:
        """Use one CONNECT of a client id and of the account."""
        return self._connects_of.take(client_id, now) and _take(self._connects, now)

    def may_publish(self, topic: str, now: float, *, retain: bool) -> Exhausted | None:
        """Use one publish; None if there was one left."""
        if not _take(self._publishes_in, now):
            return Exhausted.ACCOUNT_PUBLISHES
        if retain:
            if not self._retained_at.take(topic, now):
                return Exhausted.TOPIC_RETAINED
            if not _take(self._retained, now):
                return Exhausted.ACCOUNT_RETAINED
        return None

    def may_subscribe(self, filters: int, now: float) -> bool:
        """Use one subscription for each topic filter; True if there were enough left."""
        if self._subscriptions is None:
            return True
        return self._subscriptions.take_up_to(filters, now) == filters

    def deliveries(self, wanted: int, now: float) -> int:
        """Use one delivery for each receiver, as far as there are any, and return how many."""
        if self._publishes_out is None:
            return wanted
        return self._publishes_out.take_up_to(wanted, now)

    def forget(self, now: float) -> None:
        """Drop what no longer limits anybody."""
        self._connects_of.forget(now)
        self._retained_at.forget(now)


def _allowance(per_s: float | None) -> Allowance | None:
    # The epoch: a bucket starts full whenever that is.
    return None if per_s is None else Allowance(per_s, 0.0)


def _take(allowance: Allowance | None, now: float) -> bool:
    return allowance is None or allowance.take(now)
