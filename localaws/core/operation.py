"""Name what a signed request to an AWS API wants to do, and to what.

Owns the IAM action and the resource ARNs of a request, read from its signing name, its `Action`
parameter or `X-Amz-Target`, and its parameters. Does not decide whether the caller may
(`localaws.core.principal`) and does not know the device gateway's operations.

How far it goes, on purpose: STS, SNS, SQS, IAM, DynamoDB and other query and JSON APIs get their
action; resources are named for the first five, and for reading secrets and SSM parameters. A REST API's operation is not named, IoT's topic
rules excepted: its caller needs a statement that covers the whole service (`lambda:*`). A resource that cannot be named counts
as `*`, which only a statement on `*` covers. Resource policies (of queues, topics, keys) are not
evaluated.

Source: Service Authorization Reference, "Actions, resources, and condition keys" of each service.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from localaws.core import rule_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from localaws.core.signed_request import Request

Spoken = Literal["query", "json", "rest"]
"""How an API is spoken: form in and XML out; JSON with X-Amz-Target; REST."""

PASS_ROLE: Final = "iam:PassRole"  # noqa: S105 (an action)
"""What a caller needs for every role it hands to a service."""

UNAUTHORIZED: Final = frozenset({"sts:GetCallerIdentity"})
"""Actions that need no permission. Source: STS API reference, GetCallerIdentity."""

_SAME_RIGHT: Final[Mapping[str, str]] = {
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
"""Operations that IAM knows under another operation's action."""

_TRANSACTED: Final[Mapping[str, str]] = {
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
    "Delete": "dynamodb:DeleteItem",
    "Get": "dynamodb:GetItem",
    "ConditionCheck": "dynamodb:ConditionCheckItem",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request, named.

    Attributes:
        service: Signing name, e.g. ``sqs``.
        spoken: How the API is spoken, which also shapes its errors.
        name: Operation, e.g. ``SendMessage``; ``*`` for one that cannot be named.
        wanted: Action and resource ARN pairs; the caller must be allowed all of them.
        parameters: The request's parameters: texts of a form, or a JSON body.
    """

    service: str
    spoken: Spoken
    name: str
    wanted: tuple[tuple[str, str], ...]
    parameters: Mapping[str, object]

    @property
    def form(self) -> dict[str, str]:
        """The parameters that are texts."""
        return {name: text for name, text in self.parameters.items() if isinstance(text, str)}


def spoken_by(request: Request) -> Spoken:
    """Tell how an API is spoken, which must be known before anything is refused."""
    kind = request.headers.get("content-type", "")
    if "x-amz-target" in request.headers:
        return "json"
    if kind.startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest"


def name_operation(
    request: Request, *, service: str, region: str, account: str, partition: str
) -> Operation:
    """Name a request.

    Args:
        request: As it arrived; its signature need not have been verified.
        service: Signing name of its credential scope.
        region: Region of its credential scope.
        account: The caller's account, for ARNs that the request names by name only.
        partition: ARN partition.
    """
    spoken = spoken_by(request)
    name, parameters = "*", {}
    if spoken == "query":
        parameters = _form(request.body)
        name = str(parameters.get("Action", "*"))
    elif spoken == "json":
        name = request.headers["x-amz-target"].rpartition(".")[2]
        parameters = _json(request.body)
    prefix = f"arn:{partition}:{service}:{region}:{account}:"
    if service == "iam":
        prefix = f"arn:{partition}:iam::{account}:"
    rule = rule_request.rule_request(request.method, request.path)
    if spoken == "rest" and service == rule_request.SERVICE and rule is not None:
        name, parameters = rule.operation, _json(request.body)
        wanted = tuple(_rule_wanted(rule, parameters, prefix))
    else:
        wanted = tuple(_wanted(service, name, parameters, prefix))
    return Operation(
        service=service, spoken=spoken, name=name, wanted=wanted, parameters=parameters
    )


def _wanted(
    service: str, name: str, parameters: Mapping[str, object], prefix: str
) -> Iterator[tuple[str, str]]:
    if service == "dynamodb" and name.startswith("Transact"):
        yield from _transacted(parameters, prefix)
        return
    action = f"{service}:{name}"
    action = _SAME_RIGHT.get(action, action)
    for resource in _resources(service, parameters, prefix) or ["*"]:
        yield action, resource


def _rule_wanted(
    rule: rule_request.RuleRequest, parameters: Mapping[str, object], prefix: str
) -> Iterator[tuple[str, str]]:
    yield f"iot:{rule.operation}", "*" if rule.rule is None else f"{prefix}rule/{rule.rule}"
    if rule.operation in rule_request.WRITTEN:
        for role_arn in rule_request.passed_roles(parameters):
            yield PASS_ROLE, role_arn


def _resources(service: str, parameters: Mapping[str, object], prefix: str) -> list[str]:
    text = {name: value for name, value in parameters.items() if isinstance(value, str) and value}
    if service == "sts":
        return [text["RoleArn"]] if "RoleArn" in text else []
    if service == "sns":
        if "Name" in text:
            return [prefix + text["Name"]]
        arn = text.get("TopicArn") or text.get("TargetArn") or text.get("SubscriptionArn", "")
        # A subscription's rights are its topic's: its ARN is the topic's and one part more.
        return [":".join(arn.split(":")[:6])] if arn else []
    if service == "sqs":
        queue = text.get("QueueName") or urlsplit(text.get("QueueUrl", "")).path.rpartition("/")[2]
        return [prefix + queue] if queue else []
    if service == "iam":
        return _iam_resources(text, prefix)
    if service == "dynamodb":
        return _tables(parameters, text, prefix)
    if service == "secretsmanager":
        # A secret's ARN ends in six characters that its name does not tell.
        return [text["SecretId"]] if text.get("SecretId", "").startswith("arn:") else []
    if service == "ssm" and "Name" in text:
        name = text["Name"]
        return [name if name.startswith("arn:") else f"{prefix}parameter/{name.lstrip('/')}"]
    return []


def _iam_resources(text: Mapping[str, str], prefix: str) -> list[str]:
    if "RoleName" in text:
        return [f"{prefix}role{text.get('Path', '/')}{text['RoleName']}"]
    if "UserName" in text:
        return [f"{prefix}user{text.get('Path', '/')}{text['UserName']}"]
    return [text["PolicyArn"]] if "PolicyArn" in text else []


def _tables(parameters: Mapping[str, object], text: Mapping[str, str], prefix: str) -> list[str]:
    if "TableName" in text:
        table = _table(text["TableName"], prefix)
        return [f"{table}/index/{text['IndexName']}"] if "IndexName" in text else [table]
    items = parameters.get("RequestItems")
    return [_table(str(name), prefix) for name in items] if isinstance(items, dict) else []


def _transacted(parameters: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    items = parameters.get("TransactItems")
    found = False
    for item in items if isinstance(items, list) else []:
        for kind, body in item.items() if isinstance(item, dict) else []:
            if kind in _TRANSACTED and isinstance(body, dict):
                found = True
                yield _TRANSACTED[kind], _table(str(body.get("TableName", "")), prefix)
    if not found:
        yield "dynamodb:*", "*"


def _table(name: str, prefix: str) -> str:
    return name if name.startswith("arn:") else f"{prefix}table/{name}"


def _form(body: bytes) -> dict[str, object]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        return {}


def _json(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
