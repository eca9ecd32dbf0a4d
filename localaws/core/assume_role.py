"""The checks of AssumeRole that moto does not make.

Owns, in AWS's order and words: the shape of every parameter, role chaining's hour, the session
policy's grammar and size, the role's existence, its trust policy and the caller's own policy. Does
not make credentials (`localaws.moto_server` does) and does not read requests off a socket.

Who needs what, in one account: a trust policy that names the caller's role or user is enough by
itself; one that names the whole account hands the question to the caller's identity policy. An
explicit Deny in the caller's policies always wins, and the caller's own session policy, where it
has one, must allow the call.

Known approximations:

* `PackedPolicySize` comes from an undocumented algorithm of AWS. Ours is the deflated size against
  a budget fitted to three field reports, good for the right order of magnitude only. It is reported
  always and refused on request only (`packed_limit_percent`).
* Managed session policies (PolicyArns), session tags and SourceIdentity are refused by name.

Source: STS API reference, AssumeRole; IAM user guide, "Granting a user permissions to switch
roles"; facts 4.9 to 4.11 (the role chaining text is from a field test).
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from localaws.core.refusal import Refusal
from wire.errors import InvalidPolicy
from wire.iam import AccessRequest, Verdict, evaluate, evaluate_trust, parse_document
from wire.limits import MAX_CHAINED_SESSION_S, MAX_SESSION_POLICY_CHARS, MIN_SESSION_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.core.principal import Principal
    from wire.iam import Document

ACTION: Final = "sts:AssumeRole"
"""The action that trust policies and identity policies name."""

DEFAULT_SESSION_S: Final = 3_600
"""Life of the credentials where the caller names none. Source: STS, DurationSeconds."""

MAX_SESSION_S: Final = 43_200
"""Longest life any role allows, seconds (12 hours). Source: STS, DurationSeconds."""

PACKED_BUDGET_BYTES: Final = 325
"""Deflated bytes that count as 100 %. Fitted to field reports of 18, 31 and 42 actions packing to
82, 118 and 157 % (facts 4.9); AWS's own algorithm is not published."""

_NAME: Final = re.compile(r"[\w+=,.@-]*", re.ASCII)
_POLICY: Final = re.compile("[\t\n\r\x20-\xff]+")
_ROLE_ARN: Final = re.compile(r"arn:(aws|aws-cn|aws-us-gov):iam::(\d{12}):role/[\w+=,.@/-]+")
_UNSUPPORTED: Final = (
    "PolicyArns.",
    "Tags.",
    "TransitiveTagKeys.",
    "SourceIdentity",
    "SerialNumber",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One AssumeRole request whose shape is right.

    Attributes:
        role_arn: The role wanted.
        session_name: RoleSessionName, 2 to 64 characters.
        duration_s: Life of the credentials, 900 to 43,200 seconds.
        policy: The session policy as sent; None for none.
        session: The same, read.
        external_id: ExternalId; None for none.
    """

    role_arn: str
    session_name: str
    duration_s: int
    policy: str | None
    session: Document | None
    external_id: str | None

    @property
    def packed_percent(self) -> int:
        """PackedPolicySize, approximately; 0 without a session policy."""
        return packed_percent(self.policy) if self.policy else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role as IAM knows it.

    Attributes:
        arn: Its IAM ARN.
        role_id: `AROA…`.
        trust: Its trust policy.
        max_session_s: MaxSessionDuration, seconds.
    """

    arn: str
    role_id: str
    trust: Document
    max_session_s: int


def read_call(form: Mapping[str, str]) -> Call | Refusal:
    """Read the parameters of an AssumeRole request.

    Args:
        form: Decoded query-API parameters.

    Returns:
        The call, or ValidationError / MalformedPolicyDocument with STS's text.
    """
    for name in form:
        if name.startswith(_UNSUPPORTED):
            return _invalid(f"localaws does not support the AssumeRole parameter {name}.")
    problems = [*_name_problems(form), *_duration_problems(form), *_policy_problems(form)]
    if problems:
        plural = "" if len(problems) == 1 else "s"
        found = "; ".join(problems)
        return _invalid(f"{len(problems)} validation error{plural} detected: {found}")
    if not _ROLE_ARN.fullmatch(form["RoleArn"]):
        return _invalid(f"{form['RoleArn']} is invalid")
    policy = form.get("Policy")
    session: Document | None = None
    if policy is not None:
        try:
            session = parse_document(policy)
        except InvalidPolicy as problem:
            return _malformed(problem)
        if any(statement.principals for statement in session.statements):
            return _malformed(InvalidPolicy("Principal", "not allowed in a session policy"))
    return Call(
        role_arn=form["RoleArn"],
        session_name=form["RoleSessionName"],
        duration_s=int(form.get("DurationSeconds", DEFAULT_SESSION_S)),
        policy=policy,
        session=session,
        external_id=form.get("ExternalId"),
    )


def refuse(
    call: Call,
    *,
    caller: Principal,
    role: Role | None,
    source_ip: str = "",
    packed_limit_percent: int | None = None,
) -> Refusal | None:
    """Tell whether STS would refuse a well-formed call.

    Args:
        call: From `read_call`.
        caller: Who signed it.
        role: The role as IAM knows it; None where there is none.
        source_ip: The caller's address, for conditions.
        packed_limit_percent: Refuse above this PackedPolicySize; None never refuses for it.

    Returns:
        None when the role may be assumed, else what STS answers.
    """
    chained = caller.role_arn is not None
    if chained and call.duration_s > MAX_CHAINED_SESSION_S:
        return _invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining."
        )
    if packed_limit_percent is not None and call.packed_percent > packed_limit_percent:
        return Refusal(
            400,
            "PackedPolicyTooLarge",
            f"Packed policy consumes {call.packed_percent}% of allotted space",
        )
    if role is None:
        return _denied(caller, call.role_arn, "the role does not exist")
    denial = _denial(call, caller, role, source_ip)
    if denial is not None:
        return _denied(caller, call.role_arn, denial)
    if call.duration_s > role.max_session_s:
        return _invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return None


