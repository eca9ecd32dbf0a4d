"""Signatures of every known client verify, and every forgery is refused with AWS's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.refusal import Refusal
from localaws.core.signature import (
    EXPIRED_TOKEN,
    INVALID_TOKEN,
    MISMATCH,
    AccessKey,
    candidate_hosts,
    canonical_path,
    verify,
)
from localaws.core.signed_request import (
    API_WINDOW_S,
    JSON_WORDING,
    QUERY_WORDING,
    Request,
    Rules,
    iot_rules,
    read_authorization,
    read_query,
)
from tests.unit.localaws.core import signing
from wire.secret import Secret

IOT = iot_rules(signing.REGION)


def handshake_result(
    request: Request, key: AccessKey | None, now: datetime = signing.NOW
) -> Refusal | None:
    """Read and verify a handshake."""
    claim = read_query(request, IOT)
    assert not isinstance(claim, Refusal), claim
    return verify(claim, key, request, rules=IOT, now=now)


@pytest.mark.parametrize("sign", signing.CLIENTS)
@pytest.mark.parametrize("key", [signing.USER, signing.SESSION])
def test_every_known_client_is_let_in(sign: Callable[[AccessKey], Request], key: AccessKey) -> None:
    """Service name, signed headers, parameter order and host spelling differ; all verify."""
    assert handshake_result(sign(key), key) is None


@pytest.mark.parametrize("sign", signing.CLIENTS)
def test_no_known_client_gets_in_with_a_wrong_secret(
    sign: Callable[[AccessKey], Request],
) -> None:
    """The signature proves the secret."""
    wrong = replace(signing.USER, secret=Secret("another"))
    assert handshake_result(sign(signing.USER), wrong) == Refusal(
        403, "ForbiddenException", MISMATCH
    )


def test_a_signed_session_token_is_refused() -> None:
    """IoT wants the token outside the signature; stock SigV4 query signers fail here."""
    refusal = handshake_result(signing.token_signed(signing.SESSION), signing.SESSION)
    assert refusal == Refusal(403, "ForbiddenException", MISMATCH)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Date=20260102T030405Z", "X-Amz-Date=20260102T030406Z"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host&extra=1"),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bmissing"),
    ],
)
def test_a_changed_url_is_refused(old: str, new: str) -> None:
    """Whatever is signed cannot be changed."""
    request = signing.changed(signing.sdk_v1(signing.USER), old, new)
    assert handshake_result(request, signing.USER) == Refusal(403, "ForbiddenException", MISMATCH)


def test_another_path_or_host_is_refused() -> None:
    """The signature is good for one endpoint."""
    request = signing.sdk_v1(signing.USER)
    for other in (
        replace(request, path="/other"),
        replace(request, headers={**request.headers, "host": "elsewhere"}),
        replace(request, headers={}),
    ):
        refusal = handshake_result(other, signing.USER)
        assert refusal is not None
        assert refusal.message == MISMATCH


def test_keys_and_tokens_must_belong_together() -> None:
    """Unknown keys, missing tokens, foreign tokens and tokens on user keys are one refusal."""
    request = signing.sdk_v1(signing.SESSION)
    expected = Refusal(403, "ForbiddenException", INVALID_TOKEN)
    foreign = replace(signing.SESSION, session_token=Secret("another"))
    assert handshake_result(request, None) == expected
    assert handshake_result(request, foreign) == expected
    assert handshake_result(request, signing.USER) == expected
    assert handshake_result(signing.sdk_v1(signing.USER), signing.SESSION) == expected


def test_credentials_end_at_their_time() -> None:
    """The last second before the end is good, the end itself is not."""
    request = signing.sdk_v1(signing.SESSION)
    end = signing.NOW + timedelta(seconds=60)
    key = replace(signing.SESSION, expires_at=end)
    assert handshake_result(request, key, end - timedelta(seconds=1)) is None
    expected = Refusal(403, "ForbiddenException", EXPIRED_TOKEN)
    assert handshake_result(request, key, end) == expected


def test_the_window_is_five_minutes_either_way() -> None:
    """At the window's edge a signature is good; one second on it is not."""
    request = signing.sdk_v1(signing.USER)
    for seconds in (-300, 300):
        assert (
            handshake_result(request, signing.USER, signing.NOW + timedelta(seconds=seconds))
            is None
        )
    late = handshake_result(request, signing.USER, signing.NOW + timedelta(seconds=301))
    assert late is not None
    assert late.message == (
        "Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z "
        "(20260102T030906Z - 5 min.)"
    )
    early = handshake_result(request, signing.USER, signing.NOW - timedelta(seconds=301))
    assert early is not None
    assert early.message == (
        "Signature not yet current: 20260102T030405Z is still later than 20260102T030404Z "
        "(20260102T025904Z + 5 min.)"
    )


@pytest.mark.parametrize(
    ("expires", "good_s", "span"),
    [(172_800, 300, "5 min."), (60, 60, "1 min."), (90, 90, "90 sec.")],
)
def test_expires_can_shorten_the_window_only(expires: int, good_s: int, span: str) -> None:
    """A long X-Amz-Expires is ignored, a short one counts."""
    request = signing.with_expires(signing.USER, expires)
    assert handshake_result(request, signing.USER, signing.NOW + timedelta(seconds=good_s)) is None
    late = signing.NOW + timedelta(seconds=good_s + 1)
    refusal = handshake_result(request, signing.USER, late)
    assert refusal is not None
    assert refusal.message.endswith(f"- {span})")


