"""AssumeRole is refused for each of STS's reasons, in STS's words, and for no other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policies import client_trust_policy
from localaws.core.assume_role import Call, Role, packed_percent, read_call, refuse
from localaws.core.principal import Principal
from localaws.core.refusal import Refusal
from tests.unit.localaws.core.callers import (
    ACCOUNT,
    ROLE,
    SESSION,
    allow,
    policy,
    role_session,
    statement,
    user,
)
from wire.iam import parse_document

CLIENT = f"arn:aws:iam::{ACCOUNT}:role/client"
MAY = allow("sts:AssumeRole", CLIENT)


def form(**changed: str) -> dict[str, str]:
    """Return the parameters of a good call, with changes."""
    return {"RoleArn": CLIENT, "RoleSessionName": "user-42", **changed}


def read(**changed: str) -> Call:
    """Return a call whose shape is right."""
    call = read_call(form(**changed))
    assert isinstance(call, Call), call
    return call


def problem(**changed: str) -> Refusal:
    """Return the refusal of a call whose shape is wrong."""
    refusal = read_call(form(**changed))
    assert isinstance(refusal, Refusal)
    return refusal


def role(trust: dict[str, object] | None = None, *, max_session_s: int = 3_600) -> Role:
    """Return the client role; by default it trusts the example role."""
    document = parse_document(trust or client_trust_policy(ROLE))
    return Role(arn=CLIENT, role_id="AROACLIENT", trust=document, max_session_s=max_session_s)


def trusting(principal: object, **more: object) -> dict[str, object]:
    """Return a trust policy for a principal element."""
    return {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:AssumeRole",
            **more,
        },
    }


def check(caller: Principal, found: Role | None, **changed: str) -> Refusal | None:
    """Check a good call by a caller."""
    return refuse(read(**changed), caller=caller, role=found, source_ip="127.0.0.1")


def test_the_stack_s_own_policies_let_the_function_through() -> None:
    """The credential Lambda's role, named by the client role, may assume it."""
    call = read(Policy=json.dumps(allow("iot:Connect")), DurationSeconds="900", ExternalId="x")
    assert call.session is not None
    assert (call.duration_s, call.external_id) == (900, "x")
    assert refuse(call, caller=role_session(MAY), role=role()) is None
    assert read().duration_s == 3_600
    assert read().packed_percent == 0


def test_a_caller_the_trust_policy_does_not_name_is_refused() -> None:
    """Rights of its own do not help it; the message names caller, action and role."""
    refusal = check(user(allow("*")), role())
    assert refusal is not None
    assert (refusal.status, refusal.code) == (403, "AccessDenied")
    assert refusal.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/team/ann is not authorized to perform: sts:AssumeRole "
        f"on resource: {CLIENT}"
    )
    assert "does not allow" in refusal.explanation


def test_a_missing_role_looks_like_a_forbidden_one() -> None:
    """STS does not tell strangers which roles exist."""
    refusal = check(role_session(MAY), None)
    assert refusal is not None
    assert (refusal.status, refusal.code) == (403, "AccessDenied")


@pytest.mark.parametrize("name", [ROLE, SESSION])
def test_named_itself_a_caller_needs_no_policy_of_its_own(name: str) -> None:
    """Within one account the trust policy is enough, but a Deny or a session policy still counts."""
    trusted = role(trusting({"AWS": name}))
    assert check(role_session(), trusted) is None
    assert check(role_session(session=MAY), trusted) is None
    assert check(role_session(session=allow("iot:*")), trusted) is not None
    denied = role_session(policy(statement("Deny", "sts:*")))
    assert check(denied, trusted) is not None


