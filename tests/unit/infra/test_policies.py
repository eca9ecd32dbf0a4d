"""What each principal can and cannot do, asked of the evaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import policies
from infra.policies import Place
from tests.unit.wire.strategies import addresses, grants, namespaces
from wire.address import Kind
from wire.errors import InvalidNamespace, PolicyTooLarge
from wire.grant import Grant
from wire.iam import AccessRequest, evaluate, evaluate_trust, parse_document
from wire.policy import compile_session_policy

PLACE = Place(region="eu-west-1", account="123456789012", namespace="prod")
IAM = "arn:aws:iam::123456789012"
CLIENT_ROLE = f"{IAM}:role/prod-client"
CREDENTIAL_ROLE = f"{IAM}:role/prod-credentials"
LOG_GROUP = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/prod-credentials"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:jwt-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/jwt"

OWN_TOPICS = ("prod/everyone", "prod/user/42", "prod/group/orders/eu", "prod/client/prod.42.tab")
FOREIGN_TOPICS = (
    "staging/everyone",
    "prod2/everyone",
    "prod/everyone/else",
    "prod",
    "prod/",
    "prod/presence/42",
    "a/prod/everyone",
    "$aws/things/x/shadow/update",
    "$aws/rules/prod/everyone",
)
OWN_CLIENT = "prod.42.tab"
FOREIGN_CLIENTS = ("staging.42.tab", "prod2.42.tab", "prod", "42.tab", "x.prod.42.tab", "+", "*")


def allows(
    document: Mapping[str, object],
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Ask the evaluator one question about one policy."""
    request = AccessRequest(action=action, resource=resource, context=context or {})
    return evaluate(request, identity=[parse_document(document)]).allowed


def trusts(document: Mapping[str, object], *principals: str) -> bool:
    """Ask whether a trust policy lets a caller with these names in."""
    request = AccessRequest(action="sts:AssumeRole", principals=principals)
    return evaluate_trust(request, parse_document(document)).allowed


def listed(value: str | list[str]) -> list[str]:
    """Return a value of a policy as the list it may be written as."""
    return [value] if isinstance(value, str) else value


def every_document() -> dict[str, dict[str, object]]:
    """Return every document of the stack by a name."""
    return {
        "client": policies.client_role_policy(PLACE),
        "client trust": policies.client_trust_policy(CREDENTIAL_ROLE),
        "lambda trust": policies.lambda_trust_policy(),
        "gateway trust": policies.gateway_trust_policy([f"{IAM}:role/app"]),
        "credentials": policies.credential_lambda_policy(
            client_role_arn=CLIENT_ROLE, log_group_arn=LOG_GROUP, secret_arn=SECRET
        ),
        "gateway": policies.gateway_policy(PLACE),
    }


@pytest.mark.parametrize("name", every_document())
def test_no_document_names_everything(name: str) -> None:
    """No action and no resource is a bare `*`, no action holds one, and all are plain JSON."""
    document = every_document()[name]
    assert parse_document(json.dumps(document)) == parse_document(document)
    for statement in document["Statement"]:  # type: ignore[attr-defined]
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in listed(statement["Action"]))
        for resource in listed(statement.get("Resource", [])):
            assert resource.split(":", 5)[5] not in {"*", "role/*", "topic/*", "client/*"}


@pytest.mark.parametrize("topic", OWN_TOPICS)
def test_a_client_role_alone_works_inside_the_namespace(topic: str) -> None:
    """The role grants all four kinds of address: it must not narrow what a token grants."""
    document = policies.client_role_policy(PLACE)
    assert allows(document, "iot:Receive", PLACE.iot(f"topic/{topic}"))
    assert allows(document, "iot:Publish", PLACE.iot(f"topic/{topic}"))
    assert allows(document, "iot:Subscribe", PLACE.iot(f"topicfilter/{topic}"))
    assert allows(document, "iot:Connect", PLACE.iot(f"client/{OWN_CLIENT}"))


@pytest.mark.parametrize("topic", FOREIGN_TOPICS)
def test_a_client_role_alone_cannot_leave_the_namespace(topic: str) -> None:
    """Without any session policy, nothing outside the four kinds of address is in reach."""
    document = policies.client_role_policy(PLACE)
    assert not allows(document, "iot:Receive", PLACE.iot(f"topic/{topic}"))
    assert not allows(document, "iot:Publish", PLACE.iot(f"topic/{topic}"))
    assert not allows(document, "iot:Subscribe", PLACE.iot(f"topicfilter/{topic}"))


@pytest.mark.parametrize(
    "topic_filter", ["#", "+/#", "+/everyone", "+/user/42", "prod/#", "prod/+", "$share/g/prod/#"]
)
def test_a_client_role_alone_cannot_subscribe_across_kinds(topic_filter: str) -> None:
    """A wildcard that would reach beyond one kind of address is no topic filter of the role."""
    document = policies.client_role_policy(PLACE)
    assert not allows(document, "iot:Subscribe", PLACE.iot(f"topicfilter/{topic_filter}"))


