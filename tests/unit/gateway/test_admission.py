"""Admission knows who is calling, and stops who is too fast."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.admission import Admission
from gateway.core.service import ANYBODY, Service
from gateway.errors import NotAuthenticated, RateExceeded
from gateway.keys import Keyring, ServiceKey, new_key
from gateway.tokens import ServiceTokens


def made(rate_per_s: float | None) -> tuple[str, ServiceKey]:
    """Make a key; return its text and what is kept."""
    now = datetime(2026, 1, 31, tzinfo=UTC)
    key, kept = new_key(name="shop", publish=["*"], rate_per_s=rate_per_s, admin=False, now=now)
    return key.reveal(), kept


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER   {}  "])
async def test_identifies_by_bearer_key(form: str) -> None:
    """The scheme's case and blanks do not matter. Source: RFC 9110 section 11.1."""
    key, kept = made(None)
    assert await Admission(Keyring([kept])).identify(form.format(key)) == kept.service


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
async def test_refuses_everybody_else(header: str | None, reason: str) -> None:
    """Nothing shown and something unknown are told apart."""
    with pytest.raises(NotAuthenticated) as caught:
        await Admission(Keyring([made(None)[1]])).identify(header)
    assert caught.value.reason == reason


async def test_lets_everybody_in_when_told_so() -> None:
    """Without authentication every caller is `anybody`, unbounded."""
    admission = Admission(Keyring(), insecure_no_auth=True)
    assert await admission.identify(None) is ANYBODY
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


async def test_a_replaced_keyring_is_in_force_at_once() -> None:
    """Revoked keys are out, new ones in, and what was used still counts."""
    key, kept = made(1)
    other, other_kept = made(1)
    admission = Admission(Keyring([kept]))
    admission.count(kept.service, 1, 0.0)
    admission.replace(Keyring([kept, other_kept]))
    assert await admission.identify(f"Bearer {other}") == other_kept.service
    with pytest.raises(RateExceeded):
        admission.count(kept.service, 1, 0.0)
    admission.replace(Keyring([other_kept]))
    with pytest.raises(NotAuthenticated):
        await admission.identify(f"Bearer {key}")


def test_counts_as_many_of_a_batch_as_there_is_room_for() -> None:
    """The rest is refused with the time to wait; a batch that fits costs one look."""
    admission = Admission(Keyring())
    service = made(5)[1].service
    assert admission.count_each(service, 3, 0.0) == (3, None)
    counted, refusal = admission.count_each(service, 4, 0.0)
    assert counted == 2
    assert refusal is not None
    assert refusal.wait_s == pytest.approx(0.2)
    assert admission.count_each(service, 0, 0.0) == (0, None)


class Tokens(ServiceTokens):
    """Takes one token."""

    def __init__(self) -> None: ...

    async def service(self, token: str) -> Service:
        """Know the one."""
        if token != "good":
            raise NotAuthenticated("malformed", "It is none.")
        return Service(name="shop", credential_id="jwt:shop", publish=(), rate_per_s=1)


async def test_a_key_and_a_token_are_told_apart() -> None:
    """By the start of a key, so that neither is looked for in the other's place."""
    key, kept = made(None)
    admission = Admission(Keyring([kept]), tokens=Tokens())
    assert await admission.identify(f"Bearer {key}") == kept.service
    assert (await admission.identify("Bearer good")).credential_id == "jwt:shop"
    for shown, reason in (("swk_wrong", "unknown_key"), ("bad", "malformed")):
        with pytest.raises(NotAuthenticated) as caught:
            await admission.identify(f"Bearer {shown}")
        assert caught.value.reason == reason


async def test_a_reload_of_the_keys_forgives_no_token() -> None:
    """What tokens have used still counts."""
    admission = Admission(Keyring(), tokens=Tokens())
    service = await admission.identify("Bearer good")
    admission.count(service, 1, 0.0)
    admission.replace(Keyring())
    with pytest.raises(RateExceeded):
        admission.count(service, 1, 0.0)


def test_remembers_a_bounded_number_of_services() -> None:
    """An issuer may name any number; the oldest are forgotten."""
    admission = Admission(Keyring())
    for number in range(10_001):
        service = Service(name="s", credential_id=f"jwt:{number}", publish=(), rate_per_s=1)
        admission.count(service, 1, 0.0)
    assert len(admission._buckets) == 10_000