@pytest.mark.parametrize("principal", [ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root"])
def test_naming_the_account_leaves_it_to_the_caller_s_policy(principal: str) -> None:
    """Trust in an account is not yet a permission."""
    trusted = role(trusting({"AWS": principal}))
    assert check(role_session(MAY), trusted) is None
    assert check(role_session(), trusted) is not None
    assert check(role_session(MAY, session=allow("iot:*")), trusted) is not None


def test_another_account_s_caller_needs_both() -> None:
    """Across accounts the trust policy alone never suffices."""
    stranger_arn = "arn:aws:iam::210987654321:user/team/ann"
    trusted = role(trusting({"AWS": stranger_arn}))
    assert check(user(account="210987654321"), trusted) is not None
    assert check(user(MAY, account="210987654321"), trusted) is None


def test_conditions_of_the_trust_policy_see_the_call() -> None:
    """External id, session name and address can be demanded."""
    trusted = role(
        trusting(
            {"AWS": ROLE},
            Condition={
                "StringEquals": {"sts:ExternalId": "x"},
                "StringLike": {"sts:RoleSessionName": "user-*"},
                "IpAddress": {"aws:SourceIp": "127.0.0.1"},
            },
        )
    )
    assert check(role_session(MAY), trusted, ExternalId="x") is None
    assert check(role_session(MAY), trusted) is not None
    assert check(role_session(MAY), trusted, ExternalId="x", RoleSessionName="other") is not None
    assert refuse(read(ExternalId="x"), caller=role_session(MAY), role=trusted) is not None


def test_a_chained_session_lasts_an_hour_at_most() -> None:
    """The call fails, it is not clamped; a user's own session may be longer."""
    found = role(max_session_s=43_200)
    assert check(role_session(MAY), found, DurationSeconds="3600") is None
    refusal = check(role_session(MAY), found, DurationSeconds="3601")
    assert refusal == Refusal(
        400,
        "ValidationError",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
        "role chaining.",
    )
    ann = user(MAY)
    for_ann = role(trusting({"AWS": ann.arn}), max_session_s=7_200)
    assert check(ann, for_ann, DurationSeconds="7200") is None
    longer = check(ann, for_ann, DurationSeconds="7201")
    assert longer is not None
    assert "MaxSessionDuration" in longer.message


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("899", "Member must have value greater than or equal to 900"),
        ("-1", "Member must have value greater than or equal to 900"),
        ("43201", "Member must have value less than or equal to 43200"),
        ("1e3", "Member must be an integer"),
        ("", "Member must be an integer"),
    ],
)
def test_durations_out_of_range(text: str, rule: str) -> None:
    """The sentence holds the value, the member and the rule."""
    assert problem(DurationSeconds=text) == Refusal(
        400,
        "ValidationError",
        f"1 validation error detected: Value '{text}' at 'durationSeconds' failed to satisfy "
        f"constraint: {rule}",
    )


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a", "length greater than or equal to 2"),
        ("a" * 65, "length less than or equal to 64"),
        ("user 42", "regular expression pattern: [\\w+=,.@-]*"),
        ("usér", "regular expression pattern: [\\w+=,.@-]*"),
        ("user:42", "regular expression pattern: [\\w+=,.@-]*"),
    ],
)
def test_session_names_have_a_shape(name: str, rule: str) -> None:
    """2 to 64 characters that may stand in an ARN."""
    refusal = problem(RoleSessionName=name)
    assert (refusal.status, refusal.code) == (400, "ValidationError")
    assert refusal.message.endswith(rule)


@pytest.mark.parametrize("arn", ["short", f"arn:aws:iam::{ACCOUNT}:role/" + "a" * 2_048])
def test_role_arns_have_a_length(arn: str) -> None:
    """20 to 2,048 characters."""
    assert "at 'roleArn' failed to satisfy" in problem(RoleArn=arn).message


@pytest.mark.parametrize(
    "arn", [f"arn:aws:iam::{ACCOUNT}:user/client", "arn:aws:iam::12:role/clientclient"]
)
def test_role_arns_name_a_role(arn: str) -> None:
    """Anything else is invalid as a whole."""
    assert problem(RoleArn=arn).message == f"{arn} is invalid"


