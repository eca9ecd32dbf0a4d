"""The AWS session behind the client: its service model, and whose certificates it takes.

Owns two additions to the stock session: operations that this botocore does not know yet, and the
check that a certificate was made for the host it comes from.
Does not: hold credentials (`gateway/iot/credentials.py`) or open clients.
Source: botocore/loaders.py (extras); docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any, Final

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import AioSession
from botocore.httpsession import create_urllib3_context, get_cert_path

MODELS: Final = Path(__file__).resolve().parents[1] / "models"
"""Operations that this botocore does not know yet, in the form its loader merges into its own."""


def aws_session() -> AwsSession:
    """Return a session that knows the newer operations too, and no credentials yet."""
    session = AwsSession()
    session.get_component("data_loader").search_paths.insert(0, str(MODELS))
    return session


def tls_context(session: AwsSession) -> ssl.SSLContext:
    """Return what the session's clients check certificates with.

    Args:
        session: Its `ca_bundle` (AWS_CA_BUNDLE) names other authorities than the usual.
    """
    named = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    context: ssl.SSLContext = create_urllib3_context()
    context.check_hostname = True
    context.load_verify_locations(named or get_cert_path(verify=True))
    return context


class CheckedHttpSession(AIOHTTPSession):  # type: ignore[misc] # aiobotocore has no types
    """The stock HTTP session, and a certificate must be the host's own.

    botocore leaves that to urllib3, which aiobotocore does not use: without this, any certificate
    of a known authority would do.
    """

    def _get_ssl_context(self) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._get_ssl_context()
        context.check_hostname = True
        return context


class AwsSession(AioSession):  # type: ignore[misc] # aiobotocore has no types
    """The stock session, whose clients (of its credential providers, too) check host names."""

    def create_client(self, *args: Any, config: AioConfig | None = None, **options: Any) -> Any:
        """Return a client, see `AioSession.create_client`."""
        config = config or AioConfig()
        config.http_session_cls = CheckedHttpSession
        return super().create_client(*args, config=config, **options)
