"""A credential request from end to end, with STS stubbed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.unit.issuer import NOW, SECRET, Issuer, claims, jwk, jwks, public_pem
from tests.unit.lambdas.credentials.stack import STS_SECRET, STS_TOKEN, Stack
from tests.unit.lambdas.events import event
from wire.iam import AccessRequest, evaluate, parse_document

TOKEN = Issuer().sign(claims(groups=["orders/eu"]))


def problem(
    stack: Stack, sent: dict[str, Any], status: int, code: str, **facts: object
) -> dict[str, str]:
    """Send an event, check the whole problem document, return the headers."""
    got, headers, body = stack.send(sent)
    assert (got, body["code"], body["status"]) == (status, code, status)
    assert headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= body.keys()
    assert {name: body[name] for name in facts} == facts
    return headers


def test_a_good_token_brings_credentials_in_the_agreed_shape() -> None:
    """The response is design.md's, member for member."""
    stack = Stack()
    stack.grants()
    status, headers, body = stack.send(event("post", token=TOKEN))
    assert (status, headers["content-type"]) == (200, "application/json")
    url = body.pop("url")
    assert body == {
        "endpoint": "wss://abc-ats.iot.eu-west-1.amazonaws.com/mqtt",
        "region": "eu-west-1",
        "clientId": "live.42.tab-5f2c",
        "expiration": "2026-03-01T13:00:00Z",
        "credentials": {
            "accessKeyId": "ASIACLIENT0000000000",
            "secretAccessKey": STS_SECRET,
            "sessionToken": STS_TOKEN,
        },
        "subscribe": [
            "live/client/live.42.tab-5f2c",
            "live/user/42",
            "live/everyone",
            "live/group/orders/eu",
        ],
        "publish": [],
    }
    assert url.startswith(f"{body['endpoint']}?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert url.endswith("&X-Amz-Security-Token=sts%2Fsession%2Btoken%3D%3D")
    assert "X-Amz-Date=20260301T120000Z" in url


def test_sts_is_asked_once_for_exactly_the_grant() -> None:
    """One AWS call, with the compiled session policy and the user in its name."""
    stack = Stack()
    stack.grants()
    stack.send(event("post", token=TOKEN))
    (call,) = stack.calls
    assert call["RoleArn"] == "arn:aws:iam::123456789012:role/live-client"
    assert (call["RoleSessionName"], call["DurationSeconds"]) == ("42", 3600)
    session = parse_document(call["Policy"])

    def allowed(action: str, resource: str) -> bool:
        request = AccessRequest(
            action=action, resource=f"arn:aws:iot:eu-west-1:123456789012:{resource}"
        )
        return evaluate(request, identity=[session]).allowed

    assert allowed("iot:Connect", "client/live.42.tab-5f2c")
    assert allowed("iot:Receive", "topic/live/group/orders/eu")
    assert not allowed("iot:Connect", "client/live.43.tab-5f2c")
    assert not allowed("iot:Publish", "topic/live/user/42")


def test_publish_grants_are_listed() -> None:
    """A subtree ends in `#`."""
    stack = Stack()
    stack.grants()
    token = Issuer().sign(claims(publish=["user:7", "group:chat/*"]))
    _, _, body = stack.send(event("post", token=token))
    assert body["publish"] == ["live/group/chat/#", "live/user/7"]


@pytest.mark.parametrize("name", ["post_base64", "post_named_stage"])
def test_other_shapes_of_the_same_request(name: str) -> None:
    """API Gateway may encode the body, and a stage may prefix the path."""
    stack = Stack()
    stack.grants()
    status, _, body = stack.send(event(name, token=TOKEN))
    assert (status, body["clientId"]) == (200, "live.42.tab-5f2c")


def test_without_a_device_one_is_made_for_each_request() -> None:
    """It is random and fits into a client id."""
    stack, made = Stack(), set()
    for _ in range(3):
        stack.grants()
        _, _, body = stack.send(event("post_without_body", token=TOKEN))
        namespace, user, device = body["clientId"].split(".")
        assert (namespace, user, len(device)) == ("live", "42", 16)
        made.add(device)
    assert len(made) == 3


@pytest.mark.parametrize(
    ("left_s", "configured_s", "asked_s"),
    [(7200, 3600, 3600), (7200, 1200, 1200), (1800, 3600, 1800), (60, 3600, 900), (-20, 3600, 900)],
)
def test_credentials_end_with_the_token_but_not_before_900_s(
    left_s: int, configured_s: int, asked_s: int
) -> None:
    """STS gives no less than 900 s."""
    stack = Stack(CREDENTIALS_DURATION_S=str(configured_s))
    stack.grants()
    expires_at = NOW + timedelta(seconds=left_s)
    token = Issuer().sign(claims(exp=int(expires_at.timestamp())))
    assert stack.send(event("post", token=token))[0] == 200
    assert stack.calls[0]["DurationSeconds"] == asked_s


BAD_TOKENS: dict[str, Callable[[], str]] = {
    "expired": lambda: Issuer().sign(claims(exp=int(NOW.timestamp()) - 60)),
    "not_yet_valid": lambda: Issuer().sign(claims(nbf=int(NOW.timestamp()) + 60)),
    "wrong_audience": lambda: Issuer().sign(claims(aud="mail", iss="us")),
    "wrong_issuer": lambda: Issuer().sign(claims(aud="push", iss="them")),
    "bad_signature": lambda: Issuer(secret=b"x" * 32).sign(claims()),
    "algorithm_not_allowed": lambda: Issuer().sign(claims(), alg="none").rpartition(".")[0] + ".",
    "malformed": lambda: "not-a-token",
    "missing_claim": lambda: Issuer().sign(claims(sub=None, aud="push", iss="us")),
    "invalid_claim": lambda: Issuer().sign(claims(groups="orders", aud="push", iss="us")),
    "critical_header": lambda: Issuer().sign(claims(), crit=["x"]),
}


@pytest.mark.parametrize("reason", BAD_TOKENS)
def test_a_bad_token_is_401_with_its_reason(reason: str) -> None:
    """The reason is for machines, the header for HTTP, and AWS is not called."""
    stack = Stack(CREDENTIALS_JWT_AUDIENCE="push,web", CREDENTIALS_JWT_ISSUER="us")
    token = BAD_TOKENS[reason]()
    sent = event("post", token=token)
    headers = problem(stack, sent, 401, "invalid_token", reason=reason)
    assert headers["www-authenticate"].startswith('Bearer error="invalid_token", error_desc')
    assert headers["www-authenticate"].count('"') == 4
    assert stack.calls == []


@pytest.mark.parametrize(
    "value", ["", "Basic dXNlcg==", "Bearer", "Bearer a b", "Bearer a,Bearer b"]
)
def test_without_a_bearer_token_the_challenge_names_no_error(value: str) -> None:
    """RFC 6750 section 3.1."""
    stack, sent = Stack(), event("post_without_token")
    sent["headers"]["authorization"] = value
    headers = problem(stack, sent, 401, "invalid_token", reason="missing_token")
    assert headers["www-authenticate"] == "Bearer"


def test_hs256_signed_with_the_rsa_public_key_is_refused() -> None:
    """The classic confusion does not pass the API either."""
    pem = public_pem("rsa")
    stack = Stack(CREDENTIALS_JWT_SECRET="", CREDENTIALS_JWT_PUBLIC_KEY=pem)
    token = Issuer(secret=pem.encode()).sign(claims())
    problem(stack, event("post", token=token), 401, "invalid_token", reason="algorithm_not_allowed")


class Published:
    """A key source over a JWKS that is always fresh."""

    def keys(self, kid: str | None, now_s: float) -> Any:
        """Return the set."""
        from wire.jwks import parse_jwks

        assert (kid, now_s) == ("b", NOW.timestamp())
        return parse_jwks(jwks(jwk("rsa", kid="a")))


def test_an_unknown_kid_is_refused() -> None:
    """The key source is asked for the kid the token names."""
    environ = {"CREDENTIALS_JWT_SECRET": "", "CREDENTIALS_JWKS_URL": "https://issuer.example/jwks"}
    stack = Stack(Published(), **environ)
    token = Issuer(algorithm="RS256").sign(claims(), kid="b")
    problem(stack, event("post", token=token), 401, "invalid_token", reason="unknown_key")


def test_a_grant_that_does_not_fit_is_403_with_its_sizes() -> None:
    """Nothing is truncated."""
    stack = Stack()
    token = Issuer().sign(claims(groups=[f"group-with-a-long-name-{n:03}" for n in range(40)]))
    got, _, body = stack.send(event("post", token=token))
    assert (got, body["code"], body["reason"]) == (403, "grant_refused", "policy_too_large")
    assert body["size"] > body["limit"] == 2048
    assert str(body["size"]) in body["detail"]
    assert stack.calls == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"groups": ["a//b"]}, "invalid_address"),
        ({"groups": ["a/b/c/d/e"]}, "invalid_address"),
        ({"groups": ["#"]}, "invalid_address"),
        ({"publish": ["nobody:1"]}, "invalid_address"),
        ({"groups": [f"g{n}" for n in range(60)]}, "too_many_subscriptions"),
    ],
)
def test_impossible_grants_are_403(changes: dict[str, object], reason: str) -> None:
    """The token is good; what it asks for cannot be granted."""
    sent = event("post", token=Issuer().sign(claims(**changes)))
    problem(Stack(), sent, 403, "grant_refused", reason=reason)