def test_missing_names_are_all_reported_at_once() -> None:
    """Each problem has its place in one sentence."""
    refusal = read_call({})
    assert isinstance(refusal, Refusal)
    assert refusal.message.startswith("2 validation errors detected: Value at 'roleArn' failed")
    assert "; Value at 'roleSessionName' failed to satisfy" in refusal.message


def test_a_session_policy_has_at_most_2048_characters() -> None:
    """Characters are counted, not bytes."""
    fits = json.dumps(allow("iot:Connect"))
    fits += " " * (2_048 - len(fits))
    assert read(Policy=fits).policy == fits
    refusal = problem(Policy=f"{fits}\n")
    assert (refusal.status, refusal.code) == (400, "ValidationError")
    assert refusal.message.endswith("Member must have length less than or equal to 2048")
    assert "greater than or equal to 1" in problem(Policy="").message


@pytest.mark.parametrize("sign", ["\x00", "\x1f", "Ā", "€", "😀"])
def test_a_session_policy_has_a_character_set(sign: str) -> None:
    """U+0020 to U+00FF, tab, line feed and carriage return."""
    good = json.dumps(allow("iot:Connect"))
    assert read(Policy=good + "\t\n\r ").session is not None
    assert "regular expression pattern" in problem(Policy=good + sign).message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "This policy contains invalid Json"),
        ('{"Statement":[{"Effect":"Maybe"}]}', "Syntax errors in policy."),
        ('{"Statement":{"Effect":"Allow","Action":"*"}}', "Syntax errors in policy."),
        (json.dumps(trusting("*")), "Syntax errors in policy."),
        (json.dumps(trusting({"AWS": ROLE}, Resource="*")), "Syntax errors in policy."),
    ],
)
def test_a_malformed_session_policy_is_refused(text: str, message: str) -> None:
    """It must be JSON, and IAM's grammar without a principal."""
    refusal = problem(Policy=text)
    assert (refusal.status, refusal.code) == (400, "MalformedPolicyDocument")
    assert refusal.message.startswith(message)


@pytest.mark.parametrize("name", ["PolicyArns.member.1.arn", "Tags.member.1.Key", "SourceIdentity"])
def test_what_we_do_not_honour_is_refused_by_name(name: str) -> None:
    """A parameter that narrows or tags a session is never ignored."""
    assert name in problem(**{name: "x"}).message


def test_the_packed_size_is_refused_on_request_only() -> None:
    """AWS's algorithm is not known, so its limit is not applied unless somebody wants to."""
    call = read(Policy=json.dumps(allow([f"s{number}:Act{number}" for number in range(90)])))
    assert call.packed_percent > 100
    assert refuse(call, caller=role_session(MAY), role=role()) is None
    refusal = refuse(call, caller=role_session(MAY), role=role(), packed_limit_percent=100)
    assert refusal is not None
    assert (refusal.status, refusal.code) == (400, "PackedPolicyTooLarge")
    assert refusal.message == f"Packed policy consumes {call.packed_percent}% of allotted space"
    small = read(Policy=json.dumps(allow("iot:Connect")))
    assert refuse(small, caller=role_session(MAY), role=role(), packed_limit_percent=100) is None


def test_the_packed_size_is_in_the_range_of_field_reports() -> None:
    """A small policy packs to some tens of percent, and nothing packs to zero."""
    assert 10 < packed_percent(json.dumps(allow("iot:Connect"))) < 60


@given(
    st.dictionaries(
        st.sampled_from(["RoleArn", "RoleSessionName", "DurationSeconds", "Policy"]), st.text()
    )
)
def test_no_parameters_make_it_fail(parameters: dict[str, str]) -> None:
    """Arbitrary texts are read or refused, never an exception."""
    assert isinstance(read_call(form(**parameters)), Call | Refusal)
