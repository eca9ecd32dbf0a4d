"""The credential Lambda as it runs here: the handler that is deployed, in an environment of ours.

Owns putting the two together. Does not change the handler: it is built by its own `build` from an
environment of the very names it has in AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambdas.credentials.handler import build
from localaws.functions import Function
from localaws.moto_server import LAMBDA_SESSION_S
from localaws.stack import FUNCTION_NAME, Stack, function_environ

if TYPE_CHECKING:
    from localaws.functions import Handler
    from localaws.listeners import Endpoints
    from localaws.moto_server import MotoServer
    from localaws.settings import Settings
    from wire.secret import Secret

RECYCLE_S: Final = LAMBDA_SESSION_S / 2
"""Age at which an environment, and with it its role's credentials, is made again."""


def credential_function(
    stack: Stack,
    moto: MotoServer,
    *,
    settings: Settings,
    endpoints: Endpoints,
    jwt_secret: Secret,
) -> Function:
    """Return the credential Lambda; each execution environment gets its own role session."""

    def build_handler() -> Handler:
        session = moto.lambda_role_session(stack.credentials_role_arn, session_name=FUNCTION_NAME)
        environ = function_environ(
            stack,
            session=session,
            settings=settings,
            jwt_secret=jwt_secret,
            aws_url=endpoints.aws_url,
            mqtt_url=endpoints.mqtt_url,
        )
        return build(environ)

    return Function(
        name=FUNCTION_NAME,
        arn=stack.function_arn,
        build=build_handler,
        timeout_s=settings.function_timeout_s,
        concurrency=settings.function_concurrency,
        recycle_s=RECYCLE_S,
    )
