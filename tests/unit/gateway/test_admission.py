"""Admission knows who is calling, and stops who is too fast."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.admission import Admission
from gateway.core.service import ANYBODY
from gateway.errors import NotAuthenticated, RateExceeded
from gateway.keys import Keyring, ServiceKey, new_key


def made(rate_per_s: float | None) -> tuple[str, ServiceKey]:
    """Make a key; return its text and what is kept."""
    now = datetime(2026, 1, 31, tzinfo=UTC)
    key, kept = new_key(name="shop", publish=["*"], rate_per_s=rate_per_s, admin=False, now=now)
    return key.reveal(), kept


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}  "])
def test_identifies_by_bearer_key(form: str) -> None:
    """The scheme's case and blanks do not matter. Source: RFC 9110 section 11.1."""
    key, kept = made(None)
    assert Admission(Keyring([kept])).identify(form.format(key)) == kept.service


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("Bearer", "missing"),
        ("Bearer ", "missing"),
        ("Basic abc", "missing"),
        ("Bearer swk_wrong", "unknown_key"),
        ("Bearer " + "x" * 100_000, "unknown_key"),
        ("Bearer \udcff", "unknown_key"),
    ],
)
def test_refuses_everybody_else(header: str | None, reason: str) -> None:
    """Nothing shown and something unknown are told apart."""
    with pytest.raises(NotAuthenticated) as caught:
        Admission(Keyring([made(None)[1]])).identify(header)
    assert caught.value.reason == reason


def test_lets_everybody_in_when_told_so() -> None:
    """Without authentication every caller is `anybody`, unbounded."""
    admission = Admission(Keyring(), insecure_no_auth=True)
    assert admission.identify(None) is ANYBODY
    admission.count(ANYBODY, 10_000, 0.0)


def test_counts_each_key_against_its_own_rate() -> None:
    """One second's worth at once, then the rate; another key is not touched."""
    first, second = made(2)[1].service, made(2)[1].service
    admission = Admission(Keyring())
    admission.count(first, 2, 0.0)
    with pytest.raises(RateExceeded) as caught:
        admission.count(first, 1, 0.0)
    assert caught.value.wait_s == pytest.approx(0.5)
    admission.count(second, 1, 0.0)
    admission.count(first, 1, 0.5)


def test_a_slow_rate_still_lets_one_event_through() -> None:
    """One event in ten seconds is a rate, too."""
    admission = Admission(Keyring())
    service = made(0.1)[1].service
    admission.count(service, 1, 0.0)
    with pytest.raises(RateExceeded) as caught:
        admission.count(service, 1, 0.0)
    assert caught.value.wait_s == pytest.approx(10)


def test_a_replaced_keyring_is_in_force_at_once() -> None:
    """Revoked keys are out, new ones in, and what was used still counts."""
    key, kept = made(1)
    other, other_kept = made(1)
    admission = Admission(Keyring([kept]))
    admission.count(kept.service, 1, 0.0)
    admission.replace(Keyring([kept, other_kept]))
    assert admission.identify(f"Bearer {other}") == other_kept.service
    with pytest.raises(RateExceeded):
        admission.count(kept.service, 1, 0.0)
    admission.replace(Keyring([other_kept]))
    with pytest.raises(NotAuthenticated):
        admission.identify(f"Bearer {key}")