def test_the_scope_must_fit_the_endpoint() -> None:
    """Another region, service or day than the endpoint's and the date's is refused."""
    key = signing.USER

    def message(**scope: str) -> str:
        query = signing.unsigned_query(key, **scope)  # type: ignore[arg-type]
        refusal = handshake_result(signing.handshake(f"{query}&X-Amz-Signature=0"), key)
        assert refusal is not None
        assert refusal.status == 403
        return refusal.message

    assert message(region="eu-west-1").endswith("not 'eu-west-1'.")
    assert message(service="sqs").endswith("correct service: 'iotdevicegateway'.")
    request = signing.changed(signing.sdk_v1(key), "%2F20260102%2F", "%2F20260101%2F")
    refusal = handshake_result(request, key)
    assert refusal is not None
    assert "'20260101' != '20260102', from '20260102T030405Z'" in refusal.message


@pytest.mark.parametrize("topic", ["ws/a b", "ü/$", "a%2Fb", "..", "a//b", "~!*'()"])
def test_botocore_signed_requests_verify(topic: str) -> None:
    """The stock client's double-encoded path and token header verify by the raw path."""
    from urllib.parse import quote

    path = f"/topics/{quote(topic, safe='')}"
    request = AWSRequest(
        method="POST",
        url=f"http://127.0.0.1:8081{path}?qos=1&contentType=text%2Fplain",
        data=b"Hi!",
        headers={"X-Amz-Mqtt5-Correlation-Data": "  AA==   B "},
    )
    credentials = Credentials(signing.SESSION.access_key_id, "s3cr3t", signing.TOKEN)
    SigV4Auth(credentials, "iotdata", signing.REGION).add_auth(request)
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    arrived = Request(
        method="POST",
        path=path,
        query="qos=1&contentType=text%2Fplain",
        headers={**headers, "host": "127.0.0.1:8081"},
        body=b"Hi!",
    )
    claim = read_authorization(arrived, IOT)
    assert not isinstance(claim, Refusal)
    assert "x-amz-security-token" in claim.signed_headers
    now = claim.signed_at
    key = replace(signing.SESSION, expires_at=now + timedelta(hours=1))
    assert verify(claim, key, arrived, rules=IOT, now=now) is None
    tampered = replace(arrived, body=b"Ha!")
    again = read_authorization(tampered, IOT)
    assert not isinstance(again, Refusal)
    refusal = verify(again, key, tampered, rules=IOT, now=now)
    assert refusal is not None
    assert refusal.message == MISMATCH


def test_other_apis_use_their_own_codes() -> None:
    """The sentences are common, codes and statuses are each family's."""
    request = signing.sdk_v1(signing.USER)
    for wording, status, code in (
        (QUERY_WORDING, 403, "SignatureDoesNotMatch"),
        (JSON_WORDING, 400, "InvalidSignatureException"),
    ):
        rules = Rules(wording=wording, window_s=API_WINDOW_S)
        claim = read_query(request, rules)
        assert not isinstance(claim, Refusal)
        wrong = replace(signing.USER, secret=Secret("another"))
        later = signing.NOW + timedelta(seconds=899)
        assert verify(claim, wrong, request, rules=rules, now=later) == Refusal(
            status, code, MISMATCH
        )


@pytest.mark.parametrize(
    ("host", "candidates"),
    [
        ("a.example", ("a.example",)),
        ("a.example:443", ("a.example:443", "a.example")),
        ("127.0.0.1:8081", ("127.0.0.1:8081", "127.0.0.1")),
        ("[::1]:8081", ("[::1]:8081", "[::1]")),
        ("a.example:", ("a.example:",)),
        ("", ("",)),
    ],
)
def test_candidate_hosts(host: str, candidates: tuple[str, ...]) -> None:
    """The port may have been left out of what was signed."""
    assert candidate_hosts(host) == candidates


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("/mqtt", "/mqtt"),
        ("/topics/ws%2Fa%20b", "/topics/ws%252Fa%2520b"),
        ("//a/./b/../c/", "/a/c/"),
        ("/..", "/"),
        ("", "/"),
    ],
)
def test_canonical_path(raw: str, canonical: str) -> None:
    """The raw path is normalized and encoded once more."""
    assert canonical_path(raw) == canonical


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=50)))
def test_no_request_makes_the_verifier_fail(query: str, headers: dict[str, str]) -> None:
    """Arbitrary queries and headers are refused, never an exception."""
    request = Request(method="GET", path="/mqtt", query=query, headers=headers)
    assert isinstance(read_query(request, IOT), Refusal)
    for claim in (read_query(request, IOT), read_authorization(request, IOT)):
        if not isinstance(claim, Refusal):
            assert verify(claim, signing.USER, request, rules=IOT, now=signing.NOW) is not None


@given(st.integers(0, 400), st.characters())
def test_no_changed_character_gets_in_by_crashing(place: int, sign: str) -> None:
    """A good handshake with one character replaced is verified or refused, never an exception."""
    request = signing.sdk_v1(signing.SESSION)
    query = request.query[:place] + sign + request.query[place + 1 :]
    changed = replace(request, query=query)
    claim = read_query(changed, IOT)
    if not isinstance(claim, Refusal):
        verify(claim, signing.SESSION, changed, rules=IOT, now=signing.NOW)
