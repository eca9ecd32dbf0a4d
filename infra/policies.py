"""Every IAM document of the stack, as pure functions of where the stack stands.

Owns who may do what: the client role, the credential Lambda, the gateway, and who may become them,
and the written reasons for the few `*` there are. The bridges and the gateway service have files of
their own (`infra.bridge_policies`, `infra.service_policies`). Does not create anything (the components do) and does not know Pulumi: localaws makes its roles from
these same functions, so a document that is wrong in production is wrong on the laptop.

What holds the namespaces apart:

* Topics: every topic and topic filter resource starts with `<namespace>/`, so a client role used
  *without* a session policy still hears and says nothing outside its own stack.
  The session policy (`wire.policy`) then narrows it to one client and its grants.
* `${iot:ClientId}` is not used. It would tie `<namespace>/client/…` to the connection even without
  a session policy, but user and group topics cannot be derived from it, it is empty for HTTP
  publishes, and that it resolves in role policies is known from one field report only. The session
  policy spells the exact client id instead.
* Client ids start with `<namespace>.` (docs/decisions/0001-client-ids.md), and a namespace holds no
  dot, so `client/<namespace>.*` is this stack's connections and nobody else's: no client and no
  gateway can displace, inspect or disconnect one of another stack in the same account.

Source: AWS IoT developer guide, "AWS IoT Core policy actions" and "action resources";
IAM user guide, "JSON policy elements".
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from wire.address import check_namespace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PolicyDocument: TypeAlias = dict[str, object]
"""An IAM policy document, ready for `json.dumps`."""

RoleKind: TypeAlias = Literal[
    "client", "credentials", "gateway", "bridge", "rules", "outbox", "inbox"
]
"""The principals of the stack: a browser, the credential Lambda, the gateway, the SNS bridge, the
rules engine, the inbox's rules; and the outbox, which has a policy and no role."""

POLICY_VERSION: Final = "2012-10-17"
"""The IAM policy language in force. Source: IAM user guide, "Version"."""

EVERY_RESOURCE: "Final[Mapping[str, str]]" = {
    "ecr:GetAuthorizationToken": "it is the registry's log-in and names no repository; what may be "
    "pulled with it is held to one repository (Service Authorization Reference, ECR)",
    "xray:PutTraceSegments": "X-Ray knows no resource to write segments to "
    "(Service Authorization Reference, X-Ray)",
    "xray:PutTelemetryRecords": "as PutTraceSegments",
}
"""The only actions allowed on `*`, and why. A test refuses any other, and any reason unused."""

TOPIC_KINDS: Final = ("client/*", "user/*", "group/*", "everyone")
"""What follows `<namespace>/` in a topic of ours, as IAM patterns (`*` crosses `/`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a stack stands, which is all its policies need to know.

    Attributes:
        partition: ARN partition: `aws`, `aws-cn` or `aws-us-gov`.
        region: Region of the IoT endpoint, such as `eu-west-1`.
        account: Account id, 12 digits.
        namespace: First level of every topic of this stack.

    Raises:
        InvalidNamespace: The namespace could widen an ARN or break out of a topic level.
    """

    partition: str = "aws"
    region: str
    account: str
    namespace: str

    def __post_init__(self) -> None:
        check_namespace(self.namespace)

    def iot(self, resource: str) -> str:
        """Return the ARN of an IoT resource, such as `client/ns.*` or `topic/ns/everyone`."""
        return f"arn:{self.partition}:iot:{self.region}:{self.account}:{resource}"


def role_name(namespace: str, kind: RoleKind) -> str:
    """Name a role of the stack: exact in localaws, the stem of a unique name in Pulumi."""
    return f"{namespace}-{kind}"


def client_role_policy(place: Place) -> PolicyDocument:
    """Allow what any client of this namespace may ever do; the session policy narrows it to one.

    No RetainPublish: a browser never decides what later subscribers are told first.
    """
    return document(
        allow("Connect", "iot:Connect", _clients(place)),
        allow("Subscribe", "iot:Subscribe", _topic_filters(place)),
        allow("ReceivePublish", ["iot:Receive", "iot:Publish"], _topics(place)),
    )