def test_a_policy_that_packs_too_large_is_403_with_the_percentage() -> None:
    """The packed limit bites below 2,048 characters."""
    stack = Stack()
    stack.refuses("PackedPolicyTooLarge", message="Packed policy consumes 118% of allotted space")
    got, _, body = stack.send(event("post", token=TOKEN))
    assert (got, body["reason"]) == (403, "packed_policy_too_large")
    assert "118 %" in body["detail"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '"tab"',
        "null",
        '{"device": 5}',
        '{"device": ""}',
        '{"device": "a.b"}',
        '{"device": "a/b"}',
        '{"device": "' + "x" * 39 + '"}',
        '{"devise": "tab"}',
        '{"device": "tab", "user": "7"}',
        " " * 5000 + "{}",
        "[" * 4000,
    ],
)
def test_a_bad_body_is_400(body: str) -> None:
    """Each with what is wrong, and AWS is not called."""
    stack = Stack()
    problem(stack, event("post", token=TOKEN, body=body), 400, "bad_request")
    assert stack.calls == []


@pytest.mark.parametrize("body", ["%%%", "//79"])
def test_a_body_that_is_not_base64_of_text_is_400(body: str) -> None:
    """API Gateway encodes what is not text."""
    sent = event("post", token=TOKEN, body=body, isBase64Encoded=True)
    problem(Stack(), sent, 400, "bad_request")


