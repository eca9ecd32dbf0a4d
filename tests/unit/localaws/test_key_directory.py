"""Keys are found with their owner's policies as they are now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from moto.core.base_backend import BackendDict

from infra.policies import lambda_trust_policy
from localaws import key_directory as module
from localaws.key_directory import KeyDirectory
from localaws.moto_server import MotoServer
from tests.unit.localaws.core.callers import ACCOUNT, REGION, allow, policy, statement


@pytest.fixture
def moto() -> Iterator[MotoServer]:
    """Return a server that was not started; its memory works all the same."""
    yield MotoServer(account=ACCOUNT, region=REGION)
    BackendDict.reset()


@pytest.fixture
def directory(moto: MotoServer) -> KeyDirectory:
    """Return its directory."""
    return moto.directory


def may(directory: KeyDirectory, access_key_id: str, action: str) -> bool:
    """Tell whether a key's owner may do something now."""
    known = directory.known_key(access_key_id)
    assert known is not None
    return known.principal.allows(action, "*", {}).allowed


def test_unknown_keys_and_roles_are_none(directory: KeyDirectory) -> None:
    """Nothing is made up."""
    assert directory.known_key("AKIANOBODY") is None
    assert directory.role(f"arn:aws:iam::{ACCOUNT}:role/none") is None
    assert directory.expire("ASIANOBODY") is False


def test_a_users_rights_follow_its_policies(moto: MotoServer, directory: KeyDirectory) -> None:
    """Inline, managed and group policies count, each as it stands at the moment."""
    key = moto.create_user_key("ann", {"p": allow("sns:*")}).access_key_id
    first = directory.known_key(key)
    again = directory.known_key(key)
    assert first is not None
    assert again is not None
    assert first.principal is again.principal
    iam = directory.iam
    iam.create_group("g", "/")
    iam.add_user_to_group("g", "ann")
    iam.put_group_policy("g", "p", json.dumps(allow("sqs:*")))
    managed = iam.create_policy("m", "/", json.dumps(allow("dynamodb:*")), "", [])
    iam.attach_user_policy(managed.arn, "ann")
    for action in ("sns:Publish", "sqs:SendMessage", "dynamodb:GetItem"):
        assert may(directory, key, action)
    iam.put_user_policy("ann", "p", json.dumps(policy(statement("Deny", "sqs:*"))))
    assert not may(directory, key, "sqs:SendMessage")
    assert not may(directory, key, "sns:Publish")


def test_an_inactive_or_deleted_key_is_unknown(moto: MotoServer, directory: KeyDirectory) -> None:
    """As IAM has it."""
    key = moto.create_user_key("ann", {}).access_key_id
    directory.iam.update_access_key("ann", key, "Inactive")
    assert directory.known_key(key) is None
    directory.iam.update_access_key("ann", key, "Active")
    assert directory.known_key(key) is not None
    directory.iam.users.pop("ann")
    assert directory.known_key(key) is None


def test_a_session_has_its_roles_rights_and_its_own_end(
    moto: MotoServer, directory: KeyDirectory
) -> None:
    """Role, session policy, token and end belong to the key."""
    role = moto.create_role("r", lambda_trust_policy(), {"p": allow("iot:*")})
    key = directory.open_session(
        role, session_name="user-42", duration_s=900, policy=json.dumps(allow("iot:Connect"))
    )
    known = directory.known_key(key.access_key_id)
    assert known is not None
    assert known.key == key
    assert key.session_token is not None
    assert key.expires_at is not None
    assert 890 < (key.expires_at - datetime.now(UTC)).total_seconds() <= 900
    assert known.principal.user_id.endswith(":user-42")
    assert known.principal.expires_at == key.expires_at
    assert known.principal.role_arn == role
    assert known.principal.allows("iot:Connect", "*", {}).allowed
    assert not known.principal.allows("iot:Publish", "*", {}).allowed


def test_a_session_can_be_ended_and_dies_with_its_role(
    moto: MotoServer, directory: KeyDirectory
) -> None:
    """An ended key is still known, as expired; one whose role is gone is not."""
    role = moto.create_role("r", lambda_trust_policy(), {})
    key = moto.lambda_role_session(role)
    assert directory.expire(key.access_key_id) is True
    known = directory.known_key(key.access_key_id)
    assert known is not None
    assert known.key.expires_at is not None
    assert known.key.expires_at < datetime(2000, 1, 1, tzinfo=UTC)
    directory.iam.delete_role("r")
    assert directory.known_key(key.access_key_id) is None


def test_the_oldest_sessions_and_principals_are_forgotten(
    moto: MotoServer, directory: KeyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded, moto's included."""
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    monkeypatch.setattr(module, "MAX_PRINCIPALS", 1)
    role = moto.create_role("r", lambda_trust_policy(), {})
    keys = [moto.lambda_role_session(role).access_key_id for _ in range(3)]
    assert [directory.known_key(key) is not None for key in keys] == [False, True, True]
    assert keys[0] not in directory.iam.access_keys
    found = [directory.known_key(key) for key in keys[1:]]
    assert all(known is not None for known in found)
