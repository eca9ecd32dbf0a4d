"""How each AWS API words a refusal: code, status and format.

Owns the choice between XML and JSON, the codes for a caller that may not, and the refusals that are
localaws' own (what it does not serve). Does not own the bytes (`localaws.core.refusal`).

Source: "Common Errors" of the STS, SNS, SQS and DynamoDB API references; IAM user guide,
"Troubleshoot access denied error messages".
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from localaws.core.assumed_role import STS_NAMESPACE
from localaws.core.refusal import Answer, Refusal, json_answer, query_answer
from localaws.core.signed_request import (
    API_WINDOW_S,
    IOT_SERVICES,
    JSON_WORDING,
    QUERY_WORDING,
    Rules,
)
from wire.iam import Decision, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.core.operation import Operation, Spoken

NAMESPACES: Final[Mapping[str, str]] = {
    "sts": STS_NAMESPACE,
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sns": "http://sns.amazonaws.com/doc/2010-03-31/",
    "sqs": "http://queue.amazonaws.com/doc/2012-11-05/",
}
"""XML namespaces of query APIs; parsers of errors do not look at them, people do."""

_UNSERVED_STS: Final = frozenset(
    {
        "AssumeRoleWithSAML",
        "AssumeRoleWithWebIdentity",
        "AssumeRoot",
        "GetFederationToken",
        "GetSessionToken",
    }
)


def rules_of(spoken: Spoken) -> Rules:
    """Return what an API other than IoT's accepts: any region and service, 15 minutes."""
    wording = QUERY_WORDING if spoken == "query" else JSON_WORDING
    if spoken == "rest":
        wording = replace(wording, status=403)
    return Rules(wording=wording, window_s=API_WINDOW_S)


def answer_of(refusal: Refusal, *, spoken: Spoken, service: str, request_id: str) -> Answer:
    """Return a refusal in an API's own format."""
    if spoken == "query":
        namespace = NAMESPACES.get(service, f"https://{service or 'aws'}.amazonaws.com/")
        return query_answer(refusal, request_id=request_id, namespace=namespace)
    answer = json_answer(refusal, request_id=request_id)
    if service != "sqs":
        return answer
    # SQS clients still expect the codes of its older XML API. Source: AWS JSON protocol,
    # "awsQueryCompatible".
    code = QUERY_CODES.get(refusal.code, refusal.code)
    return replace(answer, headers=(*answer.headers, ("x-amzn-query-error", f"{code};Sender")))


QUERY_CODES: Final[Mapping[str, str]] = {
    JSON_WORDING.invalid_token: QUERY_WORDING.invalid_token,
    JSON_WORDING.expired_token: QUERY_WORDING.expired_token,
    JSON_WORDING.mismatch: QUERY_WORDING.mismatch,
    JSON_WORDING.missing: QUERY_WORDING.missing,
    "AccessDeniedException": "AccessDenied",
}
"""What a JSON error code was called when the same API spoke XML."""


def access_denied(
    operation: Operation, *, caller_arn: str, action: str, resource: str, decision: Decision
) -> Refusal:
    """Return the refusal of a caller whose policies do not allow an operation."""
    layer = decision.layer.replace("identity policy", "identity-based policy")
    why = (
        f"with an explicit deny in {_article(layer)} {layer}"
        if decision.verdict is Verdict.EXPLICIT_DENY
        else f"because no {layer} allows the {action} action"
    )
    message = (
        f"User: {caller_arn} is not authorized to perform: {action} on resource: {resource} {why}"
    )
    if operation.spoken == "query":
        code = "AuthorizationError" if operation.service == "sns" else "AccessDenied"
        return Refusal(403, code, message, decision.explanation)
    status = 400 if operation.spoken == "json" else 403
    return Refusal(status, "AccessDeniedException", message, decision.explanation)


def unserved(operation: Operation, path: str) -> Refusal | None:
    """Refuse by name what localaws does not serve here, rather than answer something untrue."""
    if operation.service in IOT_SERVICES:
        return _unserved("the IoT data plane is served on the IoT port, not on this one")
    if operation.service == "sts" and operation.name in _UNSERVED_STS:
        return _unserved(f"localaws opens no sessions with {operation.name}")
    if unquote(path).lstrip("/").startswith("moto-api"):
        return _unserved("moto's own controls are not served")
    return None


def _unserved(message: str) -> Refusal:
    # 501, since botocore tries again after 500, 502, 503 and 504.
    return Refusal(501, "NotImplemented", message)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
