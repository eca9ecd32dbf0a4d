"""Roles that AWS services take on by themselves: the Lambda service, the rules engine.

Owns the trust check and keeping a session as long as it is good. Does not decide what the session
may do: its policies are looked up for every request it signs.

Source: IAM user guide, "Terms and concepts", service role.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from localaws.errors import LocalAwsError
from wire.iam import AccessRequest, evaluate_trust

if TYPE_CHECKING:
    from datetime import datetime

    from localaws.core.authentication import KnownKey
    from localaws.key_directory import KeyDirectory

SESSION_S: Final = 3_600
"""Life of a session, seconds."""

_RENEW: Final = timedelta(seconds=300)


class RoleNotAssumable(LocalAwsError):
    """A service cannot take on a role that it was given.

    Attributes:
        role_arn: Which one.
        problem: Why, in a phrase.
    """

    def __init__(self, role_arn: str, problem: str) -> None:
        super().__init__(role_arn, problem)
        self.role_arn = role_arn
        self.problem = problem

    def __str__(self) -> str:
        return f"role {self.role_arn} cannot be assumed: {self.problem}"


class ServiceRoles:
    """The sessions of one service.

    Args:
        directory: Knows roles and opens sessions.
        service: The name that trust policies must name, e.g. ``iot.amazonaws.com``.
        session_name: Last part of the sessions' ARNs.
    """

    def __init__(self, directory: KeyDirectory, *, service: str, session_name: str) -> None:
        self._directory = directory
        self._service = service
        self._session_name = session_name
        self._open: dict[str, KnownKey] = {}

    def assume(self, role_arn: str, now: datetime, *, source_arn: str) -> KnownKey:
        """Return credentials of a role, with its policies as they are now.

        Args:
            role_arn: The role.
            now: The service's clock.
            source_arn: On behalf of what, e.g. the rule's ARN; trust policies may ask for it and
                its account. Source: IAM user guide, "The confused deputy problem".

        Raises:
            RoleNotAssumable: There is no such role, or it does not trust the service.
        """
        role = self._directory.role(role_arn)
        if role is None:
            raise RoleNotAssumable(role_arn, "it does not exist")
        question = AccessRequest(
            action="sts:AssumeRole",
            principals=(self._service,),
            context={
                "aws:SourceArn": source_arn,
                "aws:SourceAccount": source_arn.split(":")[4],
            },
        )
        if not evaluate_trust(question, role.trust).allowed:
            raise RoleNotAssumable(
                role_arn, f"its trust policy does not let {self._service} act for {source_arn}"
            )
        held = self._open.get(role_arn)
        if held is not None:
            known = self._directory.known_key(held.key.access_key_id)
            ends = None if known is None else known.key.expires_at
            if known is not None and ends is not None and ends - now > _RENEW:
                return known
        key = self._directory.open_session(
            role_arn,
            session_name=self._session_name,
            duration_s=SESSION_S,
            policy=None,
            for_service=True,
        )
        known = self._directory.known_key(key.access_key_id)
        if known is None:  # the role was deleted by moto's threads a moment ago
            raise RoleNotAssumable(role_arn, "it does not exist")
        self._open[role_arn] = known
        return known
