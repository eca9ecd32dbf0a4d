"""What one client of the tests is given: its name, its credentials, and where to connect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lambdas.credentials.client_role import ClientCredentials
from lambdas.credentials.signed_url import signed_url
from wire.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One client.

    Attributes:
        client_id: The one it may connect with.
        endpoint: `ws` or `wss` URL of the MQTT endpoint, unsigned.
        url: The same, signed; good for about five minutes.
        region: The endpoint's.
        access_key_id: Of temporary credentials.
        secret_access_key: Theirs.
        session_token: Theirs.
    """

    client_id: str
    endpoint: str
    url: str
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str

    @classmethod
    def of_session(
        cls, credentials: Mapping[str, object], *, client_id: str, endpoint: str, region: str
    ) -> Member:
        """Make one from what AssumeRole answered, and sign its URL."""
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        key, secret, token = (str(credentials[name]) for name in names)
        now = datetime.now(UTC)
        url = signed_url(
            endpoint,
            region=region,
            credentials=ClientCredentials(
                access_key_id=key,
                secret_access_key=Secret(secret),
                session_token=Secret(token),
                expires_at=now,
                packed_policy_percent=None,
            ),
            now=now,
        )
        return cls(
            client_id=client_id,
            endpoint=endpoint,
            url=url,
            region=region,
            access_key_id=key,
            secret_access_key=secret,
            session_token=token,
        )
