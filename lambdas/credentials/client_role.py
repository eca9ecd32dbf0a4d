"""Assuming the client role, the one AWS call of an invocation.

Owns the call and what its failures mean. Does not decide what the session may do (`wire.policy`)
and does not make the client (`lambdas.credentials.aws`).

Source: STS API reference, AssumeRole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import botocore.exceptions
from botocore.exceptions import ClientError, HTTPClientError

from lambdas.credentials.errors import StsRefused, StsThrottled, StsUnavailable
from wire.errors import GrantRefused
from wire.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from types_boto3_sts import STSClient

THROTTLING_CODES: Final = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"}
)
"""Error codes by which AWS query APIs ask for fewer calls. Source: botocore's retry handlers."""

PACKED_TOO_LARGE_CODES: Final = frozenset({"PackedPolicyTooLarge", "PackedPolicyTooLargeException"})
"""The policy is short enough as text, but not as STS packs it. Source: STS AssumeRole, Errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """What STS handed out for one client.

    Attributes:
        access_key_id: Public part of the key.
        secret_access_key: Hidden from reprs.
        session_token: Hidden from reprs.
        expires_at: When AWS stops accepting them, UTC.
        packed_policy_percent: How much of STS's packed limit the session policy takes, or None
            where STS does not tell.
    """

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime
    packed_policy_percent: int | None


class ClientRole:
    """The role that browsers get, narrowed by a session policy.

    Args:
        client: A botocore STS client, with short timeouts and one retry at most.
        arn: The role.
    """

    def __init__(self, client: STSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def assume(self, *, session_name: str, policy: str, duration_s: int) -> ClientCredentials:
        """Return credentials for the role, narrowed to the policy.

        Raises:
            GrantRefused: ``packed_policy_too_large``.
            StsThrottled, StsUnavailable: The caller may try again.
            StsRefused: No retry helps; the stack is wrong.
        """
        try:
            answer = self._client.assume_role(
                RoleArn=self._arn,
                RoleSessionName=session_name,
                Policy=policy,
                DurationSeconds=duration_s,
            )
        except (HTTPClientError, botocore.exceptions.ConnectionError) as error:
            raise StsUnavailable(f"STS did not answer ({type(error).__name__})") from None
        except ClientError as error:
            raise _meaning(error.response) from None
        given = answer["Credentials"]
        return ClientCredentials(
            access_key_id=given["AccessKeyId"],
            secret_access_key=Secret(given["SecretAccessKey"]),
            session_token=Secret(given["SessionToken"]),
            expires_at=given["Expiration"],
            packed_policy_percent=answer.get("PackedPolicySize"),
        )


def _meaning(response: Mapping[str, object]) -> Exception:
    error, metadata = response.get("Error"), response.get("ResponseMetadata")
    code = str(error.get("Code", "")) if isinstance(error, dict) else ""
    message = str(error.get("Message", "")) if isinstance(error, dict) else ""
    status = metadata.get("HTTPStatusCode", 0) if isinstance(metadata, dict) else 0
    if code in THROTTLING_CODES or status == HTTPStatus.TOO_MANY_REQUESTS:
        return StsThrottled("STS takes no more calls right now")
    if code in PACKED_TOO_LARGE_CODES:
        found = re.search(r"(\d+)\s?%", message)
        used = f"{found[1]} % of" if found else "more than"
        return GrantRefused(
            "packed_policy_too_large",
            f"packed by STS, the session policy for this grant takes {used} the space there is; "
            "use fewer or shorter groups, or grant a subtree (a trailing /*)",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StsUnavailable(f"STS answered {status} ({code})")
    return StsRefused(code or str(status))