@pytest.mark.parametrize("client", FOREIGN_CLIENTS)
def test_a_client_role_alone_cannot_take_a_foreign_client_id(client: str) -> None:
    """Two stacks in one account cannot displace each other's connections."""
    document = policies.client_role_policy(PLACE)
    assert not allows(document, "iot:Connect", PLACE.iot(f"client/{client}"))


@pytest.mark.parametrize(
    "action",
    ["iot:RetainPublish", "iot:GetRetainedMessage", "iot:DeleteConnection", "sts:AssumeRole"],
)
def test_a_client_role_has_no_other_action(action: str) -> None:
    """What only the gateway does, no browser does."""
    document = policies.client_role_policy(PLACE)
    for resource in ("topic/prod/everyone", f"client/{OWN_CLIENT}"):
        assert not allows(document, action, PLACE.iot(resource))


@given(namespace=namespaces, other=namespaces, address=addresses)
def test_no_address_of_another_namespace_is_in_reach(
    namespace: str, other: str, address: object
) -> None:
    """For any two namespaces, client role and gateway of one hold nothing of the other."""
    if namespace == other or getattr(address, "kind", None) is Kind.CLIENT:
        return
    place = Place(region="eu-west-1", account="123456789012", namespace=namespace)
    topic = address.topic(other)  # type: ignore[attr-defined]
    for document in (policies.client_role_policy(place), policies.gateway_policy(place)):
        for action in ("iot:Receive", "iot:Publish", "iot:RetainPublish"):
            assert not allows(document, action, place.iot(f"topic/{topic}"))
        for action in ("iot:Connect", "iot:DeleteConnection", "iot:GetConnection"):
            assert not allows(document, action, place.iot(f"client/{other}.42.tab"))


@given(grant=grants(), address=addresses, own=st.booleans())
def test_the_role_never_narrows_a_grant(grant: Grant, address: object, own: bool) -> None:  # noqa: FBT001
    """Role policy and session policy together allow an address exactly when the grant does."""
    if getattr(address, "kind", None) is Kind.CLIENT:
        return
    place = Place(region="eu-west-1", account="123456789012", namespace=grant.namespace)
    topic = address.topic(grant.namespace)  # type: ignore[attr-defined]
    if own and grant.receive[0].subtree is False:
        topic = grant.receive[0].topic_prefix(grant.namespace)
    try:
        session = parse_document(compile_session_policy(grant))
    except PolicyTooLarge:
        return
    role = [parse_document(policies.client_role_policy(place))]
    for action, granted in (
        ("iot:Receive", grant.may_receive(topic)),
        ("iot:Publish", grant.may_publish(topic)),
    ):
        request = AccessRequest(action=action, resource=place.iot(f"topic/{topic}"))
        assert evaluate(request, identity=role, session=session).allowed is granted


def test_only_the_credential_role_becomes_a_client() -> None:
    """Neither another role, nor the account, nor a service may assume the client role."""
    document = policies.client_trust_policy(CREDENTIAL_ROLE)
    session = "arn:aws:sts::123456789012:assumed-role/prod-credentials/fn"
    assert trusts(document, session, CREDENTIAL_ROLE)
    assert not trusts(document, f"{IAM}:role/prod-gateway")
    assert not trusts(document, f"{CREDENTIAL_ROLE}-2")
    assert not trusts(document, f"{IAM}:root", "123456789012")
    assert not trusts(document, "lambda.amazonaws.com")


def test_only_lambda_runs_under_the_credential_role() -> None:
    """The credential role is the Lambda service's to assume."""
    document = policies.lambda_trust_policy()
    assert trusts(document, "lambda.amazonaws.com")
    assert not trusts(document, "ecs-tasks.amazonaws.com")
    assert not trusts(document, CREDENTIAL_ROLE)


def test_only_named_principals_become_the_gateway() -> None:
    """The gateway role trusts exactly those it is told of."""
    document = policies.gateway_trust_policy([f"{IAM}:role/b", f"{IAM}:user/a"])
    assert trusts(document, f"{IAM}:role/b")
    assert trusts(document, f"{IAM}:user/a")
    assert not trusts(document, f"{IAM}:role/c")


def test_the_credential_lambda_becomes_a_client_and_writes_its_log() -> None:
    """It assumes one role and writes one log group; it cannot touch IoT itself."""
    document = policies.credential_lambda_policy(
        client_role_arn=CLIENT_ROLE, log_group_arn=LOG_GROUP
    )
    assert allows(document, "sts:AssumeRole", CLIENT_ROLE)
    assert allows(document, "logs:PutLogEvents", f"{LOG_GROUP}:log-stream:2026/01/01/[1]abc")
    assert allows(document, "logs:CreateLogStream", f"{LOG_GROUP}:log-stream:x")
    assert not allows(document, "sts:AssumeRole", f"{CLIENT_ROLE}2")
    assert not allows(document, "sts:AssumeRole", f"{IAM}:role/prod-gateway")
    assert not allows(document, "sts:TagSession", CLIENT_ROLE)
    assert not allows(document, "logs:PutLogEvents", f"{LOG_GROUP}-other:log-stream:x")
    assert not allows(document, "logs:CreateLogGroup", LOG_GROUP)
    assert not allows(document, "iot:Publish", PLACE.iot("topic/prod/everyone"))
    assert not allows(document, "secretsmanager:GetSecretValue", SECRET)


