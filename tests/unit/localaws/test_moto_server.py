"""Roles, users and sessions are made in moto's memory without asking over the network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto.core.base_backend import BackendDict

from infra.policies import lambda_trust_policy
from localaws.errors import Misuse, NotRunning
from localaws.moto_server import MotoServer
from tests.unit.localaws.core.callers import ACCOUNT, REGION, allow


@pytest.fixture
def moto() -> Iterator[MotoServer]:
    """Return a server that was not started; its memory works all the same."""
    yield MotoServer(account=ACCOUNT, region=REGION)
    BackendDict.reset()


def test_it_has_no_address_before_it_runs(moto: MotoServer) -> None:
    """Nobody can be sent to a server that is not there; stopping it does nothing."""
    moto.stop()
    with pytest.raises(NotRunning):
        _ = moto.endpoint


def test_a_role_is_made_and_made_again(moto: MotoServer) -> None:
    """The second time it is as the second call describes it."""
    arn = moto.create_role("r", lambda_trust_policy(), {"a": allow("sns:*")})
    assert arn == f"arn:aws:iam::{ACCOUNT}:role/r"
    again = moto.create_role("r", lambda_trust_policy(), {"b": allow("sqs:*")}, max_session_s=7_200)
    assert again == arn
    role = moto.directory.role(arn)
    assert role is not None
    assert role.max_session_s == 7_200
    key = moto.lambda_role_session(arn, session_name="fn")
    known = moto.directory.known_key(key.access_key_id)
    assert known is not None
    assert not known.principal.allows("sns:Publish", "*", {}).allowed
    assert known.principal.allows("sqs:SendMessage", "*", {}).allowed
    assert known.principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/fn"


def test_a_user_key_is_known_at_once(moto: MotoServer) -> None:
    """It carries exactly the policies given last."""
    moto.create_user_key("ann", {"old": allow("sns:*")})
    key = moto.create_user_key("ann", {"new": allow("sqs:*")})
    known = moto.directory.known_key(key.access_key_id)
    assert known is not None
    assert known.key == key
    assert known.principal.arn == f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert not known.principal.allows("sns:Publish", "*", {}).allowed


def test_the_oldest_key_makes_room(moto: MotoServer) -> None:
    """IAM keeps two keys for each user; the third takes the place of the first."""
    first, second, third = (moto.create_user_key("ann", {}) for _ in range(3))
    known = [moto.directory.known_key(key.access_key_id) for key in (first, second, third)]
    assert [key is not None for key in known] == [False, True, True]


def test_what_iam_would_not_take_is_our_mistake(moto: MotoServer) -> None:
    """Bad documents and roles no function can have are refused here."""
    bad = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}
    with pytest.raises(Misuse, match="role r"):
        moto.create_role("r", lambda_trust_policy(), {"p": bad})
    with pytest.raises(Misuse, match="user ann"):
        moto.create_user_key("ann", {"p": bad})
    with pytest.raises(Misuse, match="does not exist"):
        moto.lambda_role_session(f"arn:aws:iam::{ACCOUNT}:role/none")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        ],
    }
    with pytest.raises(Misuse, match="does not trust"):
        moto.lambda_role_session(moto.create_role("other", trust, {}))
