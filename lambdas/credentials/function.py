"""One credential request from end to end.

Owns the order of the steps and the one log line they leave. Each step is a module of its own.

    route → bearer token → verify → body → grant → session policy → AssumeRole → signed URL

The token comes before the body, so that a caller without one learns nothing about the API, and
everything that can be refused is refused before AWS is called.

Source: docs/design.md, "Credential API".
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from lambdas.credentials.answer import Answer, granted, reason_of, refused
from lambdas.credentials.request import bearer_token, check_route, requested_device
from lambdas.credentials.role_session import role_session_name, session_seconds
from lambdas.credentials.signed_url import signed_url
from wire.grant import grant_for
from wire.policy import compile_session_policy
from wire.token import key_id, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambdas.credentials.client_role import ClientRole
    from lambdas.credentials.key_source import KeySource
    from lambdas.credentials.settings import Settings

log = logging.getLogger(__name__)

_DEVICE_BYTES: Final = 12
"""Random bytes in a device made here: 96 bits, 16 characters of A-Z a-z 0-9 _ -."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class CredentialFunction:
    """The function of one container.

    Args:
        settings: What the container is told.
        keys: Verifies tokens.
        role: Hands out credentials.
        clock: The time, UTC.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keys: KeySource,
        role: ClientRole,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._role = role
        self._clock = clock

    def __call__(self, event: Mapping[str, object], context: object = None) -> Answer:
        """Answer one event; every failure becomes an answer."""
        del context
        started_s = time.perf_counter()
        facts: dict[str, object] = {"api_request_id": _request_id(event)}
        try:
            answer = self._grant(event, facts)
            facts |= {"outcome": "granted", "reason": None}
        except Exception as error:  # the top of the task: log once, answer
            answer = refused(error)
            facts |= {"outcome": _outcome(answer), "reason": reason_of(error)}
            _log_cause(error, answer)
        facts |= {"status": answer["statusCode"], "total_ms": _ms_since(started_s)}
        log.info("credentials request", extra=facts)
        return answer

    def _grant(self, event: Mapping[str, object], facts: dict[str, object]) -> Answer:
        settings, now, started_s = self._settings, self._clock(), time.perf_counter()
        check_route(event)
        token = bearer_token(event)
        kid = key_id(token, settings.token_rules)
        keys = self._keys.keys(kid, now.timestamp())
        claims = verify(token, keys=keys, rules=settings.token_rules, now=now)
        facts["token_ms"] = _ms_since(started_s)

        device = requested_device(event) or secrets.token_urlsafe(_DEVICE_BYTES)
        grant = grant_for(claims, device, settings.namespace)
        facts["client_id"] = grant.client_id
        policy = compile_session_policy(grant, partition=settings.partition)
        facts["session_policy_chars"] = len(policy)

        duration_s = session_seconds(
            token_expires_at=claims.expires_at, now=now, configured_s=settings.duration_s
        )
        started_s = time.perf_counter()
        try:
            credentials = self._role.assume(
                session_name=role_session_name(grant.user_id),
                policy=policy,
                duration_s=duration_s,
            )
        finally:
            facts |= {"sts_ms": _ms_since(started_s), "duration_s": duration_s}
        facts["packed_policy_percent"] = credentials.packed_policy_percent

        url = signed_url(
            settings.iot_endpoint,
            region=settings.region,
            credentials=credentials,
            # Not `now`: IoT counts its 5 minutes from here, and STS may have taken seconds.
            now=self._clock(),
        )
        return granted(
            grant=grant,
            credentials=credentials,
            endpoint=settings.iot_endpoint,
            region=settings.region,
            url=url,
        )


def _outcome(answer: Answer) -> str:
    status = answer["statusCode"]
    upstream = isinstance(status, int) and status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return "failed" if upstream else "refused"


def _log_cause(error: Exception, answer: Answer) -> None:
    status = answer["statusCode"]
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("credentials request failed", exc_info=error)
    elif status == HTTPStatus.BAD_GATEWAY:
        log.warning("upstream failed", extra={"reason": reason_of(error), "problem": str(error)})


def _request_id(event: Mapping[str, object]) -> object:
    context = event.get("requestContext")
    return context.get("requestId") if isinstance(context, dict) else None


def _ms_since(started_s: float) -> float:
    return round((time.perf_counter() - started_s) * 1000, 2)
