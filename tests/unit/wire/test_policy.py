"""The law: the compiled session policy allows exactly what the grant names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.unit.wire.strategies import ExampleClaims, grants, ids
from wire.errors import PolicyTooLarge
from wire.grant import Grant, grant_for
from wire.iam import AccessRequest, evaluate, parse_document
from wire.policy import compile_session_policy

ARN = "arn:aws:iot:eu-west-1:123456789012:"
wild = st.text("abAB./+#*?$:", max_size=10)


def allows(policy: str, action: str, resource: str) -> bool:
    """Ask the evaluator about one action with only this policy."""
    request = AccessRequest(action=action, resource=ARN + resource)
    return evaluate(request, identity=[parse_document(policy)]).allowed


def compiled(grant: Grant) -> str:
    """Compile, leaving aside the grants that rightly do not fit."""
    try:
        return compile_session_policy(grant)
    except PolicyTooLarge:
        reject()


@st.composite
def grants_and_topics(draw: st.DrawFn) -> tuple[Grant, str]:
    """Draw a grant and a topic that is likely to be close to it."""
    grant = draw(grants())
    near = [f.removesuffix("#") for f in (*grant.subscribe_filters(), *grant.publish_filters())]
    base = draw(st.sampled_from([*near, f"{grant.namespace}/", f"{grant.namespace}/user/", ""]))
    tail = draw(st.just("") | wild | ids)
    cut = draw(st.integers(0, 2))
    return grant, (base[: len(base) - cut] if cut else base) + tail


@settings(max_examples=200)
@given(grants_and_topics())
def test_policy_is_the_grant(case: tuple[Grant, str]) -> None:
    """For any grant and any text as topic, filter or client id, policy and grant agree."""
    grant, topic = case
    policy = compiled(grant)
    assert allows(policy, "iot:Receive", f"topic/{topic}") is grant.may_receive(topic)
    assert allows(policy, "iot:Subscribe", f"topicfilter/{topic}") is grant.may_subscribe(topic)
    assert allows(policy, "iot:Publish", f"topic/{topic}") is grant.may_publish(topic)
    assert allows(policy, "iot:Connect", f"client/{topic}") is grant.may_connect(topic)


@given(grants())
def test_what_is_listed_is_allowed(grant: Grant) -> None:
    """Every filter that the client is told to subscribe to is allowed."""
    policy = compiled(grant)
    assert allows(policy, "iot:Connect", f"client/{grant.client_id}")
    for topic_filter in grant.subscribe_filters():
        assert allows(policy, "iot:Subscribe", f"topicfilter/{topic_filter}")


@given(grants(), wild)
def test_nothing_else_is_ever_allowed(grant: Grant, text: str) -> None:
    """No action outside the four, whatever the resource."""
    policy = compiled(grant)
    for action in ("iot:RetainPublish", "iot:DeleteConnection", "sts:AssumeRole", "s3:GetObject"):
        assert not allows(policy, action, f"topic/{text}")


def test_too_large_names_both_sizes() -> None:
    """A grant that does not fit is refused whole, with the sizes."""
    groups = tuple(f"team-{number:02}-{'x' * 24}" for number in range(30))
    with pytest.raises(PolicyTooLarge) as caught:
        compile_session_policy(grant_for(ExampleClaims("42", groups), "tab", "prod"))
    assert caught.value.limit == 2048
    assert caught.value.size > 2048
    assert str(caught.value.size) in str(caught.value)


def test_shape() -> None:
    """A reader sees one statement without publish rights and two with them."""
    grant = grant_for(ExampleClaims("42", ("orders/*",), ("user:7",)), "tab", "prod")
    policy = json.loads(compile_session_policy(grant))
    receive, publish = policy["Statement"]
    assert receive["Action"] == ["iot:Connect", "iot:Receive", "iot:Subscribe"]
    assert "arn:aws:iot:*:*:topicfilter/prod/group/orders/*" in receive["Resource"]
    assert publish == {
        "Effect": "Allow",
        "Action": "iot:Publish",
        "Resource": ["arn:aws:iot:*:*:topic/prod/user/7"],
    }


def test_how_many_groups_fit() -> None:
    """Nine groups with 36-character names fit beside a 36-character user; ten do not."""
    groups = tuple(f"{number:036}" for number in range(10))
    nine = grant_for(ExampleClaims("u" * 36, groups[:9]), "d" * 20, "prod")
    assert len(compile_session_policy(nine)) <= 2048
    with pytest.raises(PolicyTooLarge):
        compile_session_policy(grant_for(ExampleClaims("u" * 36, groups), "d" * 20, "prod"))
