"""Reachability: whether IoT Core can be published to, by what was last seen of it.

Owns the judgement behind readiness.
Does not: probe anything or read a clock; the shell reports what it saw and when.
"""

from __future__ import annotations


class Reachability:
    """Remember the last contact with the IoT endpoint.

    Theory of operation: any answer of the endpoint counts as contact, also a refusal: readiness is
    about the road, not about one event. Not reachable until the first contact; after trouble not
    reachable until the next contact; a contact older than `fresh_s` no longer counts, so a prober
    that died shows.

    Args:
        fresh_s: How long one contact counts, seconds.
    """

    def __init__(self, *, fresh_s: float) -> None:
        self._fresh_s = fresh_s
        self._contact_at: float | None = None
        self._trouble: str | None = "no contact so far"

    def saw_contact(self, now: float) -> None:
        """Note that the endpoint answered."""
        self._contact_at = now
        self._trouble = None

    def saw_trouble(self, trouble: str) -> None:
        """Note that it could not be reached; `trouble` is a short code, not the peer's text."""
        self._trouble = trouble

    def trouble(self, now: float) -> str | None:
        """Return why the endpoint counts as not reachable, or None when it does."""
        if self._trouble is not None:
            return self._trouble
        age_s = self.contact_age_s(now)
        if age_s is None or age_s > self._fresh_s:
            return "no recent contact"
        return None

    def contact_age_s(self, now: float) -> float | None:
        """Return seconds since the last contact, or None if there was none."""
        return None if self._contact_at is None else max(0.0, now - self._contact_at)
