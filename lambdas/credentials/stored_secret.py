"""The token secret where it is kept in AWS, read once for each container.

Owns reading one text from Secrets Manager or from an SSM parameter. Does not judge it
(`wire.verification_key`). A rotated secret is picked up by new containers; to have it at once,
deploy the function again.

Source: Secrets Manager API reference, GetSecretValue; Systems Manager API reference, GetParameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.credentials.errors import KeysUnavailable
from wire.secret import Secret

if TYPE_CHECKING:
    from lambdas.credentials.aws import AwsClients
    from lambdas.credentials.settings import StoredSecret


def read_stored_secret(clients: AwsClients, stored: StoredSecret) -> Secret:
    """Return the text of a secret or (decrypted) parameter.

    Args:
        clients: Makes the one client needed, in the secret's own region.
        stored: Where it is.

    Raises:
        KeysUnavailable: It cannot be read; the text has AWS's error code only.
    """
    client = clients.client(stored.service, stored.region)
    try:
        if stored.service == "ssm":
            answer = client.get_parameter(Name=stored.arn, WithDecryption=True)
            return Secret(answer["Parameter"]["Value"])
        answer = client.get_secret_value(SecretId=stored.arn)
        return Secret(answer.get("SecretString") or answer["SecretBinary"].decode())
    except ClientError as error:
        problem = error.response["Error"]["Code"]
    except (BotoCoreError, UnicodeDecodeError) as error:
        problem = type(error).__name__
    raise KeysUnavailable(f"the token secret cannot be read ({problem})")
