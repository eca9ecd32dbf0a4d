"""Which error becomes which HTTP answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from gateway import problems
from gateway.errors import (
    AdminRequired,
    BodyTooLarge,
    BodyTooSlow,
    ChangedEvent,
    ClientNotConnected,
    CredentialsFailed,
    EventTooLarge,
    FieldProblem,
    InvalidClientId,
    InvalidEvent,
    InvalidQuery,
    IssuerUnavailable,
    MalformedBody,
    NotAllowed,
    NotAuthenticated,
    OutboxFull,
    OutboxUnavailable,
    Overloaded,
    PublishDenied,
    PublishFailed,
    PublishInvalid,
    PublishThrottled,
    PublishTimedOut,
    PublishUnavailable,
    RateExceeded,
    RequestRefused,
    TooManyEvents,
    TooManyStreams,
    UnknownEvent,
    UnknownSender,
    UnsupportedMedia,
    WrongState,
)

FIELD = FieldProblem(pointer="/qos", problem="must be a whole number from 0 to 1")


def body_of(response: web.Response) -> dict[str, Any]:
    """Return a problem document's members."""
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    members: dict[str, Any] = json.loads(response.body)
    assert members["status"] == response.status
    return members


REFUSALS = [
    (MalformedBody("bad"), 400, "malformed_body"),
    (InvalidEvent([FIELD]), 400, "invalid_event"),
    (NotAuthenticated("missing"), 401, "unauthenticated"),
    (UnknownSender("AROAEXAMPLE:x"), 403, "unknown_sender"),
    (NotAllowed("shop", ["everyone"], ["user:*"]), 403, "not_allowed"),
    (BodyTooSlow(10), 408, "body_too_slow"),
    (BodyTooLarge(9), 413, "body_too_large"),
    (EventTooLarge(size_bytes=10, limit_bytes=9), 413, "event_too_large"),
    (UnsupportedMedia("Content-Type", ["application/json"]), 415, "unsupported_media"),
    (RateExceeded(rate_per_s=1, wait_s=0.1), 429, "rate_exceeded"),
    (Overloaded(9), 429, "overloaded"),
    (TooManyStreams(9), 429, "too_many_streams"),
    (TooManyEvents(1_000), 413, "too_many_events"),
    (InvalidQuery("limit", "must be a whole number"), 400, "invalid_query"),
    (InvalidClientId("is none"), 400, "invalid_client_id"),
    (AdminRequired("shop"), 403, "admin_required"),
    (IssuerUnavailable(), 503, "issuer_unavailable"),
    (UnknownEvent("i"), 404, "event_not_found"),
    (ChangedEvent("i"), 409, "changed_event"),
    (WrongState("i", state="published", needed="failed"), 409, "wrong_state"),
    (OutboxFull(9), 429, "outbox_full"),
    (OutboxUnavailable("disk_full"), 503, "outbox_unavailable"),
]


@pytest.mark.parametrize(("error", "status", "code"), REFUSALS)
def test_a_refusal_has_its_status_and_code(error: RequestRefused, status: int, code: str) -> None:
    """Each refusal is told apart by machines, and its words reach people."""
    members = body_of(problems.refusal(error).response())
    assert (members["status"], members["code"]) == (status, code)
    assert members["detail"] == str(error)


def test_every_refusal_has_an_answer() -> None:
    """A new class of refusal without an answer is seen here and not by a caller."""
    answered = {type(error) for error, _, _ in REFUSALS}
    assert set(RequestRefused.__subclasses__()) == answered


def test_an_invalid_event_lists_what_and_where() -> None:
    """Every problem with its pointer; a hint where there is one."""
    hinted = FieldProblem(pointer="/typ", problem="is not a field of an event", hint="type")
    members = body_of(problems.refusal(InvalidEvent([FIELD, hinted])).response())
    assert members["errors"] == [
        {"pointer": "/qos", "detail": "must be a whole number from 0 to 1"},
        {"pointer": "/typ", "detail": "is not a field of an event", "hint": "type"},
    ]


