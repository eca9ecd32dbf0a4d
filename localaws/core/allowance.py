"""Rates that may not be exceeded, as buckets that fill again with time.

Owns the count; what happens to the excess is the caller's business. AWS does not document its
algorithm: one second's worth at once, refilled evenly, is our reading of "per second".
"""


class Allowance:
    """So many per second, one second's worth at once."""

    __slots__ = ("_at", "_left", "_per_s", "_size")

    def __init__(self, per_s: float, now: float) -> None:
        self._per_s = per_s
        # A rate below one a second must still allow one.
        self._left = self._size = max(per_s, 1.0)
        self._at = now

    def take(self, now: float) -> bool:
        """Use one; False when none is left."""
        self._refill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def take_up_to(self, wanted: int, now: float) -> int:
        """Use as many as are left of those wanted, and return how many that were."""
        self._refill(now)
        granted = min(wanted, int(self._left))
        self._left -= granted
        return granted

    def spend(self, amount: float, now: float) -> None:
        """Use an amount, even more than is left: what is missing must refill first."""
        self._refill(now)
        self._left -= amount

    def wait_s(self, now: float) -> float:
        """Return how long until something is left: 0 when something is."""
        self._refill(now)
        return max(0.0, -self._left / self._per_s)

    def full(self, now: float) -> bool:
        """True when nothing was used lately, so that it can be forgotten."""
        self._refill(now)
        return self._left >= self._size

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._left = min(self._size, self._left + (now - self._at) * self._per_s)
            self._at = now


class Allowances:
    """The same rate for each of many keys: client ids, topics.

    Attributes:
        per_s: None allows everything.
    """

    __slots__ = ("_by_key", "per_s")

    def __init__(self, per_s: float | None) -> None:
        self.per_s = per_s
        self._by_key: dict[str, Allowance] = {}

    def take(self, key: str, now: float) -> bool:
        """Use one of a key's; False when none is left."""
        if self.per_s is None:
            return True
        allowance = self._by_key.get(key)
        if allowance is None:
            allowance = self._by_key[key] = Allowance(self.per_s, now)
        return allowance.take(now)

    def forget(self, now: float) -> None:
        """Drop what has filled up again."""
        if self._by_key:
            self._by_key = {
                key: allowance for key, allowance in self._by_key.items() if not allowance.full(now)
            }

    def __len__(self) -> int:
        return len(self._by_key)