def test_a_body_of_another_type_is_400() -> None:
    """A form post is a mistake worth naming."""
    sent = event("post", token=TOKEN)
    sent["headers"]["content-type"] = "application/x-www-form-urlencoded"
    problem(Stack(), sent, 400, "bad_request")


@pytest.mark.parametrize("body", ["{}", '{"device": null}', "", "  "])
def test_the_device_is_optional(body: str) -> None:
    """So is everything around it."""
    stack = Stack()
    stack.grants()
    assert stack.send(event("post", token=TOKEN, body=body))[0] == 200


def test_the_token_is_checked_before_the_body() -> None:
    """A stranger learns nothing about the API."""
    problem(Stack(), event("post", token="x", body="{"), 401, "invalid_token")


def test_other_routes_and_methods() -> None:
    """404 and 405 with Allow, should the API ever be routed more widely."""
    problem(Stack(), event("other_path", token=TOKEN), 404, "not_found")
    headers = problem(Stack(), event("get_default_route", token=TOKEN), 405, "method_not_allowed")
    assert headers["allow"] == "POST"


def test_a_body_that_is_no_text_is_500() -> None:
    """API Gateway never sends one."""
    problem(Stack(), event("post", token=TOKEN, body={}), 500, "internal_error")


@pytest.mark.parametrize("sent", [event("post_payload_v1"), {"headers": {}}, {}])
def test_an_event_of_another_kind_is_500(sent: dict[str, Any], caplog: Any) -> None:
    """Payload format 1.0 is a wrong deployment, which the log names."""
    problem(Stack(), {"headers": {}, **sent}, 500, "internal_error")
    assert "payload format 2.0" in caplog.text


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_a_throttled_sts_is_429_with_retry_after(code: str) -> None:
    """The caller knows when to come back."""
    stack = Stack()
    stack.refuses(code)
    headers = problem(stack, event("post", token=TOKEN), 429, "sts_throttled")
    assert headers["retry-after"] == "2"