def packed_percent(policy: str) -> int:
    """Return an approximation of PackedPolicySize for a session policy, in percent."""
    return math.ceil(100 * len(zlib.compress(policy.encode(), 9)) / PACKED_BUDGET_BYTES)


def _denial(call: Call, caller: Principal, role: Role, source_ip: str) -> str | None:
    context: dict[str, str] = {"sts:RoleSessionName": call.session_name}
    if source_ip:
        context["aws:SourceIp"] = source_ip
    if call.external_id is not None:
        context["sts:ExternalId"] = call.external_id
    own = caller.allows(ACTION, role.arn, context)
    if own.verdict is Verdict.EXPLICIT_DENY:
        return own.explanation
    question = AccessRequest(
        action=ACTION, resource=role.arn, context={**context, **caller.own_keys}
    )
    if not _trusts(role, question, (*caller.own_names, *caller.account_names)):
        return f"the trust policy of {role.arn} does not allow {caller.arn}"
    if own.allowed:
        return None
    # Named itself by a role of its own account, a caller needs no identity policy for it.
    same_account = role.arn.split(":")[4] == caller.account
    if not same_account or not _trusts(role, question, caller.own_names):
        return own.explanation
    if caller.session is None:
        return None
    narrowed = evaluate(question, identity=(caller.session,))
    return None if narrowed.allowed else "no statement of the caller's session policy allows it"


def _trusts(role: Role, question: AccessRequest, names: tuple[str, ...]) -> bool:
    return evaluate_trust(replace(question, principals=names), role.trust).allowed


def _name_problems(form: Mapping[str, str]) -> list[str]:
    problems: list[str] = []
    arn, name = form.get("RoleArn"), form.get("RoleSessionName")
    if arn is None:
        problems.append(_null("roleArn"))
    elif len(arn) < 20:
        problems.append(_broken(arn, "roleArn", _LONGER.format(20)))
    elif len(arn) > 2_048:
        problems.append(_broken(arn, "roleArn", _SHORTER.format(2_048)))
    if name is None:
        problems.append(_null("roleSessionName"))
        return problems
    if not _NAME.fullmatch(name):
        pattern = "Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        problems.append(_broken(name, "roleSessionName", pattern))
    if len(name) < 2:
        problems.append(_broken(name, "roleSessionName", _LONGER.format(2)))
    if len(name) > 64:
        problems.append(_broken(name, "roleSessionName", _SHORTER.format(64)))
    return problems


def _duration_problems(form: Mapping[str, str]) -> list[str]:
    text = form.get("DurationSeconds", str(DEFAULT_SESSION_S))
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        return [_broken(text, "durationSeconds", "Member must be an integer")]
    if int(text) < MIN_SESSION_S:
        rule = f"Member must have value greater than or equal to {MIN_SESSION_S}"
        return [_broken(text, "durationSeconds", rule)]
    if int(text) > MAX_SESSION_S:
        rule = f"Member must have value less than or equal to {MAX_SESSION_S}"
        return [_broken(text, "durationSeconds", rule)]
    return []


def _policy_problems(form: Mapping[str, str]) -> list[str]:
    policy = form.get("Policy")
    if policy is None:
        return []
    problems: list[str] = []
    if not policy:
        problems.append(_broken(policy, "policy", _LONGER.format(1)))
    elif not _POLICY.fullmatch(policy):
        pattern = "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
        problems.append(_broken(policy, "policy", pattern))
    if len(policy) > MAX_SESSION_POLICY_CHARS:
        problems.append(_broken(policy, "policy", _SHORTER.format(MAX_SESSION_POLICY_CHARS)))
    return problems


_LONGER: Final = "Member must have length greater than or equal to {}"
_SHORTER: Final = "Member must have length less than or equal to {}"


def _broken(value: str, member: str, rule: str) -> str:
    return f"Value '{value}' at '{member}' failed to satisfy constraint: {rule}"


def _null(member: str) -> str:
    return f"Value at '{member}' failed to satisfy constraint: Member must not be null"


def _invalid(message: str) -> Refusal:
    return Refusal(400, "ValidationError", message)


def _malformed(problem: InvalidPolicy) -> Refusal:
    message = (
        "This policy contains invalid Json"
        if problem.where == "document"
        else f"Syntax errors in policy. ({problem})"
    )
    return Refusal(400, "MalformedPolicyDocument", message, str(problem))


def _denied(caller: Principal, role_arn: str, explanation: str) -> Refusal:
    return Refusal(
        403,
        "AccessDenied",
        f"User: {caller.arn} is not authorized to perform: {ACTION} on resource: {role_arn}",
        explanation,
    )
