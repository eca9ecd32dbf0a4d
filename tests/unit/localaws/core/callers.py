"""Example callers and policies for the tests of decisions.

Owns building principals out of plain dictionaries. Does not look anything up.
"""

from __future__ import annotations

from collections.abc import Mapping

from localaws.core.principal import Principal
from wire.iam import parse_document

ACCOUNT = "123456789012"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/credentials"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/credentials/function"


def statement(
    effect: str, action: object, resource: object = "*", **more: object
) -> dict[str, object]:
    """Return one statement."""
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Mapping[str, object]) -> dict[str, object]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    """Return a policy of one Allow statement."""
    return policy(statement("Allow", action, resource, **more))


def user(*identity: dict[str, object], account: str = ACCOUNT) -> Principal:
    """Return a user with these policies."""
    return Principal(
        arn=f"arn:aws:iam::{account}:user/team/ann",
        user_id="AIDAEXAMPLE",
        account=account,
        region=REGION,
        identity=tuple(parse_document(one) for one in identity),
    )


def role_session(
    *identity: dict[str, object], session: dict[str, object] | None = None
) -> Principal:
    """Return a session of the example role, narrowed by a session policy if one is given."""
    return Principal(
        arn=SESSION,
        user_id="AROAEXAMPLE:function",
        account=ACCOUNT,
        region=REGION,
        role_arn=ROLE,
        identity=tuple(parse_document(one) for one in identity),
        session=parse_document(session) if session else None,
    )
