"""The stack on this machine: the policies of the Pulumi program, and settings the Lambda reads."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra import policies
from lambdas.credentials import settings as credential_settings
from localaws.moto_server import MotoServer
from localaws.settings import Settings
from localaws.stack import Stack, function_environ, make_stack
from wire.secret import Secret

PLACE = policies.Place(region="eu-west-1", account="000000000042", namespace="mine")


@pytest.fixture
def moto() -> Iterator[MotoServer]:
    """Return moto's memory, without a server, for an account no other test has."""
    server = MotoServer(account=PLACE.account, region=PLACE.region)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def stack(moto: MotoServer) -> Stack:
    """Make the stack."""
    return make_stack(moto, namespace=PLACE.namespace)


def role_of(moto: MotoServer, kind: policies.RoleKind) -> tuple[object, list[object]]:
    """Return a role's trust policy and its inline policies."""
    name = policies.role_name(PLACE.namespace, kind)
    (role,) = [role for role in moto.directory.iam.roles.values() if role.name == name]
    return (
        json.loads(role.assume_role_policy_document),
        [json.loads(document) for document in role.policies.values()],
    )


def test_client_role_is_the_pulumi_programs(moto: MotoServer, stack: Stack) -> None:
    """Browsers get exactly what infra allows, and only the Lambda may hand it out."""
    trust, inline = role_of(moto, "client")
    assert trust == policies.client_trust_policy(stack.credentials_role_arn)
    assert inline == [policies.client_role_policy(PLACE)]


def test_lambda_role_is_the_pulumi_programs(moto: MotoServer, stack: Stack) -> None:
    """The Lambda may assume the client role and write its log, nothing else."""
    trust, inline = role_of(moto, "credentials")
    assert trust == policies.lambda_trust_policy()
    log_group = "arn:aws:logs:eu-west-1:000000000042:log-group:/aws/lambda/credentials"
    assert inline == [
        policies.credential_lambda_policy(
            client_role_arn=stack.client_role_arn, log_group_arn=log_group
        )
    ]


def test_gateway_is_held_to_its_policy(moto: MotoServer, stack: Stack) -> None:
    """The gateway's key belongs to a user with the gateway's policy."""
    user = moto.directory.iam.users["mine-gateway"]
    assert [json.loads(text) for text in user.policies.values()] == [policies.gateway_policy(PLACE)]
    assert moto.directory.known_key(stack.gateway.access_key_id) is not None


def test_lambda_takes_its_environment(moto: MotoServer, stack: Stack) -> None:
    """Every name is one the Lambda knows, and every value one it takes."""
    environ = function_environ(
        stack,
        session=moto.lambda_role_session(stack.credentials_role_arn),
        settings=Settings(region=PLACE.region, namespace=PLACE.namespace, account=PLACE.account),
        jwt_secret=Secret("s" * 32),
        aws_url="http://127.0.0.1:1",
        mqtt_url="ws://127.0.0.1:2/mqtt",
    )
    read = credential_settings.Settings.from_env(environ)
    assert read.client_role_arn == stack.client_role_arn
    assert read.iot_endpoint == "ws://127.0.0.1:2/mqtt"
    assert read.namespace == "mine"
    assert environ["AWS_SESSION_TOKEN"]
