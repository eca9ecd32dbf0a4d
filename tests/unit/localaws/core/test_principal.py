"""A caller may do what role and session policy both allow, and nothing that either denies."""

from __future__ import annotations

import pytest

from localaws.core import principal as module
from localaws.core.authorizer import Authorizer
from localaws.core.principal import Principal, readable
from tests.unit.localaws.core.callers import (
    ACCOUNT,
    REGION,
    ROLE,
    SESSION,
    allow,
    policy,
    role_session,
    statement,
    user,
)
from wire.iam import Verdict

TOPIC = f"arn:aws:iot:{REGION}:{ACCOUNT}:topic/"


def test_it_is_what_the_broker_asks() -> None:
    """The broker's protocol is satisfied as it stands."""
    authorizer: Authorizer = role_session(allow("iot:Receive", f"{TOPIC}ws/*"))
    decision = authorizer.decide("iot:Receive", "topic", "ws/a", {"iot:ClientId": "c"})
    assert decision.allowed
    assert decision.explanation == "allowed by Statement[0] of the identity policy"
    assert authorizer.user_id == "AROAEXAMPLE:function"


def test_role_and_session_policy_must_both_allow() -> None:
    """The session policy never adds rights, and the role alone is not enough."""
    caller = role_session(
        allow("iot:Publish", f"{TOPIC}ws/*"), session=allow("iot:*", f"{TOPIC}*/mine")
    )
    assert caller.decide("iot:Publish", "topic", "ws/mine", {}).allowed
    narrowed = caller.decide("iot:Publish", "topic", "ws/theirs", {})
    assert (narrowed.allowed, narrowed.layer) == (False, "session policy")
    outside = caller.decide("iot:Publish", "topic", "x/mine", {})
    assert (outside.allowed, outside.layer) == (False, "identity policy")


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    """In another document, or in the session policy."""
    deny = statement("Deny", "iot:Publish", f"{TOPIC}ws/secret")
    for caller in (
        user(allow("*"), policy(deny)),
        role_session(allow("*"), session=policy(statement("Allow", "*"), deny)),
    ):
        assert caller.decide("iot:Publish", "topic", "ws/open", {}).allowed
        refused = caller.decide("iot:Publish", "topic", "ws/secret", {})
        assert refused.verdict is Verdict.EXPLICIT_DENY


def test_policy_variables_come_from_the_connection_and_the_caller() -> None:
    """The client id, the address and the user id can stand in resources and conditions."""
    caller = role_session(
        allow(
            "iot:Connect",
            f"arn:aws:iot:{REGION}:{ACCOUNT}:client/${{iot:ClientId}}",
            Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
        ),
        allow("iot:Publish", f"{TOPIC}ws/${{aws:userid}}"),
    )
    here = {"iot:ClientId": "c1", "aws:SourceIp": "127.0.0.1"}
    assert caller.decide("iot:Connect", "client", "c1", here).allowed
    assert not caller.decide("iot:Connect", "client", "c2", here).allowed
    there = {**here, "aws:SourceIp": "192.0.2.1"}
    assert not caller.decide("iot:Connect", "client", "c1", there).allowed
    assert caller.decide("iot:Publish", "topic", "ws/AROAEXAMPLE:function", {}).allowed


def test_who_the_caller_is_cannot_be_overridden_by_a_request() -> None:
    """Keys about the principal win over what a request brings along."""
    caller = user(
        allow("sns:*", Condition={"StringEquals": {"aws:username": "root"}}),
    )
    assert not caller.allows("sns:Publish", "*", {"aws:username": "root"}).allowed
    named = user(allow("sns:*", Condition={"StringEquals": {"aws:username": "ann"}}))
    assert named.allows("sns:Publish", "*", {}).allowed


def test_insecure_transport_is_not_seen() -> None:
    """A policy that demands TLS decides as in production."""
    deny = statement("Deny", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    assert user(policy(statement("Allow", "*"), deny)).allows("sns:Publish", "*", {}).allowed


def test_names_for_trust_policies() -> None:
    """A session answers to its own ARN and its role's, a user to its ARN, both to the account."""
    assert role_session().own_names == (SESSION, ROLE)
    assert user().own_names == (f"arn:aws:iam::{ACCOUNT}:user/team/ann",)
    assert user().account_names == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    assert role_session().own_keys["aws:PrincipalArn"] == ROLE
    assert user().own_keys["aws:PrincipalType"] == "User"


def test_decisions_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound the oldest is forgotten first."""
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    caller = user(allow("*"))

    def remembered() -> list[str]:
        return [resource for _, resource, _ in caller._remembered]

    for resource in ("a", "b", "a", "c"):
        assert caller.allows("sns:Publish", resource, {}).allowed
    assert remembered() == ["b", "c"]


def test_equal_decisions_are_one_object() -> None:
    """Each connection remembers its decisions; thousands of them share what they say."""
    caller = user(allow("*"))
    context = {"iot:ClientId": "c"}
    first = caller.decide("iot:Publish", "topic", "a", context)
    assert caller.decide("iot:Publish", "topic", "b", context) is first


def test_a_policy_that_cannot_be_read_denies_everything() -> None:
    """An unknown condition may have been a restriction, so nothing is allowed past it."""
    good = readable(
        "good",
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
    )
    bad = readable(
        "odd",
        '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Odd":{"a":"b"}}}}',
    )
    caller = Principal(arn=ROLE, user_id="u", account=ACCOUNT, region=REGION, identity=(good, bad))
    decision = caller.allows("sns:Publish", "*", {})
    assert decision.verdict is Verdict.EXPLICIT_DENY
    assert "unreadable policy odd" in decision.explanation


def test_it_shows_who_it_is_and_no_more() -> None:
    """A repr in a log line names the caller."""
    assert repr(role_session()) == f"Principal('{SESSION}')"