def client_trust_policy(credential_role_arn: str) -> PolicyDocument:
    """Let exactly the credential Lambda's role become a client, and nobody else.

    No condition on the session name: it carries the user for CloudTrail, so any name is right.
    """
    return _trust({"AWS": credential_role_arn}, "sts:AssumeRole")


def lambda_trust_policy() -> PolicyDocument:
    """Let the Lambda service run functions under the role."""
    return _trust({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")


def gateway_trust_policy(principal_arns: "Sequence[str]") -> PolicyDocument:
    """Let the named roles or users (never a whole account by accident) become the gateway."""
    return _trust({"AWS": sorted(principal_arns)}, "sts:AssumeRole")


def credential_lambda_policy(
    *,
    client_role_arn: str,
    log_group_arn: str,
    secret_arn: str | None = None,
    tracing: bool = False,
) -> PolicyDocument:
    """Let the credential Lambda hand out client credentials and write its own log.

    Args:
        client_role_arn: The one role it may assume.
        log_group_arn: Its log group, without a trailing `:*`. The group is made by the stack, so
            there is no CreateLogGroup.
        secret_arn: Secrets Manager secret or SSM parameter holding the JWT secret, if there is one.
        tracing: Whether it sends traces to X-Ray.
    """
    statements = [
        allow("AssumeClientRole", "sts:AssumeRole", client_role_arn),
        write_own_log(log_group_arn),
    ]
    if secret_arn is not None:
        statements.append(read_secret("ReadJwtSecret", secret_arn))
    if tracing:
        statements.append(send_traces())
    return document(*statements)


def gateway_policy(place: Place) -> PolicyDocument:
    """Let the gateway publish into its namespace and look after connections.

    Direct messages are held to the namespace by `iot:Topic` as well; every connection operation
    is held to it by the client id, which starts with the namespace.
    """
    direct = allow("SendDirectMessage", "iot:SendDirectMessage", _clients(place))
    direct["Condition"] = {
        "StringLike": {"iot:Topic": [f"{place.namespace}/{kind}" for kind in TOPIC_KINDS]}
    }
    return document(
        allow(
            "Publish",
            ["iot:Publish", "iot:RetainPublish", "iot:GetRetainedMessage"],
            _topics(place),
        ),
        direct,
        allow(
            "Connections",
            ["iot:DeleteConnection", "iot:GetConnection", "iot:ListSubscriptions"],
            _clients(place),
        ),
    )


def _topics(place: Place) -> list[str]:
    return [place.iot(f"topic/{place.namespace}/{kind}") for kind in TOPIC_KINDS]


def _topic_filters(place: Place) -> list[str]:
    return [place.iot(f"topicfilter/{place.namespace}/{kind}") for kind in TOPIC_KINDS]


def _clients(place: Place) -> str:
    return place.iot(f"client/{place.namespace}.*")


def write_own_log(log_group_arn: str) -> PolicyDocument:
    """Return the statement that lets a program write to its log group, which the stack makes."""
    return allow(
        "WriteOwnLog",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        f"{log_group_arn}:log-stream:*",
    )


def read_secret(sid: str, arn: str) -> PolicyDocument:
    """Return the statement that lets a program read one secret or SSM parameter."""
    read = "ssm:GetParameter" if ":ssm:" in arn else "secretsmanager:GetSecretValue"
    return allow(sid, read, arn)


def send_traces() -> PolicyDocument:
    """Return the statement that lets a Lambda send its traces (see EVERY_RESOURCE)."""
    return allow("SendTraces", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")


def document(*statements: PolicyDocument) -> PolicyDocument:
    """Return a document of these statements."""
    return {"Version": POLICY_VERSION, "Statement": list(statements)}


def allow(sid: str, action: str | list[str], resource: str | list[str]) -> PolicyDocument:
    """Return one statement that allows; callers may add a Condition."""
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def _trust(principal: dict[str, object], action: str) -> PolicyDocument:
    return document({"Effect": "Allow", "Principal": principal, "Action": action})