@pytest.mark.parametrize(("code", "status"), [("InternalFailure", 500), ("Unavailable", 503)])
def test_a_failing_sts_is_502(code: str, status: int) -> None:
    """Upstream trouble has a status of its own."""
    stack = Stack()
    stack.refuses(code, status)
    problem(stack, event("post", token=TOKEN), 502, "sts_unavailable")


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://sts"),
        EndpointConnectionError(endpoint_url="https://sts"),
    ],
)
def test_an_unreachable_sts_is_502(error: Exception) -> None:
    """Timeouts and refused connections are the same to the caller."""
    stack = Stack()
    stack.fails(error)
    problem(stack, event("post", token=TOKEN), 502, "sts_unavailable")


@pytest.mark.parametrize(
    "code", ["AccessDenied", "MalformedPolicyDocument", "ValidationError", "ExpiredToken"]
)
def test_a_refusing_sts_is_500_and_the_log_says_why(code: str, caplog: Any) -> None:
    """It is our stack that is wrong; the caller is told nothing about it."""
    stack = Stack()
    stack.refuses(code, 403, "User arn:aws:sts::1:assumed-role/x is not authorized")
    got, _, body = stack.send(event("post", token=TOKEN))
    assert (got, body["code"]) == (500, "internal_error")
    assert code not in json.dumps(body)
    assert code in caplog.text


def test_a_bug_is_500_and_tells_the_caller_nothing(caplog: Any) -> None:
    """Whatever goes wrong, there is an answer, and the log has the traceback."""
    stack = Stack()
    stack.fails(RuntimeError("boom"))
    got, _, body = stack.send(event("post", token=TOKEN))
    assert (got, body["code"]) == (500, "internal_error")
    assert "boom" not in json.dumps(body)
    assert "boom" in caplog.text


def log_line(caplog: Any) -> dict[str, Any]:
    """Return the facts of the one canonical line."""
    (record,) = [record for record in caplog.records if record.msg == "credentials request"]
    standard = {*vars(logging.makeLogRecord({})), "message"}
    facts = {name: value for name, value in vars(record).items() if name not in standard}
    json.dumps(facts, allow_nan=False)
    return facts


def test_a_success_leaves_one_line_with_its_sizes(caplog: Any) -> None:
    """Policy characters and packed percentage are numbers that an alarm can watch."""
    caplog.set_level(logging.DEBUG)
    stack = Stack()
    stack.grants()
    stack.send(event("post", token=TOKEN))
    facts = log_line(caplog)
    assert facts["session_policy_chars"] == len(stack.calls[0]["Policy"])
    assert {name: facts[name] for name in facts if not name.endswith("_ms")} == {
        "api_request_id": "ZkQyXh1xDoEEMvA=",
        "outcome": "granted",
        "reason": None,
        "status": 200,
        "client_id": "live.42.tab-5f2c",
        "duration_s": 3600,
        "session_policy_chars": facts["session_policy_chars"],
        "packed_policy_percent": 37,
    }
    assert min(facts["token_ms"], facts["sts_ms"], facts["total_ms"]) >= 0


@pytest.mark.parametrize(
    ("token", "outcome", "reason"),
    [("x", "refused", "malformed"), (TOKEN, "failed", "sts_refused")],
)
def test_a_failure_leaves_one_line_too(token: str, outcome: str, reason: str, caplog: Any) -> None:
    """With the reason, and who was at fault."""
    caplog.set_level(logging.INFO)
    stack = Stack()
    stack.refuses("AccessDenied", 403)
    stack.send(event("post", token=token))
    facts = log_line(caplog)
    assert (facts["outcome"], facts["reason"]) == (outcome, reason)


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_secret_is_ever_logged(caplog: Any, *, fails: bool) -> None:
    """Not at DEBUG, and not by botocore, which would log STS's whole answer there."""
    caplog.set_level(logging.DEBUG)
    stack = Stack()
    stack.refuses("AccessDenied", 403) if fails else stack.grants()
    answer: Any = stack.function(event("post", token=TOKEN))
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for secret in (TOKEN.split(".")[2], SECRET, STS_SECRET, STS_TOKEN, "X-Amz-Signature"):
        assert secret not in logged
    assert answer["statusCode"] == (500 if fails else 200)
    assert not logging.getLogger("botocore.parsers").isEnabledFor(logging.DEBUG)
