"""Access keys, roles and their policies, looked up in moto's own memory.

Owns reading moto's IAM and STS backends in this process, and making temporary credentials in them.
Does not decide whether somebody may have them (`localaws.core.assume_role` does) and does not run
moto's HTTP server (`localaws.moto_server` does).

Threads: moto's server changes its backends from threads of its own. Every look-up here is one
dictionary access or a copy of a dictionary's values, which need no lock in CPython.

Source: facts 10.3 and 10.4 (where moto 5.2.5 keeps what).
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from localaws.core.assume_role import Role
from localaws.core.authentication import KnownKey
from localaws.core.principal import Principal, readable
from localaws.core.signature import AccessKey
from wire.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.iam.models import Group, IAMBackend, User
    from moto.iam.models import Role as MotoRole
    from moto.sts.models import AssumedRole, STSBackend

MAX_SESSIONS: Final = 100_000
"""Temporary credentials kept, expired ones included; past it the oldest are forgotten."""

MAX_PRINCIPALS: Final = 4_096
"""Principals whose policies are kept parsed; past it the oldest is made again when needed."""

NamedPolicy = tuple[str, str]
"""A policy's name and its JSON."""


class KeyDirectory:
    """Who the access keys of one account belong to.

    Args:
        account: Account id, 12 digits.
        region: The IoT endpoint's region; it makes the ARNs of IoT resources.
    """

    def __init__(self, *, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._partition: str = get_partition(region)
        self._sessions: dict[str, AssumedRole] = {}
        self._of_services: set[str] = set()
        self._principals: dict[str, tuple[tuple[NamedPolicy, ...], Principal]] = {}

    @property
    def partition(self) -> str:
        """ARN partition."""
        return self._partition

    @property
    def iam(self) -> IAMBackend:
        """IAM of this account, as moto keeps it."""
        return iam_backends[self._account][self._partition]

    def known_key(self, access_key_id: str) -> KnownKey | None:
        """Return an active key, expired or not; None for an unknown or inactive one."""
        session = self._sessions.get(access_key_id)
        return self._session_key(session) if session else self._user_key(access_key_id)

    def role(self, arn: str) -> Role | None:
        """Return a role with its trust policy; None where there is none."""
        found = self._role(arn)
        if found is None:
            return None
        return Role(
            arn=found.arn,
            role_id=found.id,
            trust=readable(f"trust policy of {found.name}", found.assume_role_policy_document),
            max_session_s=int(found.max_session_duration or 3_600),
        )

    def open_session(
        self,
        role_arn: str,
        *,
        session_name: str,
        duration_s: int,
        policy: str | None,
        for_service: bool = False,
    ) -> AccessKey:
        """Make temporary credentials for a role; every check has been made before.

        Args:
            role_arn: An existing role.
            session_name: Last part of the session's ARN.
            duration_s: Life of the credentials, seconds.
            policy: Session policy as JSON; None narrows nothing.
            for_service: An AWS service holds them (Lambda, rules), which renews them in time.
        """
        session = self._sts.assume_role(
            region_name=self._region,
            role_session_name=session_name,
            role_arn=role_arn,
            policy=policy,  # type: ignore[arg-type] # moto stores None where none was sent
            duration=duration_s,
            external_id="",
        )
        self._sessions[session.access_key_id] = session
        if for_service:
            self._of_services.add(session.access_key_id)
        while len(self._sessions) > MAX_SESSIONS:
            self._forget(next(iter(self._sessions)))
        return _session_access_key(session)

    def expire(self, access_key_id: str) -> bool:
        """End temporary credentials now, as if their time were over; tell whether they existed."""
        session = self._sessions.get(access_key_id)
        if session is None:
            return False
        session.expiration = session.expiration.replace(year=1971)
        return True

    def expire_all(self) -> int:
        """End all temporary credentials now but those of AWS services; return how many there were."""
        ending = [one for one in self._sessions if one not in self._of_services]
        return sum(self.expire(access_key_id) for access_key_id in ending)

    @property
    def _sts(self) -> STSBackend:
        return sts_backends[self._account][self._partition]

    def _role(self, arn: str) -> MotoRole | None:
        return next((role for role in list(self.iam.roles.values()) if role.arn == arn), None)

    def _session_key(self, session: AssumedRole) -> KnownKey | None:
        role = self._role(session.role_arn)
        if role is None:
            return None
        key = _session_access_key(session)
        policies = (*_policies(role), ("session policy", session.policy or ""))

        def make() -> Principal:
            return Principal(
                arn=session.arn,
                user_id=f"{role.id}:{session.session_name}",
                account=self._account,
                region=self._region,
                access_key_id=session.access_key_id,
                role_arn=role.arn,
                identity=tuple(readable(name, text) for name, text in policies[:-1]),
                session=readable(*policies[-1]) if session.policy else None,
                expires_at=key.expires_at,
            )

        remembered = self._remembered(session.access_key_id, policies)
        return KnownKey(key, remembered or self._remember(policies, make()))

    def _user_key(self, access_key_id: str) -> KnownKey | None:
        held = self.iam.access_keys.get(access_key_id)
        if held is None or held.status != "Active" or held.user_name is None:
            return None
        user = self.iam.users.get(held.user_name)
        if user is None:
            return None
        policies = tuple(self._user_policies(user))
        principal = self._remembered(access_key_id, policies) or self._remember(
            policies,
            Principal(
                arn=user.arn,
                user_id=user.id,
                account=self._account,
                region=self._region,
                access_key_id=access_key_id,
                identity=tuple(readable(name, text) for name, text in policies),
            ),
        )
        return KnownKey(
            AccessKey(access_key_id=access_key_id, secret=Secret(held.secret_access_key)), principal
        )

    def _user_policies(self, user: User) -> Iterator[NamedPolicy]:
        yield from _policies(user)
        for group in list(self.iam.groups.values()):
            if user in group.users:
                yield from _policies(group)

    def _remembered(
        self, access_key_id: str, policies: tuple[NamedPolicy, ...]
    ) -> Principal | None:
        written, principal = self._principals.get(access_key_id, ((), None))
        return principal if written == policies else None

    def _remember(self, policies: tuple[NamedPolicy, ...], principal: Principal) -> Principal:
        self._principals.pop(principal.access_key_id, None)
        if len(self._principals) >= MAX_PRINCIPALS:
            del self._principals[next(iter(self._principals))]
        self._principals[principal.access_key_id] = (policies, principal)
        return principal

    def _forget(self, access_key_id: str) -> None:
        session = self._sessions.pop(access_key_id)
        self._of_services.discard(access_key_id)
        self.iam.access_keys.pop(access_key_id, None)
        if session in self._sts.assumed_roles:
            self._sts.assumed_roles.remove(session)


def _policies(owner: MotoRole | User | Group) -> Iterator[NamedPolicy]:
    yield from list(owner.policies.items())
    for arn, managed in list(owner.managed_policies.items()):
        for version in list(managed.versions):
            if version.is_default:
                yield arn, version.document


def _session_access_key(session: AssumedRole) -> AccessKey:
    return AccessKey(
        access_key_id=session.access_key_id,
        secret=Secret(session.secret_access_key),
        session_token=Secret(session.session_token),
        expires_at=session.expiration.replace(tzinfo=UTC),
    )
