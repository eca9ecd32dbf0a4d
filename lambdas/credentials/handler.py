"""Entry point of the credential Lambda.

Owns making the function once for each container: settings, keys and the STS client. What happens
to a request is in `lambdas.credentials.function`.

Importing this module loads neither botocore nor PyJWT; `build` does, and only what the settings
ask for. Inside Lambda the module builds at once, in the init phase, which has a full CPU whatever
memory the function has. A failure there is logged, and tried again with the first request.

Source: Lambda developer guide, "Define Lambda function handler in Python" and "Understanding the
Lambda execution environment lifecycle"; docs/decisions/0003-tokens-and-credentials.md.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from lambdas.credentials.answer import refused

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Mapping[str, object], object], dict[str, object]]
"""A Lambda handler: an event and its context in, an answer in payload format 2.0 out."""


def build(environ: Mapping[str, str], *, clock: Callable[[], datetime] | None = None) -> Handler:
    """Return the handler that an environment describes, with its clients and keys made.

    Args:
        environ: Settings (`CREDENTIALS_…`), and AWS's own names for credentials and endpoints.
        clock: The time, UTC; None for the real one.

    Raises:
        SettingsError: The settings are wrong.
        KeysUnavailable: A secret kept in AWS cannot be read.
    """
    # Here and not above: an import of this module stays cheap (see the module docstring).
    from lambdas.credentials.aws import AwsClients  # noqa: PLC0415
    from lambdas.credentials.client_role import ClientRole  # noqa: PLC0415
    from lambdas.credentials.function import CredentialFunction, utc_now  # noqa: PLC0415
    from lambdas.credentials.key_source import key_source  # noqa: PLC0415
    from lambdas.credentials.settings import Settings  # noqa: PLC0415

    settings = Settings.from_env(environ)
    clients = AwsClients(environ, timeout_s=settings.sts_timeout_s)
    return CredentialFunction(
        settings,
        keys=key_source(settings.key_from, clients),
        role=ClientRole(clients.client("sts", settings.region), settings.client_role_arn),
        clock=clock or utc_now,
    )


class Container:
    """The one handler of a Lambda container, built when it is first needed.

    Args:
        environ: Read when it is built.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._handler: Handler | None = None

    def prepare(self) -> Exception | None:
        """Build the handler if there is none yet; return what went wrong, already logged."""
        if self._handler is None:
            try:
                self._handler = build(self._environ)
            except Exception as error:
                log.exception("credentials function not built")
                return error
        return None

    def __call__(self, event: Mapping[str, object], context: object) -> dict[str, object]:
        """Answer one event; a container that cannot be built says so in every answer."""
        error = self.prepare()
        if self._handler is None:
            return refused(error or RuntimeError("no handler"))
        return self._handler(event, context)


handler = Container(os.environ)
"""What the function's configuration names: ``lambdas.credentials.handler.handler``."""

if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:
    handler.prepare()