def test_limits_are_numbers_for_machines() -> None:
    """A limit stands in the document, not only in its words."""
    assert body_of(problems.refusal(MalformedBody("deep", limit=64)).response())["limit"] == 64
    members = body_of(problems.refusal(EventTooLarge(size_bytes=10, limit_bytes=9)).response())
    assert (members["size"], members["limit"]) == (10, 9)


@pytest.mark.parametrize(
    ("reason", "challenge"),
    [
        ("missing", 'Bearer realm="gateway"'),
        ("unknown_key", 'Bearer realm="gateway", error="invalid_token"'),
    ],
)
def test_a_401_has_its_challenge(reason: str, challenge: str) -> None:
    """RFC 6750 section 3: no error code where nothing was shown."""
    response = problems.refusal(NotAuthenticated(reason)).response()
    assert response.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize(
    ("header", "answer"), [("Content-Type", "Accept-Post"), ("Content-Encoding", "Accept-Encoding")]
)
def test_a_415_says_what_would_be_taken(header: str, answer: str) -> None:
    """RFC 9110 section 15.5.16."""
    response = problems.refusal(UnsupportedMedia(header, ["a", "b"])).response()
    assert response.headers[answer] == "a, b"


@pytest.mark.parametrize(
    ("wait_s", "says"), [(0.01, "1"), (1.2, "2"), (float("inf"), "86400"), (60, "60")]
)
def test_retry_after_is_whole_seconds_rounded_up(wait_s: float, says: str) -> None:
    """Who waits as told does not come too early."""
    response = problems.refusal(RateExceeded(rate_per_s=1, wait_s=wait_s)).response()
    assert response.headers["Retry-After"] == says


def test_errors_of_aiohttp_become_problems() -> None:
    """Unknown paths, wrong methods and the rest answer like everything else."""
    assert body_of(problems.http_error(web.HTTPNotFound()).response())["code"] == "not_found"
    wrong = problems.http_error(web.HTTPMethodNotAllowed("GET", ["POST"])).response()
    assert body_of(wrong)["detail"] == "this path takes POST"
    assert wrong.headers["Allow"] == "POST"
    other = problems.http_error(web.HTTPExpectationFailed()).response()
    assert body_of(other)["code"] == "expectation_failed"


def test_a_bug_tells_nothing_but_where_to_look() -> None:
    """The caller gets the request id, and no word of what happened."""
    members = body_of(problems.unexpected("r-1").response())
    assert (members["status"], members["requestId"]) == (500, "r-1")


def test_nothing_taken_tells_the_first_and_all() -> None:
    """The first event's status, the results as ever."""
    errors = [InvalidEvent([FIELD]), NotAllowed("shop", ["everyone"], [])]
    members = body_of(problems.nothing_taken(errors, {"results": [1, 2]}).response())
    assert (members["status"], members["code"], members["results"]) == (
        400,
        "nothing_taken",
        [1, 2],
    )
    assert members["detail"].startswith("none of the 2 events was taken; the first: /qos")


def test_a_refusal_that_may_pass_decides_for_all() -> None:
    """And the longest time to wait is told."""
    errors = [InvalidEvent([FIELD]), OutboxFull(9), RateExceeded(rate_per_s=1, wait_s=7)]
    response = problems.nothing_taken(errors, {}).response()
    assert (response.status, response.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ClientNotConnected("x"), 404, "client_not_connected"),
        (PublishThrottled("x"), 429, "iot_throttled"),
        (PublishUnavailable("x"), 503, "iot_unavailable"),
        (CredentialsFailed("x"), 503, "iot_credentials_failed"),
        (PublishTimedOut("x"), 504, "iot_timed_out"),
        (PublishDenied("x"), 502, "iot_denied"),
        (PublishInvalid("x"), 502, "iot_invalid"),
    ],
)
def test_trouble_with_connections(failure: PublishFailed, status: int, code: str) -> None:
    """Retry-After stands where trying again makes sense."""
    response = problems.connection_trouble(failure).response()
    assert (response.status, body_of(response)["code"]) == (status, code)
    assert ("Retry-After" in response.headers) == failure.retryable
