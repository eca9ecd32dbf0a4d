"""Who a caller is and what it may do.

Owns the caller as every surface of localaws knows it, the condition keys that follow from who it
is, and the decision role policy ∩ session policy (an explicit deny wins). Does not find out who the
caller is (`localaws.core.authentication` does) and does not evaluate documents itself (`wire.iam`).

The policies are those of the moment the principal was made: AWS, too, checks at the handshake and
caches policies for minutes. Source: facts 3.15 and 4.12 (partly unverified there).

Source: facts 4.1 to 4.5; IAM user guide, "Policy evaluation logic" and "Global condition keys".
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wire.errors import InvalidPolicy
from wire.iam import AccessRequest, Decision, Document, evaluate, parse_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from localaws.core.authorizer import Context, ResourceKind

MAX_REMEMBERED: Final = 1_024
"""Decisions one principal remembers; past it the oldest is forgotten."""

Question = tuple[str, str, frozenset[tuple[str, str | tuple[str, ...]]]]
"""Action, resource and context of a decision: the key it is remembered by."""


class Principal:
    """A caller whose signature was verified.

    Attributes:
        arn: `arn:aws:iam::…:user/…` or `arn:aws:sts::…:assumed-role/<role>/<session>`.
        user_id: `AIDA…`, or `AROA…:<session name>` as lifecycle events show it.
        account: Account id, 12 digits.
        access_key_id: The key it signed with.
        role_arn: The IAM ARN of the assumed role; None for a user.
        identity: The role's or user's policies.
        session: The session policy given to AssumeRole; None narrows nothing.
        expires_at: Aware UTC end of its credentials; None for a user's key.
    """

    __slots__ = (
        "_iot",
        "_own",
        "_remembered",
        "access_key_id",
        "account",
        "arn",
        "expires_at",
        "identity",
        "role_arn",
        "session",
        "user_id",
    )

    def __init__(
        self,
        *,
        arn: str,
        user_id: str,
        account: str,
        region: str,
        access_key_id: str = "",
        role_arn: str | None = None,
        identity: tuple[Document, ...],
        session: Document | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        self.arn = arn
        self.user_id = user_id
        self.account = account
        self.access_key_id = access_key_id
        self.role_arn = role_arn
        self.identity = identity
        self.session = session
        self.expires_at = expires_at
        partition = arn.split(":")[1]
        self._iot = f"arn:{partition}:iot:{region}:{account}:"
        self._own: dict[str, str | tuple[str, ...]] = {
            "aws:PrincipalArn": role_arn or arn,
            "aws:PrincipalAccount": account,
            "aws:PrincipalType": "AssumedRole" if role_arn else "User",
            "aws:userid": user_id,
            # The policies must decide as they do behind TLS; docs/fidelity.md says so.
            "aws:SecureTransport": "true",
        }
        if role_arn is None:
            self._own["aws:username"] = arn.rpartition("/")[2]
        self._remembered: dict[Question, Decision] = {}

    def decide(
        self, action: str, resource_kind: ResourceKind, name: str, context: Context
    ) -> Decision:
        """Decide one request to the IoT endpoint.

        Args:
            action: Full action name, e.g. ``iot:Receive``.
            resource_kind: ``client``, ``topic`` or ``topicfilter``.
            name: Client id, topic or topic filter; nothing in it is a wildcard.
            context: Condition keys and policy variables, e.g. ``iot:ClientId``, ``aws:SourceIp``.
        """
        # Not remembered here: each connection remembers its own (`localaws.core.authorizer`).
        return self._decided(action, f"{self._iot}{resource_kind}/{name}", context)

    def allows(
        self, action: str, resource: str, context: Mapping[str, str | tuple[str, ...]]
    ) -> Decision:
        """Decide one request to any API.

        Args:
            action: Full action name, e.g. ``sns:Publish``.
            resource: ARN, or ``*`` for an action without one.
            context: Condition keys of the request; who the caller is need not be among them.
        """
        question = (action, resource, frozenset(context.items()))
        decision = self._remembered.get(question)
        if decision is None:
            decision = self._decided(action, resource, context)
            if len(self._remembered) >= MAX_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[question] = decision
        return decision

    def _decided(
        self, action: str, resource: str, context: Mapping[str, str | tuple[str, ...]]
    ) -> Decision:
        request = AccessRequest(action=action, resource=resource, context={**context, **self._own})
        return _shared(evaluate(request, identity=self.identity, session=self.session))

    @property
    def own_keys(self) -> Mapping[str, str | tuple[str, ...]]:
        """Condition keys that follow from who the caller is."""
        return self._own

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names a trust policy may call exactly this caller by: session and role, or user."""
        return (self.arn, self.role_arn) if self.role_arn else (self.arn,)

    @property
    def account_names(self) -> tuple[str, ...]:
        """The names a trust policy may call this caller's whole account by."""
        partition = self.arn.split(":")[1]
        return (self.account, f"arn:{partition}:iam::{self.account}:root")

    def __repr__(self) -> str:
        return f"Principal({self.arn!r})"


@lru_cache(maxsize=1_024)
def _shared(decision: Decision) -> Decision:
    """Return one object for all decisions that are equal: thousands of connections remember it."""
    return decision


@lru_cache(maxsize=1_024)
def readable(name: str, text: str) -> Document:
    """Return a stored policy, or one that denies everything where it cannot be honoured.

    A policy we cannot read may hold a Deny, so dropping it could allow too much.

    Args:
        name: The policy's name, for the explanation of a denial.
        text: Its JSON.
    """
    try:
        return parse_document(text)
    except InvalidPolicy as problem:
        return parse_document(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Sid": f"unreadable policy {name} ({problem})",
                    "Effect": "Deny",
                    "Action": "*",
                    "Resource": "*",
                },
            }
        )
