"""Roles that the rules engine takes on by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from moto.core.base_backend import BackendDict

from infra.bridge_policies import iot_trust_policy
from infra.policies import Place
from localaws.moto_server import MotoServer
from localaws.service_roles import RoleNotAssumable, ServiceRoles
from tests.unit.localaws.core.callers import ACCOUNT, REGION, allow

IOT = "iot.amazonaws.com"
RULE = f"arn:aws:iot:{REGION}:{ACCOUNT}:rule/r"


def trust(service: str) -> dict[str, object]:
    """Return a trust policy for one service."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def moto() -> Iterator[MotoServer]:
    """Return a server that was not started; its memory works all the same."""
    yield MotoServer(account=ACCOUNT, region=REGION)
    BackendDict.reset()


@pytest.fixture
def roles(moto: MotoServer) -> ServiceRoles:
    """Return the rules engine's sessions."""
    return ServiceRoles(moto.directory, service=IOT, session_name="rules-engine")


def test_a_session_is_kept_while_it_is_good(moto: MotoServer, roles: ServiceRoles) -> None:
    """And made again shortly before it ends."""
    arn = moto.create_role("r", trust(IOT), {"p": allow("sns:Publish")})
    now = datetime.now(UTC)
    first = roles.assume(arn, now, source_arn=RULE)
    assert first.principal.arn.endswith(":assumed-role/r/rules-engine")
    assert roles.assume(arn, now, source_arn=RULE).key.access_key_id == first.key.access_key_id
    later = roles.assume(arn, now + timedelta(seconds=3_400), source_arn=RULE)
    assert later.key.access_key_id != first.key.access_key_id


def test_policies_are_those_of_now(moto: MotoServer, roles: ServiceRoles) -> None:
    """A change of the role is seen by the next action."""
    arn = moto.create_role("r", trust(IOT), {"p": allow("sns:Publish")})
    now = datetime.now(UTC)
    assert roles.assume(arn, now, source_arn=RULE).principal.allows("sns:Publish", "*", {}).allowed
    moto.create_role("r", trust(IOT), {})
    assert (
        not roles.assume(arn, now, source_arn=RULE).principal.allows("sns:Publish", "*", {}).allowed
    )
    moto.create_role("r", trust("lambda.amazonaws.com"), {})
    with pytest.raises(RoleNotAssumable, match=r"does not let iot\.amazonaws\.com act"):
        roles.assume(arn, now, source_arn=RULE)


def test_a_trust_policy_may_ask_on_whose_behalf(moto: MotoServer, roles: ServiceRoles) -> None:
    """The rule and its account reach the trust policy's conditions."""
    place = Place(region=REGION, account=ACCOUNT, namespace="local")
    arn = moto.create_role("r", iot_trust_policy(place), {})
    now = datetime.now(UTC)
    assert roles.assume(arn, now, source_arn=RULE)
    with pytest.raises(RoleNotAssumable):
        roles.assume(arn, now, source_arn=RULE.replace(ACCOUNT, "999999999999"))


def test_a_role_must_exist(roles: ServiceRoles) -> None:
    """The ARN is in the text."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/gone"
    with pytest.raises(RoleNotAssumable, match="role/gone cannot be assumed: it does not exist"):
        roles.assume(arn, datetime.now(UTC), source_arn=RULE)
