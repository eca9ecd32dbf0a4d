"""Service tokens against a real gateway: an issuer's JWT in place of a key, and its limits."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.key_file import write_keys
from gateway.keys import Keyring, new_key
from tests.integration.gateway_process import GatewayProcess, environment, gateway_process
from tests.integration.gateway_stub import stub_iot
from tests.unit.issuer import Issuer, jwk, jwks

AUDIENCE = "event-gateway"
KEYS = jwks(jwk("p256", kid="a", alg="ES256", use="sig"))


class PublishedIssuer:
    """An issuer whose key set is served, and counted."""

    def __init__(self) -> None:
        self.url = ""
        self.document = KEYS
        self.fetches = 0

    async def serve(self, _request: web.Request) -> web.Response:
        """Answer with the key set."""
        self.fetches += 1
        return web.Response(body=self.document, content_type="application/json")

    def token(self, *, kid: str = "a", number: int = 0, **claims: object) -> str:
        """Return a token of the shop."""
        payload = {
            "sub": "shop",
            "iss": self.url,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 60,
            "publish": ["user:*"],
        }
        return Issuer(algorithm="ES256", number=number).sign(payload | claims, kid=kid)


@pytest.fixture
async def issuer() -> AsyncIterator[PublishedIssuer]:
    """An issuer on a port of its own."""
    made = PublishedIssuer()
    app = web.Application()
    app.add_routes([web.get("/jwks", made.serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@asynccontextmanager
async def gateway(issuer: PublishedIssuer, **settings: str) -> AsyncIterator[GatewayProcess]:
    """Run a gateway that takes the issuer's tokens."""
    async with stub_iot() as stub:
        environ = environment(
            GATEWAY_IOT_ENDPOINT=stub.url,
            GATEWAY_JWKS_URL=f"{issuer.url}/jwks",
            GATEWAY_JWT_ISSUER=issuer.url,
            GATEWAY_JWT_AUDIENCE=AUDIENCE,
            GATEWAY_JWT_ALGORITHMS="ES256",
            **settings,
        )
        async with gateway_process(environ) as running:
            yield running


async def call(url: str, shown: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
    """Call with a key or token; return status and answer."""
    headers = {"Authorization": f"Bearer {shown}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def event(**changes: object) -> dict[str, object]:
    """Return an event."""
    return {"to": "user:42", "type": "t", "data": 1, "id": "i"} | changes


async def test_a_token_is_enough(issuer: PublishedIssuer) -> None:
    """No keys file is needed; `publish` bounds the addresses; keys are fetched once."""
    async with gateway(issuer) as running:
        events = f"{running.url}/v1/events"
        for number in range(3):
            status, _ = await call(events, issuer.token(), "POST", event(id=f"i-{number}"))
            assert status == 202
        status, answer = await call(events, issuer.token(), "POST", event(to="everyone"))
        assert (status, answer["refused"], answer["allowed"]) == (403, ["everyone"], ["user:*"])
        status, answer = await call(f"{running.url}/v1/clients/shop.42.tab", issuer.token())
        assert (status, answer["code"]) == (403, "admin_required")
        assert issuer.fetches == 1


async def test_says_why_a_token_proves_nothing(issuer: PublishedIssuer) -> None:
    """Above all that a token for browsers is none for services."""
    async with gateway(issuer) as running:
        events = f"{running.url}/v1/events"
        for shown, reason in (
            (issuer.token(aud="browsers"), "wrong_audience"),
            (issuer.token(iss="https://other.example"), "wrong_issuer"),
            (issuer.token(exp=1), "expired"),
            (issuer.token(number=1), "bad_signature"),
            (Issuer(algorithm="HS256").sign({"sub": "shop"}), "algorithm_not_allowed"),
            ("nonsense", "malformed"),
        ):
            status, answer = await call(events, shown, "POST", event())
            assert (status, answer["code"], answer["reason"]) == (401, "unauthenticated", reason)


async def test_keys_and_tokens_of_one_name_are_one_service(
    issuer: PublishedIssuer, tmp_path: Path
) -> None:
    """They see the same events, and nobody else's."""
    key, kept = new_key(
        name="shop",
        publish=["*"],
        rate_per_s=None,
        admin=False,
        now=datetime(2026, 1, 31, tzinfo=UTC),
    )
    write_keys(tmp_path / "keys.json", Keyring([kept]))
    async with gateway(issuer, GATEWAY_KEYS_FILE=str(tmp_path / "keys.json")) as running:
        events = f"{running.url}/v1/events"
        assert (await call(events, key.reveal(), "POST", event()))[0] == 202
        assert (await call(f"{events}/i", issuer.token()))[0] == 200
        assert (await call(f"{events}/i", issuer.token(sub="bank")))[0] == 404
        operator = issuer.token(sub="ops", admin=True)
        assert (await call(f"{events}/i?service=shop", operator))[0] == 200
        assert (await call(f"{events}/i?service=shop", issuer.token(sub="bank")))[0] == 403


async def test_a_rate_holds_for_all_tokens_of_a_service(issuer: PublishedIssuer) -> None:
    """A new token does not bring a new rate."""
    async with gateway(issuer, GATEWAY_JWT_RATE_PER_S="1") as running:
        events = f"{running.url}/v1/events"
        statuses = [
            (await call(events, issuer.token(jti=number), "POST", event(id=f"i-{number}")))[0]
            for number in range(3)
        ]
        assert statuses[0] == 202
        assert 429 in statuses
        other = issuer.token(sub="bank")
        assert (await call(events, other, "POST", event()))[0] == 202


async def test_without_keys_nobody_knows(issuer: PublishedIssuer) -> None:
    """A broken key set is the gateway's trouble: 503, and a line in its log."""
    issuer.document = b"{}"
    async with gateway(issuer) as running:
        status, answer = await call(f"{running.url}/v1/events", issuer.token(), "POST", event())
        assert (status, answer["code"]) == (503, "issuer_unavailable")
        assert (await running.line("jwks fetch failed"))["problem"]
