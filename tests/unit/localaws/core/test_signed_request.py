"""What a request says about its signature is read strictly."""

from __future__ import annotations

import hashlib

import pytest

from localaws.core.refusal import Refusal
from localaws.core.signed_request import (
    API_WINDOW_S,
    IOT_WORDING,
    JSON_WORDING,
    QUERY_WORDING,
    Request,
    Rules,
    iot_rules,
    read_authorization,
    read_query,
)
from tests.unit.localaws.core import signing

IOT = iot_rules("us-east-1")
QUERY = Rules(wording=QUERY_WORDING, window_s=API_WINDOW_S)
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260102/us-east-1/sts/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=abc"
)


def request(authorization: str | None = AUTHORIZATION, **more: str) -> Request:
    """Return a header-signed request."""
    headers = {"host": "h", "x-amz-date": signing.STAMP, **more}
    if authorization is not None:
        headers["authorization"] = authorization
    return Request(method="POST", path="/", query="a=1", headers=headers, body=b"body")


def test_an_authorization_header_is_read() -> None:
    """All parts of the claim come from headers, the hash from the body."""
    claim = read_authorization(request(), QUERY)
    assert not isinstance(claim, Refusal)
    assert claim.access_key_id == "AKIAEXAMPLE"
    assert str(claim.scope) == "20260102/us-east-1/sts/aws4_request"
    assert claim.signed_at == signing.NOW
    assert claim.signed_headers == ("host", "x-amz-date")
    assert claim.signature == "abc"
    assert claim.session_token is None
    assert claim.lifetime_s is None
    assert claim.parameters == (("a", "1"),)
    assert claim.payload_sha256 == hashlib.sha256(b"body").hexdigest()


def test_a_declared_hash_never_replaces_the_real_one() -> None:
    """x-amz-content-sha256 counts only where it is the body's own."""
    actual = hashlib.sha256(b"body").hexdigest()
    honest = read_authorization(request(**{"x-amz-content-sha256": actual}), QUERY)
    forged = read_authorization(request(**{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}), QUERY)
    assert not isinstance(honest, Refusal)
    assert not isinstance(forged, Refusal)
    assert honest.payload_sha256 == actual
    assert forged.payload_sha256 not in (actual, "UNSIGNED-PAYLOAD")


@pytest.mark.parametrize(
    ("rules", "status", "code"),
    [
        (QUERY, 403, "MissingAuthenticationToken"),
        (Rules(wording=JSON_WORDING, window_s=1), 400, "MissingAuthenticationTokenException"),
        (IOT, 403, "ForbiddenException"),
    ],
)
def test_an_unsigned_request_is_refused(rules: Rules, status: int, code: str) -> None:
    """Each family has its own code for it, in headers and in queries."""
    for read in (read_authorization, read_query):
        refusal = read(request(None), rules)
        assert isinstance(refusal, Refusal)
        assert (refusal.status, refusal.code) == (status, code)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer abc",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/s/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/s/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/aws4_request, SignedHeaders=host, Signature=b",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/s/aws3_request, SignedHeaders=host, Signature=b",
        "AWS4-HMAC-SHA256 Credential=a/20260102//s/aws4_request, SignedHeaders=host, Signature=b",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/s/aws4_request, SignedHeaders=date, Signature=b",
    ],
)
def test_an_incomplete_authorization_is_refused(authorization: str) -> None:
    """Every part must be there, and the host must be signed."""
    refusal = read_authorization(request(authorization), QUERY)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (400, "IncompleteSignature")


@pytest.mark.parametrize(
    "stamp", ["", "2026-01-02", "20260102T030405", "20261302T030405Z", "x" * 16]
)
def test_a_date_that_is_none_is_refused(stamp: str) -> None:
    """X-Amz-Date is ISO 8601 basic format, in UTC."""
    refusal = read_authorization(request(**{"x-amz-date": stamp}), QUERY)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "IncompleteSignature"


def test_the_token_and_the_signature_are_not_among_the_signed_parameters() -> None:
    """The rest of a handshake's query is, X-Amz-Expires included."""
    arrived = signing.with_expires(signing.SESSION, 60)
    claim = read_query(arrived, IOT)
    assert not isinstance(claim, Refusal)
    assert claim.session_token == signing.TOKEN
    assert claim.lifetime_s == 60
    assert [name for name, _ in claim.parameters] == [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=date"),
        ("X-Amz-Date=20260102T030405Z", "X-Amz-Date=now"),
        ("X-Amz-Expires=60", "X-Amz-Expires=-60"),
        ("X-Amz-Expires=60", "X-Amz-Expires=1e3"),
        ("X-Amz-Expires=60", "X-Amz-Expires=1234567890"),
        ("X-Amz-Expires=60", "X-Amz-Expires=60&X-Amz-Expires=60"),
        ("X-Amz-Expires=60", "X-Amz-Expires=%FF"),
        ("X-Amz-Expires=60", "&".join(f"a{number}=1" for number in range(101))),
    ],
)
def test_an_unreadable_query_is_refused(old: str, new: str) -> None:
    """The device gateway answers all of it with 403."""
    refusal = read_query(signing.changed(signing.with_expires(signing.USER, 60), old, new), IOT)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (403, IOT_WORDING.incomplete)


def test_an_unreadable_query_next_to_a_header_is_refused() -> None:
    """Header-signed requests sign their query too."""
    arrived = Request(
        method="GET",
        path="/",
        query="a=%FF",
        headers={"host": "h", "x-amz-date": signing.STAMP, "authorization": AUTHORIZATION},
    )
    refusal = read_authorization(arrived, QUERY)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "IncompleteSignature"
