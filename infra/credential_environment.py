"""The credential Lambda's settings, as the stack knows them.

Owns the translation from stack settings to CREDENTIALS_ names. Does not own those names: they are
`lambdas/credentials/settings.py`'s, and a test reads what is made here with that very reader.
Origins are not among them: API Gateway answers for CORS (`infra.credential_api`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.settings import KeySetUrl, PublicKey, Settings, SharedSecret, StoredSecret

if TYPE_CHECKING:
    from infra.iot_endpoint import IotEndpoint
    from infra.policies import Place
    from infra.settings import KeySource


def credential_environment(
    settings: Settings,
    *,
    place: pulumi.Output[Place],
    endpoint: IotEndpoint,
    client_role_arn: pulumi.Output[str],
) -> dict[str, pulumi.Input[str]]:
    """Return the function's environment; what was not configured is left out."""
    always: dict[str, pulumi.Input[str]] = {
        "CREDENTIALS_NAMESPACE": settings.namespace,
        "CREDENTIALS_CLIENT_ROLE_ARN": client_role_arn,
        "CREDENTIALS_IOT_ENDPOINT": endpoint.websocket_url,
        "CREDENTIALS_REGION": place.region,
        "CREDENTIALS_DURATION_S": str(settings.credential_lifetime_s),
        "CREDENTIALS_JWT_ALGORITHMS": ",".join(settings.jwt_algorithms),
    }
    optional = {
        "CREDENTIALS_JWT_ISSUER": settings.jwt_issuer,
        "CREDENTIALS_JWT_AUDIENCE": settings.jwt_audience,
    }
    configured = {name: value for name, value in optional.items() if value}
    return {**always, **configured, **_keys(settings.jwt_keys)}


def _keys(source: KeySource) -> dict[str, pulumi.Input[str]]:
    match source:
        case SharedSecret(secret):
            return {"CREDENTIALS_JWT_SECRET": pulumi.Output.secret(secret.reveal())}
        case StoredSecret(arn):
            return {"CREDENTIALS_JWT_SECRET_ARN": arn}
        case PublicKey(pem):
            return {"CREDENTIALS_JWT_PUBLIC_KEY": pem}
        case KeySetUrl(url):
            return {"CREDENTIALS_JWKS_URL": url}
