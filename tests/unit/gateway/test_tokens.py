"""Service tokens: verified against keys that are fetched when needed, one fetch at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.errors import IssuerUnavailable, KeySetUnavailable, NotAuthenticated
from gateway.tokens import ServiceTokens
from tests.unit.gateway.publishers import let_others_run
from tests.unit.issuer import Issuer, jwk, jwks
from wire.claims import Expected
from wire.jwks_cache import JwksTimes
from wire.token import TokenRules

RULES = TokenRules(
    algorithms=frozenset({"ES256"}),
    expected=Expected(issuer="https://issuer", audiences=("gateway",)),
)
KEYS = jwks(jwk("p256", kid="a", alg="ES256", use="sig"))


def token(*, kid: str | None = "a", number: int = 0, **claims: object) -> str:
    """Return a token of the shop."""
    payload = {
        "sub": "shop",
        "iss": "https://issuer",
        "aud": "gateway",
        "exp": int(time.time()) + 3_600,  # made when tests are collected
        "publish": ["user:*"],
    }
    kept = {name: value for name, value in (payload | claims).items() if value is not None}
    return Issuer(algorithm="ES256", number=number).sign(kept, kid=kid)


class World:
    """An issuer whose key set can be had, or not."""

    def __init__(self) -> None:
        self.answer: bytes | Exception = KEYS
        self.fetches = 0
        self.gate: asyncio.Event | None = None
        times = JwksTimes(min_interval_s=30)
        self.tokens = ServiceTokens(rules=RULES, fetch=self.fetch, times=times, rate_per_s=9)

    async def fetch(self) -> bytes:
        """Bring the document."""
        self.fetches += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An issuer that answers."""
    made = World()
    yield made
    await made.tokens.close()


async def test_a_good_token_speaks_for_its_service(world: World) -> None:
    """Keys are fetched once, and serve every token after."""
    for _ in range(3):
        service = await world.tokens.service(token())
    assert (service.name, service.rate_per_s, [str(p) for p in service.publish]) == (
        "shop",
        9,
        ["user:*"],
    )
    assert world.fetches == 1


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("nonsense", "malformed"),
        (token(exp=1), "expired"),
        (token(iss="https://other"), "wrong_issuer"),
        (token(aud="browser"), "wrong_audience"),
        (token(aud=None), "missing_claim"),
        (token(number=1), "bad_signature"),
        (token(kid="b"), "unknown_key"),
        (token(sub="Not A Name"), "invalid_claim"),
    ],
)
async def test_refuses_with_the_reason(world: World, shown: str, reason: str) -> None:
    """The caller learns why; the text holds no part of the token."""
    with pytest.raises(NotAuthenticated) as caught:
        await world.tokens.service(shown)
    assert caught.value.reason == reason
    assert shown not in str(caught.value)


async def test_waits_for_the_first_keys_once(world: World) -> None:
    """Requests that come together share one fetch."""
    world.gate = asyncio.Event()
    several = [asyncio.create_task(world.tokens.service(token())) for _ in range(5)]
    await let_others_run()
    assert world.fetches == 1
    world.gate.set()
    assert {(await task).name for task in several} == {"shop"}


async def test_who_goes_away_takes_the_keys_from_nobody(world: World) -> None:
    """The fetch goes on for those who still wait."""
    world.gate = asyncio.Event()
    first = asyncio.create_task(world.tokens.service(token()))
    await let_others_run()
    second = asyncio.create_task(world.tokens.service(token()))
    await let_others_run()
    first.cancel()
    await let_others_run()
    world.gate.set()
    assert (await second).name == "shop"


@pytest.mark.parametrize("trouble", [KeySetUnavailable("down"), b"{}"])
async def test_without_keys_nobody_knows(world: World, trouble: bytes | Exception) -> None:
    """That is our trouble and not the caller's; the issuer is not asked again at once."""
    world.answer = trouble
    for _ in range(2):
        with pytest.raises(IssuerUnavailable):
            await world.tokens.service(token())
    assert world.fetches == 1


async def test_invented_keys_cost_the_issuer_one_fetch(world: World) -> None:
    """Unknown key ids ask once per interval, whatever they are."""
    await world.tokens.service(token())
    for kid in ("b", "c", "d"):
        with pytest.raises(NotAuthenticated):
            await world.tokens.service(token(kid=kid))
    assert world.fetches <= 2


async def test_closing_ends_a_fetch(world: World) -> None:
    """Nothing is left running."""
    world.gate = asyncio.Event()
    waiting = asyncio.create_task(world.tokens.service(token()))
    await let_others_run()
    await world.tokens.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
