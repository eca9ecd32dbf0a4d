"""The stack on this machine: the roles, users and function settings that Pulumi makes in AWS.

Owns which principals there are and what the credential Lambda is told. Does not write policies:
they come from `infra.policies`, the same functions the Pulumi program calls, so that a policy wrong
in production is wrong here. Makes nothing over the network and starts nothing.

Known differences: the gateway has a user with a key where AWS gives it a role of its platform, and
there is an admin, which stands for the developer's own account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.policies import (
    Place,
    client_role_policy,
    client_trust_policy,
    credential_lambda_policy,
    gateway_policy,
    lambda_trust_policy,
    role_name,
)
from localaws.core.demo_token import ISSUER

if TYPE_CHECKING:
    from localaws.core.signature import AccessKey
    from localaws.moto_server import MotoServer
    from localaws.settings import Settings
    from wire.secret import Secret

FUNCTION_NAME: Final = "credentials"

ADMIN_POLICY: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""The managed policy AdministratorAccess, as one inline document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What was made.

    Attributes:
        place: Where the stack stands.
        client_role_arn: The role browsers get.
        credentials_role_arn: The credential Lambda's execution role.
        function_arn: The credential Lambda.
        gateway: The gateway's key.
        admin: A key that may do anything, for tests and the AWS CLI.
    """

    place: Place
    client_role_arn: str
    credentials_role_arn: str
    function_arn: str
    gateway: AccessKey
    admin: AccessKey


def make_stack(moto: MotoServer, *, namespace: str) -> Stack:
    """Make every role and user of the stack in moto."""
    place = Place(region=moto.region, account=moto.account, namespace=namespace)
    here = f"{place.region}:{place.account}"
    credentials_role, client_role = (
        role_name(namespace, "credentials"),
        role_name(namespace, "client"),
    )
    client_role_arn = f"arn:{place.partition}:iam::{place.account}:role/{client_role}"
    credentials_role_arn = moto.create_role(
        credentials_role,
        lambda_trust_policy(),
        {
            "credentials": credential_lambda_policy(
                client_role_arn=client_role_arn,
                log_group_arn=f"arn:{place.partition}:logs:{here}:log-group:/aws/lambda/{FUNCTION_NAME}",
            )
        },
    )
    return Stack(
        place=place,
        client_role_arn=moto.create_role(
            client_role,
            client_trust_policy(credentials_role_arn),
            {"client": client_role_policy(place)},
        ),
        credentials_role_arn=credentials_role_arn,
        function_arn=f"arn:{place.partition}:lambda:{here}:function:{FUNCTION_NAME}",
        gateway=moto.create_user_key(
            role_name(namespace, "gateway"), {"gateway": gateway_policy(place)}
        ),
        admin=moto.create_user_key(f"{namespace}-admin", {"admin": ADMIN_POLICY}),
    )


def function_environ(
    stack: Stack,
    *,
    session: AccessKey,
    settings: Settings,
    jwt_secret: Secret,
    aws_url: str,
    mqtt_url: str,
) -> dict[str, str]:
    """Return the credential Lambda's environment: what Lambda sets, then what the stack sets.

    Args:
        stack: Its roles.
        session: Credentials of the execution role.
        settings: Region, namespace and durations.
        jwt_secret: What demo tokens are signed with.
        aws_url: Where STS answers.
        mqtt_url: The IoT endpoint as a browser reaches it.
    """
    token = session.session_token
    return {
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret.reveal(),
        "AWS_SESSION_TOKEN": token.reveal() if token else "",
        "AWS_ENDPOINT_URL_STS": aws_url,
        "CREDENTIALS_NAMESPACE": settings.namespace,
        "CREDENTIALS_CLIENT_ROLE_ARN": stack.client_role_arn,
        "CREDENTIALS_IOT_ENDPOINT": mqtt_url,
        "CREDENTIALS_REGION": settings.region,
        "CREDENTIALS_DURATION_S": str(settings.credentials_duration_s),
        "CREDENTIALS_JWT_ALGORITHMS": "HS256",
        "CREDENTIALS_JWT_SECRET": jwt_secret.reveal(),
        "CREDENTIALS_JWT_ISSUER": ISSUER,
        "CREDENTIALS_JWT_AUDIENCE": settings.namespace,
    }
