"""Decisions follow IAM's logic: explicit deny wins, every layer must allow."""

from __future__ import annotations

import pytest

from wire.iam import AccessRequest, Document, Verdict, evaluate, evaluate_trust, parse_document

ARN = "arn:aws:iot:eu-west-1:1:"


def policy(*statements: dict[str, object]) -> Document:
    """Make a document of Allow statements; each may override its Effect."""
    return parse_document(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **s} for s in statements]}
    )


def ask(action: str, resource: str, **context: str) -> AccessRequest:
    """Make a request about an IoT resource."""
    return AccessRequest(
        action=action,
        resource=ARN + resource,
        context={name.replace("_", ":"): value for name, value in context.items()},
    )


PUBLISH_ALL = policy({"Action": "iot:Publish", "Resource": "*"})


def test_nothing_is_allowed_by_nothing() -> None:
    """Without policies the answer is an implicit deny."""
    decision = evaluate(ask("iot:Publish", "topic/a"), identity=[])
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert "identity policy" in decision.explanation


def test_a_session_policy_only_narrows() -> None:
    """Both layers must allow; the explanation names the one that does not."""
    session = policy({"Action": "iot:*", "Resource": f"{ARN}topic/own"})
    allowed = evaluate(ask("iot:Publish", "topic/own"), identity=[PUBLISH_ALL], session=session)
    narrowed = evaluate(ask("iot:Publish", "topic/x"), identity=[PUBLISH_ALL], session=session)
    never_given = evaluate(ask("iot:Receive", "topic/own"), identity=[PUBLISH_ALL], session=session)
    assert allowed.allowed
    assert narrowed.explanation == "no statement of the session policy allows it"
    assert never_given.explanation == "no statement of the identity policy allows it"


def test_an_explicit_deny_wins_anywhere() -> None:
    """A Deny in either layer beats every Allow."""
    deny = policy({"Sid": "Never", "Effect": "Deny", "Action": "iot:Publish", "Resource": "*"})
    for identity, session in (([PUBLISH_ALL, deny], PUBLISH_ALL), ([PUBLISH_ALL], deny)):
        decision = evaluate(ask("iot:Publish", "topic/a"), identity=identity, session=session)
        assert decision.verdict is Verdict.EXPLICIT_DENY
        assert decision.statement == "Never"


@pytest.mark.parametrize(
    ("resource", "topic", "expected"),
    [
        ("topic/a/*", "topic/a/b/c", True),
        ("topic/a/*", "topic/a", False),
        ("topic/a?", "topic/ab", True),
        ("topic/a?", "topic/a/b", False),
        ("topicfilter/a/+", "topicfilter/a/b", False),
        ("topicfilter/a/+", "topicfilter/a/+", True),
        ("topicfilter/a/#", "topicfilter/a/b", False),
        ("topic/A", "topic/a", False),
        ("topic*/a", "topicfilter/a", True),
        ("topic/a.b", "topic/axb", False),
    ],
)
def test_resource_patterns(resource: str, topic: str, *, expected: bool) -> None:
    """`*` crosses slashes, `?` is one character, MQTT wildcards and dots are literal."""
    document = policy({"Action": "IOT:publish", "Resource": ARN + resource})
    assert evaluate(ask("iot:Publish", topic), identity=[document]).allowed is expected


def test_policy_variables() -> None:
    """`${iot:ClientId}` is the caller's own, literally; without one nothing matches."""
    document = policy({"Action": "iot:Publish", "Resource": f"{ARN}topic/${{iot:ClientId}}/x"})
    own = ask("iot:Publish", "topic/me/x", iot_ClientId="me")
    other = ask("iot:Publish", "topic/you/x", iot_ClientId="me")
    starred = ask("iot:Publish", "topic/you/x", iot_ClientId="*")
    unknown = ask("iot:Publish", "topic//x")
    answers = [evaluate(q, identity=[document]).allowed for q in (own, other, starred, unknown)]
    assert answers == [True, False, False, False]


def test_not_action_and_not_resource() -> None:
    """The inverted elements mean everything else."""
    document = policy({"NotAction": "iot:Publish", "NotResource": f"{ARN}topic/a"})
    assert evaluate(ask("iot:Receive", "topic/b"), identity=[document]).allowed
    assert not evaluate(ask("iot:Publish", "topic/b"), identity=[document]).allowed
    assert not evaluate(ask("iot:Receive", "topic/a"), identity=[document]).allowed


def test_trust_policies_name_their_callers() -> None:
    """Only a caller that the trust policy names may assume the role."""
    role = "arn:aws:iam::1:role/lambda"
    trust = policy({"Action": "sts:AssumeRole", "Principal": {"AWS": [role]}})
    service = policy({"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}})
    ours = AccessRequest(action="sts:AssumeRole", principals=(role, "arn:aws:iam::1:root"))
    other = AccessRequest(action="sts:AssumeRole", principals=("arn:aws:iam::1:role/x",))
    assert evaluate_trust(ours, trust).allowed
    assert not evaluate_trust(other, trust).allowed
    assert not evaluate_trust(ours, service).allowed
    assert evaluate_trust(
        AccessRequest(action="sts:AssumeRole", principals=("lambda.amazonaws.com",)), service
    ).allowed
