"""The decision: may this caller do this to that?

Owns IAM's evaluation logic for identity policies, session policies and role trust policies: an
explicit Deny anywhere wins, otherwise every layer that is present must allow. Every decision says
which statement decided, or which layer had none. Does not own who the caller is.

Source: IAM user guide, "Policy evaluation logic" and "Session policies".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wire.iam.document import Document, Statement
from wire.iam.pattern import ContextValue


class Verdict(StrEnum):
    """How a decision came about."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """One question.

    Attributes:
        action: E.g. ``iot:Publish``.
        resource: ARN; ignored by trust policies.
        context: Condition keys and policy variables, e.g. ``{"iot:ClientId": "…"}``.
        principals: For trust policies: every name the caller answers to (role ARN, session ARN,
            account root ARN, account id, or a service name).
    """

    action: str
    resource: str = "*"
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    principals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One answer.

    Attributes:
        verdict: How it came about.
        layer: ``identity policy``, ``session policy`` or ``trust policy``: the one that decided.
        statement: The deciding statement's Sid or place; None where none matched.
    """

    verdict: Verdict
    layer: str
    statement: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether the caller may."""
        return self.verdict is Verdict.ALLOWED

    @property
    def explanation(self) -> str:
        """A phrase for people, e.g. ``no statement of the session policy allows it``."""
        if self.verdict is Verdict.ALLOWED:
            return f"allowed by {self.statement} of the {self.layer}"
        if self.verdict is Verdict.EXPLICIT_DENY:
            return f"denied by {self.statement} of the {self.layer}"
        return f"no statement of the {self.layer} allows it"


def evaluate(
    request: AccessRequest, *, identity: Iterable[Document], session: Document | None = None
) -> Decision:
    """Decide by identity policies, narrowed by a session policy where there is one.

    Args:
        request: The question.
        identity: The policies of the role or user.
        session: The session policy given to AssumeRole; None means it narrows nothing.
    """
    context = _lowered(request.context)
    layers = [("identity policy", tuple(identity))]
    if session is not None:
        layers.append(("session policy", (session,)))
    found = [_layer(name, documents, request, context) for name, documents in layers]
    return _combine(found)


def evaluate_trust(request: AccessRequest, document: Document) -> Decision:
    """Decide by a role's trust policy whether the caller may assume the role.

    Args:
        request: ``sts:AssumeRole`` with the caller's names in `principals`.
        document: The role's trust policy.
    """
    return _layer("trust policy", (document,), request, _lowered(request.context))


def _combine(found: list[Decision]) -> Decision:
    for verdict in (Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY):
        for decision in found:
            if decision.verdict is verdict:
                return decision
    return found[-1]


def _layer(
    name: str,
    documents: tuple[Document, ...],
    request: AccessRequest,
    context: Mapping[str, ContextValue],
) -> Decision:
    allowing: str | None = None
    for document in documents:
        for statement in document.statements:
            if not _applies(statement, request, context):
                continue
            if not statement.allows:
                return Decision(verdict=Verdict.EXPLICIT_DENY, layer=name, statement=statement.name)
            allowing = allowing or statement.name
    verdict = Verdict.IMPLICIT_DENY if allowing is None else Verdict.ALLOWED
    return Decision(verdict=verdict, layer=name, statement=allowing)


def _applies(
    statement: Statement, request: AccessRequest, context: Mapping[str, ContextValue]
) -> bool:
    action = request.action.lower()
    if any(p.matches(action, context) for p in statement.actions) is statement.actions_inverted:
        return False
    if statement.principals and not _names_caller(statement.principals, request.principals):
        return False
    if statement.resources:
        matched = any(p.matches(request.resource, context) for p in statement.resources)
        if matched is statement.resources_inverted:
            return False
    return all(condition.holds(context) for condition in statement.conditions)


def _names_caller(wanted: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return "*" in wanted or any(name in wanted for name in names)


def _lowered(context: Mapping[str, ContextValue]) -> dict[str, ContextValue]:
    return {name.lower(): value for name, value in context.items()}
