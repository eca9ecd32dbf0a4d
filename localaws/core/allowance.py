"""A rate that may not be exceeded, as a bucket that fills again with time.

Owns the count; what happens to the excess is the caller's business. AWS does not document its
algorithm: one second's worth at once, refilled evenly, is our reading of "per second".
"""


class Allowance:
    """So many per second, one second's worth at once."""

    __slots__ = ("_at", "_left", "_per_s")

    def __init__(self, per_s: float, now: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at = now

    def take(self, now: float) -> bool:
        """Use one; False when none is left."""
        if now > self._at:
            self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
            self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
