"""What service tokens need to be told: the issuer and its keys, read with the other settings.

Owns the checks that go across these settings. Does not: hold them (`gateway/settings.py`).
Source: docs/decisions/0008-event-api.md, "Service tokens".
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.jwks_fetch import jwks_fetch
from gateway.tokens import ServiceTokens
from wire.claims import Expected
from wire.jwks_cache import JwksTimes
from wire.token import TokenRules, algorithm_problems

if TYPE_CHECKING:
    from gateway.settings import Settings
    from wire.settings import EnvReader


def check_token_settings(env: EnvReader, settings: Settings) -> None:
    """Note every problem with the settings about tokens.

    Issuer and audience are required: without them any token of the same keys would do, such as
    those that users show to the credential API.
    """
    for problem in algorithm_problems(settings.jwt_algorithms, secret=False):
        env.problem("JWT_ALGORITHMS", f": {problem}")
    if settings.jwks_max_stale_s < settings.jwks_max_age_s:
        env.problem("JWKS_MAX_STALE_S", "must not be less than GATEWAY_JWKS_MAX_AGE_S")
    named = {
        "JWKS_URL": settings.jwks_url,
        "JWT_ISSUER": settings.jwt_issuer,
        "JWT_AUDIENCE": settings.jwt_audience,
    }
    if any(named.values()):
        for name, value in named.items():
            if not value:
                env.problem(name, "is required where service tokens are taken")
    if settings.jwks_url:
        _check_url(env, settings.jwks_url, insecure=settings.jwks_insecure_http)


def service_tokens(settings: Settings) -> ServiceTokens | None:
    """Return what lets services in by token, or None where none are taken."""
    if settings.jwks_url is None:
        return None
    return ServiceTokens(
        rules=TokenRules(
            algorithms=frozenset(settings.jwt_algorithms),
            expected=Expected(
                issuer=settings.jwt_issuer,
                audiences=settings.jwt_audience,
                leeway_s=settings.jwt_leeway_s,
            ),
        ),
        fetch=jwks_fetch(settings.jwks_url, timeout_s=settings.jwks_timeout_s),
        times=JwksTimes(
            max_age_s=settings.jwks_max_age_s,
            max_stale_s=settings.jwks_max_stale_s,
            min_interval_s=settings.jwks_min_interval_s,
        ),
        rate_per_s=settings.jwt_rate_per_s or None,
    )


def _check_url(env: EnvReader, url: str, *, insecure: bool) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.username is not None:
        env.problem("JWKS_URL", "must be https://<host>/…")
    elif parts.scheme == "http" and not insecure and not _loopback(host):
        env.problem("JWKS_URL", "must be https (or set GATEWAY_JWKS_INSECURE_HTTP=1)")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
