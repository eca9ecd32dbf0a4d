"""What STS answers to an AssumeRole that went well.

Owns the XML of the answer, PackedPolicySize included (moto's is a constant). Does not check anything
(`localaws.core.assume_role`) and makes no credentials (`localaws.key_directory`).

Source: STS API reference, AssumeRole, "Response Elements".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from localaws.core.refusal import Answer

if TYPE_CHECKING:
    from localaws.core.signature import AccessKey

STS_NAMESPACE: Final = "https://sts.amazonaws.com/doc/2011-06-15/"
"""XML namespace of STS. Source: STS API reference."""


def assumed_answer(
    key: AccessKey, *, arn: str, user_id: str, packed_percent: int, request_id: str
) -> Answer:
    """Return the answer that carries new credentials.

    Args:
        key: The temporary key, with token and end.
        arn: The session's ARN.
        user_id: `AROA…:<session name>`.
        packed_percent: PackedPolicySize; 0 leaves it out, as AWS does without a session policy.
        request_id: A fresh UUID.
    """
    token = key.session_token.reveal() if key.session_token else ""
    end = f"{key.expires_at:%Y-%m-%dT%H:%M:%SZ}" if key.expires_at else ""
    packed = f"<PackedPolicySize>{packed_percent}</PackedPolicySize>" if packed_percent else ""
    body = (
        f'<AssumeRoleResponse xmlns="{STS_NAMESPACE}"><AssumeRoleResult>'
        f"<AssumedRoleUser><AssumedRoleId>{escape(user_id)}</AssumedRoleId>"
        f"<Arn>{escape(arn)}</Arn></AssumedRoleUser>"
        f"<Credentials><AccessKeyId>{escape(key.access_key_id)}</AccessKeyId>"
        f"<SecretAccessKey>{escape(key.secret.reveal())}</SecretAccessKey>"
        f"<SessionToken>{escape(token)}</SessionToken><Expiration>{end}</Expiration></Credentials>"
        f"{packed}</AssumeRoleResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        "</AssumeRoleResponse>"
    )
    headers = (("content-type", "text/xml"), ("x-amzn-RequestId", request_id))
    return Answer(200, headers, body.encode())