@pytest.mark.parametrize(
    ("arn", "action"),
    [(SECRET, "secretsmanager:GetSecretValue"), (PARAMETER, "ssm:GetParameter")],
)
def test_the_credential_lambda_reads_its_one_secret(arn: str, action: str) -> None:
    """A named secret or parameter can be read, and no other one."""
    document = policies.credential_lambda_policy(
        client_role_arn=CLIENT_ROLE, log_group_arn=LOG_GROUP, secret_arn=arn
    )
    assert allows(document, action, arn)
    assert not allows(document, action, f"{arn}2")
    assert not allows(document, action.replace("Get", "Put"), arn)


@pytest.mark.parametrize(
    ("action", "topic"),
    list(product(["iot:Publish", "iot:RetainPublish", "iot:GetRetainedMessage"], OWN_TOPICS)),
)
def test_the_gateway_publishes_inside_the_namespace(action: str, topic: str) -> None:
    """To every kind of address, retained or not."""
    assert allows(policies.gateway_policy(PLACE), action, PLACE.iot(f"topic/{topic}"))


@pytest.mark.parametrize(
    ("action", "topic"),
    list(product(["iot:Publish", "iot:RetainPublish", "iot:GetRetainedMessage"], FOREIGN_TOPICS)),
)
def test_the_gateway_cannot_publish_elsewhere(action: str, topic: str) -> None:
    """Not in another namespace and not to topics that are no address."""
    assert not allows(policies.gateway_policy(PLACE), action, PLACE.iot(f"topic/{topic}"))


@pytest.mark.parametrize(
    "action", ["iot:DeleteConnection", "iot:GetConnection", "iot:ListSubscriptions"]
)
def test_the_gateway_looks_after_its_own_connections(action: str) -> None:
    """Connection operations reach the stack's client ids and no others."""
    document = policies.gateway_policy(PLACE)
    assert allows(document, action, PLACE.iot(f"client/{OWN_CLIENT}"))
    for client in FOREIGN_CLIENTS:
        assert not allows(document, action, PLACE.iot(f"client/{client}"))


def test_the_gateway_sends_direct_messages_on_its_own_topics() -> None:
    """Both the client id and the topic of a direct message are in the namespace."""
    document = policies.gateway_policy(PLACE)
    own = PLACE.iot(f"client/{OWN_CLIENT}")

    def may(client: str, context: Mapping[str, str]) -> bool:
        return allows(document, "iot:SendDirectMessage", client, context)

    assert may(own, {"iot:Topic": "prod/client/prod.42.tab"})
    assert not may(own, {"iot:Topic": "staging/user/42"})
    assert not may(own, {"iot:Topic": "prod/presence/42"})
    assert not may(own, {})
    assert not may(PLACE.iot("client/staging.42.tab"), {"iot:Topic": "prod/everyone"})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iot:Connect", f"client/{OWN_CLIENT}"),
        ("iot:Subscribe", "topicfilter/prod/everyone"),
        ("iot:Receive", "topic/prod/everyone"),
        ("iot:DeleteThing", "thing/x"),
    ],
)
def test_the_gateway_is_no_client(action: str, resource: str) -> None:
    """It cannot connect, subscribe or listen, nor manage things."""
    assert not allows(policies.gateway_policy(PLACE), action, PLACE.iot(resource))


def test_another_partition_stands_in_every_arn() -> None:
    """In China or GovCloud the ARNs begin as they do there."""
    place = Place(partition="aws-cn", region="cn-north-1", account="1" * 12, namespace="prod")
    text = json.dumps([policies.client_role_policy(place), policies.gateway_policy(place)])
    assert "arn:aws-cn:iot:cn-north-1:111111111111:topic/prod/" in text
    assert "arn:aws:" not in text


@pytest.mark.parametrize("namespace", ["", "*", "a/b", "a.b", "a?", "${iot:ClientId}", "a" * 25])
def test_a_namespace_that_could_widen_an_arn_is_refused(namespace: str) -> None:
    """Whatever IAM or MQTT would read as more than a name makes no place."""
    with pytest.raises(InvalidNamespace):
        Place(region="eu-west-1", account="123456789012", namespace=namespace)


def test_role_names_say_whose_they_are() -> None:
    """The namespace comes first, so that one stack's roles stand together."""
    assert policies.role_name("prod", "client") == "prod-client"
