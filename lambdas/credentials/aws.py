"""The botocore clients of one container.

Owns how they are made: from the given environment alone, with short timeouts, one retry at most,
one pooled connection, without boto3, and without looking through all of botocore's services. Does not
know what they are used for.

Source: botocore reference, `Session.create_client`, `Config` and `loaders.Loader`; AWS SDKs guide,
service-specific endpoints.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT_S = 1.0
"""Longest wait for a TCP and TLS connection inside one region."""

SERVICES: Final = ("secretsmanager", "ssm", "sts")
"""The services that clients are made of."""

_NO_FILES: Any = {"profile": (None, None, None, None), "config_file": (None, None, None, None)}
"""Session variables without their environment names: a container has no profiles, and a developer's
must not change what it does."""

# At DEBUG botocore logs whole answers, and with them the credentials it was sent.
logging.getLogger("botocore").setLevel(logging.INFO)


class KnownServices(Loader):
    """botocore's loader of service models, which is told what there is.

    Before it loads a model, botocore's own lists the folders of all its services, some 400, twice
    for each client: nearly a third of the CPU that a first client takes, and most of its calls to
    the file system.
    """

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the services that this function uses, whatever kind of file is asked for."""
        del type_name
        return list(SERVICES)


class AwsClients:
    """A maker of clients.

    Credentials are the environment's, as Lambda sets them for the function's role; where it sets
    none (SnapStart), botocore's own chain finds them.

    Args:
        environ: The environment; endpoints come from its ``AWS_ENDPOINT_URL…`` names.
        timeout_s: Longest wait for an answer.
    """

    def __init__(self, environ: Mapping[str, str], *, timeout_s: float) -> None:
        self._environ = environ
        self._session = botocore.session.Session(session_vars=_NO_FILES)
        self._session.register_component("data_loader", KnownServices())
        self._config = Config(
            connect_timeout=min(CONNECT_TIMEOUT_S, timeout_s),
            read_timeout=timeout_s,
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=1,
        )

    def client(self, service: str, region: str) -> Any:
        """Return a client of one service in one region."""
        environ = self._environ
        return self._session.create_client(
            service,
            region_name=region,
            endpoint_url=environ.get(f"AWS_ENDPOINT_URL_{_endpoint_id(service)}")
            or environ.get("AWS_ENDPOINT_URL"),
            aws_access_key_id=environ.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=environ.get("AWS_SESSION_TOKEN"),
            config=self._config,
        )


def _endpoint_id(service: str) -> str:
    return {"secretsmanager": "SECRETS_MANAGER"}.get(service, service.upper())
