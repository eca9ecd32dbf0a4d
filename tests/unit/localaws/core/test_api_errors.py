"""Each API family gets refusals in its own format and codes."""

from __future__ import annotations

import pytest

from localaws.core.api_errors import access_denied, answer_of, rules_of, unserved
from localaws.core.operation import Operation, Spoken
from localaws.core.refusal import Refusal
from wire.iam import Decision, Verdict


def operation(service: str, spoken: Spoken, name: str = "Do") -> Operation:
    """Return a named request."""
    return Operation(service=service, spoken=spoken, name=name, wanted=(), parameters={})


def denied(of: Operation, verdict: Verdict, layer: str) -> Refusal:
    """Return the refusal of a decision."""
    decision = Decision(verdict=verdict, layer=layer)
    return access_denied(
        of, caller_arn="arn:me", action="a:B", resource="arn:it", decision=decision
    )


@pytest.mark.parametrize(
    ("service", "spoken", "status", "code"),
    [
        ("sts", "query", 403, "AccessDenied"),
        ("sns", "query", 403, "AuthorizationError"),
        ("dynamodb", "json", 400, "AccessDeniedException"),
        ("lambda", "rest", 403, "AccessDeniedException"),
    ],
)
def test_access_denied(service: str, spoken: Spoken, status: int, code: str) -> None:
    """Status and code differ, the sentence is IAM's own."""
    refusal = denied(operation(service, spoken), Verdict.IMPLICIT_DENY, "identity policy")
    assert (refusal.status, refusal.code) == (status, code)
    assert refusal.message == (
        "User: arn:me is not authorized to perform: a:B on resource: arn:it "
        "because no identity-based policy allows the a:B action"
    )


@pytest.mark.parametrize(
    ("layer", "end"),
    [
        ("identity policy", "with an explicit deny in an identity-based policy"),
        ("session policy", "with an explicit deny in a session policy"),
    ],
)
def test_an_explicit_deny_says_so(layer: str, end: str) -> None:
    """The sentence names the kind of policy."""
    refusal = denied(operation("sts", "query"), Verdict.EXPLICIT_DENY, layer)
    assert refusal.message.endswith(end)


def test_answers_are_in_the_api_s_format() -> None:
    """XML for query APIs; JSON otherwise, with the older code beside it for SQS."""
    refusal = Refusal(400, "UnrecognizedClientException", "no")
    xml = answer_of(refusal, spoken="query", service="sts", request_id="r")
    assert b'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' in xml.body
    other = answer_of(refusal, spoken="query", service="", request_id="r")
    assert other.body.startswith(b"<ErrorResponse")
    plain = answer_of(refusal, spoken="json", service="dynamodb", request_id="r")
    assert "x-amzn-query-error" not in dict(plain.headers)
    sqs = answer_of(refusal, spoken="json", service="sqs", request_id="r")
    assert dict(sqs.headers)["x-amzn-query-error"] == "InvalidClientTokenId;Sender"
    own = answer_of(Refusal(400, "Other", "no"), spoken="json", service="sqs", request_id="r")
    assert dict(own.headers)["x-amzn-query-error"] == "Other;Sender"


def test_rules_differ_in_wording_only() -> None:
    """All of these APIs take any region and 15 minutes."""
    for spoken in ("query", "json", "rest"):
        rules = rules_of(spoken)
        assert (rules.window_s, rules.region, rules.services) == (900, None, None)
    assert rules_of("query").wording.mismatch == "SignatureDoesNotMatch"
    assert rules_of("json").wording.status == 400
    assert rules_of("rest").wording.status == 403


@pytest.mark.parametrize(
    ("of", "path"),
    [
        (operation("iotdata", "rest"), "/topics/a"),
        (operation("iotdevicegateway", "rest"), "/topics/a"),
        (operation("sts", "query", "GetSessionToken"), "/"),
        (operation("sns", "query"), "/moto-api/reset"),
        (operation("sns", "query"), "//%6doto-api/reset"),
    ],
)
def test_what_is_not_served(of: Operation, path: str) -> None:
    """The status is one that clients do not try again."""
    refusal = unserved(of, path)
    assert refusal is not None
    assert (refusal.status, refusal.code) == (501, "NotImplemented")


def test_what_is_served() -> None:
    """Everything else goes on."""
    assert unserved(operation("sts", "query", "AssumeRole"), "/") is None
