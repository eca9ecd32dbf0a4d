"""What bridges, rules, gateways' tasks and queues can and cannot do, asked of the evaluator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given

from infra import bridge_policies, policies, service_policies
from infra.policies import EVERY_RESOURCE, Place
from tests.unit.infra.parliament_lint import findings
from tests.unit.infra.program import ACCOUNT, EVERYTHING, REGION, Program, run_program
from tests.unit.wire.strategies import addresses
from wire.address import Address, AddressPattern, Kind
from wire.iam import AccessRequest, evaluate, evaluate_trust, parse_document

PLACE = Place(region=REGION, account=ACCOUNT, namespace="prod")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:prod-q"
DEAD = f"{QUEUE}-dead"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:support"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/prod-outbox"
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/x"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:keys-AbCdEf"


def allows(
    document: Mapping[str, object],
    action: str,
    resource: str,
    *,
    principals: tuple[str, ...] = (),
    **context: str,
) -> bool:
    """Ask the evaluator one question about one identity policy."""
    keys = {f"aws:{name}": value for name, value in context.items()}
    request = AccessRequest(action=action, resource=resource, context=keys, principals=principals)
    return evaluate(request, identity=[parse_document(document)]).allowed


def trusts(document: Mapping[str, object], service: str, **context: str) -> bool:
    """Ask whether a trust policy lets a service in."""
    keys = {f"aws:{name}": value for name, value in context.items()}
    request = AccessRequest(action="sts:AssumeRole", principals=(service,), context=keys)
    return evaluate_trust(request, parse_document(document)).allowed


def bridge(*patterns: str) -> Mapping[str, object]:
    """Return the bridge Lambda's policy for these addresses."""
    return bridge_policies.bridge_lambda_policy(
        PLACE,
        receivers=[AddressPattern.parse(pattern) for pattern in patterns],
        queue_arns=[QUEUE],
        log_group_arn=LOG,
    )


def test_the_bridge_publishes_to_its_groups_only() -> None:
    """Not to another group, not to another kind, not in another namespace."""
    document = bridge("group:orders/*", "group:hall", "everyone")
    for topic in ("prod/group/orders/eu", "prod/group/orders/eu/x", "prod/group/hall"):
        assert allows(document, "iot:Publish", PLACE.iot(f"topic/{topic}"))
    assert allows(document, "iot:Publish", PLACE.iot("topic/prod/everyone"))
    for topic in (
        "prod/group/orders", "prod/group/ordersx", "prod/group/hall/x", "prod/group/other",
        "prod/user/42", "prod/everyone/x", "staging/group/orders/eu", "staging/everyone",
    ):  # fmt: skip
        assert not allows(document, "iot:Publish", PLACE.iot(f"topic/{topic}")), topic
    assert not allows(document, "iot:RetainPublish", PLACE.iot("topic/prod/everyone"))
    assert not allows(document, "iot:Connect", PLACE.iot("client/prod.42.tab"))


@given(address=addresses)
def test_the_bridges_rights_are_its_addresses(address: Address) -> None:
    """For any address: IAM allows the publish exactly where the pattern covers it."""
    for text in ("group:orders/*", "group:*", "user:*", "everyone", "group:hall"):
        pattern = AddressPattern.parse(text)
        if address.kind is Kind.CLIENT:
            continue  # a foreign client id has no topic in this namespace
        topic = PLACE.iot(f"topic/{address.topic('prod')}")
        assert allows(bridge(text), "iot:Publish", topic) is pattern.covers(address)


def test_the_bridge_takes_from_its_queues_only() -> None:
    """It receives and deletes; it sends nothing, and leaves dead letters alone."""
    document = bridge("everyone")
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        assert allows(document, action, QUEUE)
        assert not allows(document, action, DEAD)
    assert not allows(document, "sqs:SendMessage", QUEUE)
    assert not allows(document, "sns:Publish", TOPIC)
    assert not allows(document, "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/prod-client")


def test_rules_deliver_and_do_nothing_else() -> None:
    """To their topics and queues; they publish nothing back into IoT."""
    document = bridge_policies.rules_policy(queue_arns=[DEAD], topic_arns=[TOPIC])
    assert allows(document, "sns:Publish", TOPIC)
    assert allows(document, "sqs:SendMessage", DEAD)
    assert not allows(document, "sns:Publish", f"{TOPIC}2")
    assert not allows(document, "sqs:SendMessage", QUEUE)
    assert not allows(document, "sqs:ReceiveMessage", DEAD)
    assert not allows(document, "iot:Publish", PLACE.iot("topic/prod/everyone"))
    without = bridge_policies.rules_policy(queue_arns=[DEAD])
    assert not allows(without, "sns:Publish", TOPIC)


def test_only_iot_of_this_account_and_region_takes_the_rules_role() -> None:
    """A confused deputy names another account, another region, or nothing."""
    document = bridge_policies.iot_trust_policy(PLACE)
    own = {"SourceAccount": ACCOUNT, "SourceArn": PLACE.iot("rule/prod_r_presence")}
    assert trusts(document, "iot.amazonaws.com", **own)
    assert not trusts(document, "sns.amazonaws.com", **own)
    assert not trusts(document, "iot.amazonaws.com")
    assert not trusts(document, "iot.amazonaws.com", **{**own, "SourceAccount": "1" * 12})
    elsewhere = own["SourceArn"].replace(REGION, "us-east-1")
    assert not trusts(document, "iot.amazonaws.com", **{**own, "SourceArn": elsewhere})


def test_only_the_topic_fills_the_queue() -> None:
    """The resource policy asks for SNS and for the one topic."""
    document = parse_document(bridge_policies.queue_policy(queue_arn=QUEUE, topic_arn=TOPIC))

    def may(service: str, source: str, resource: str = QUEUE) -> bool:
        request = AccessRequest(
            action="sqs:SendMessage",
            resource=resource,
            principals=(service,),
            context={"aws:SourceArn": source},
        )
        return evaluate_trust(request, document).allowed

    assert may("sns.amazonaws.com", TOPIC)
    assert not may("sns.amazonaws.com", f"{TOPIC}2")
    assert not may("iot.amazonaws.com", TOPIC)


def test_a_gateway_uses_the_outbox_and_cannot_unmake_it() -> None:
    """Items and messages, yes; the table, the queue and other tables, no."""
    document = service_policies.outbox_policy(
        queue_arn=QUEUE, dead_letter_arn=DEAD, table_arn=TABLE
    )
    for action in ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"):
        assert allows(document, f"sqs:{action}", QUEUE)
    for action in ("PutItem", "GetItem", "UpdateItem", "ConditionCheckItem", "Query"):
        assert allows(document, f"dynamodb:{action}", TABLE)
        assert not allows(document, f"dynamodb:{action}", f"{TABLE}2")
    assert allows(document, "dynamodb:Query", f"{TABLE}/index/gsi1")
    assert allows(document, "sqs:ReceiveMessage", DEAD)
    for action in ("dynamodb:Scan", "dynamodb:DeleteTable", "dynamodb:UpdateTimeToLive"):
        assert not allows(document, action, TABLE)
    for action in ("sqs:DeleteQueue", "sqs:PurgeQueue", "sqs:SetQueueAttributes"):
        assert not allows(document, action, QUEUE)


def test_only_ecs_of_this_account_takes_a_tasks_role() -> None:
    """And no other service."""
    document = service_policies.tasks_trust_policy(PLACE)
    own = {"SourceAccount": ACCOUNT, "SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/x"}
    assert trusts(document, "ecs-tasks.amazonaws.com", **own)
    assert not trusts(document, "lambda.amazonaws.com", **own)
    assert not trusts(document, "ecs-tasks.amazonaws.com", **{**own, "SourceAccount": "1" * 12})


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (EVERYTHING["gatewayImage"], "push/gateway"),
        (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/gw@sha256:{'0' * 64}", "gw"),
        ("registry.example.com/gw:1", None),
    ],
)
def test_a_task_is_started_with_what_it_needs(image: str, repository: str | None) -> None:
    """Its one image, its log and its keys; a registry outside AWS needs no right at all."""
    document = service_policies.task_execution_policy(
        partition="aws", image=image, log_group_arn=LOG, keys_secret_arn=SECRET
    )
    own = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{repository}"
    assert allows(document, "ecr:BatchGetImage", own) is (repository is not None)
    assert allows(document, "ecr:GetAuthorizationToken", "*") is (repository is not None)
    assert not allows(document, "ecr:BatchGetImage", f"{own}2")
    assert allows(document, "secretsmanager:GetSecretValue", SECRET)
    assert not allows(document, "secretsmanager:GetSecretValue", f"{SECRET}2")
    assert allows(document, "logs:PutLogEvents", f"{LOG}:log-stream:x")
    assert not allows(document, "iot:Publish", PLACE.iot("topic/prod/everyone"))


def test_iot_writes_its_own_log_only() -> None:
    """The one group that IoT Core writes to in an account."""
    document = bridge_policies.iot_logging_policy(PLACE)
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:AWSIotLogsV2"
    assert allows(document, "logs:PutLogEvents", f"{group}:log-stream:x")
    assert not allows(document, "logs:PutLogEvents", f"{LOG}:log-stream:x")


# --- every document of the whole program ---

DOCUMENTS = ("policy", "assumeRolePolicy")


def documents(program: Program) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every IAM document that a run attaches, by the resource's name."""
    for found in program.resources:
        for member in DOCUMENTS:
            if found.type.startswith("aws:") and isinstance(found.inputs.get(member), str):
                yield f"{found.name}.{member}", json.loads(found.inputs[member])


def statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a document's statements."""
    found: list[dict[str, Any]] = document["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    """Return a value of a policy as the list it may be written as."""
    return [value] if isinstance(value, str) else value


def test_no_wildcard_without_a_written_reason(everything: Program) -> None:
    """No action holds a `*`; a bare `*` resource only for actions in the table, all of them used."""
    used = set()
    found = list(documents(everything))
    assert len(found) > 20
    for name, document in found:
        for statement in statements(document):
            actions = listed(statement["Action"])
            assert not any("*" in action for action in actions), name
            for resource in listed(statement.get("Resource", [])):
                if resource == "*":
                    assert set(actions) <= set(EVERY_RESOURCE), name
                    used |= set(actions)
                else:
                    service, rest = resource.split(":", 3)[2:]
                    assert service not in {"", "*"}
                    assert rest.split(":", 2)[2] not in {"*", ""}, f"{name}: {resource}"
    assert used == set(EVERY_RESOURCE)
    assert all(len(reason) > 10 for reason in EVERY_RESOURCE.values())


def test_every_principal_is_named(everything: Program) -> None:
    """No trust policy and no queue policy lets everybody in."""
    for name, document in documents(everything):
        for statement in statements(document):
            for principals in statement.get("Principal", {}).values():
                assert "*" not in listed(principals), name
                assert not any(one.endswith(":root") for one in listed(principals)), name


KNOWN_NEWER = {
    "iot:DeleteConnection",
    "iot:GetConnection",
    "iot:ListSubscriptions",
    "iot:SendDirectMessage",
}
"""Actions of 2025 and 2026 (IoT developer guide, "Managing MQTT connections" and "Direct messaging";
the newest botocore's iot-data model) that parliament's copy of AWS's list does not have."""


@pytest.mark.parametrize("which", ["minimal", "everything", "other repository"])
def test_parliament_finds_nothing(which: str, request: pytest.FixtureRequest) -> None:
    """AWS's own lists of actions, resources and condition keys agree with every document.

    Unknown actions are allowed by name only, and the test fails once parliament knows them.
    """
    if which == "other repository":
        program = run_program({**EVERYTHING, "gatewayImage": "registry.example.com/gateway:1"})
    else:
        program = request.getfixturevalue(which)
    unknown = set()
    for name, document in documents(program):
        if name.endswith("assumeRolePolicy") or "queue" in name.lower():
            continue  # resource policies: parliament reads identity policies only
        for finding in findings(document):
            newer = {action for action in KNOWN_NEWER if action.partition(":")[2] in finding.text}
            assert finding.issue == "UNKNOWN_ACTION", f"{name}: {finding}"
            assert newer, f"{name}: {finding}"
            unknown |= newer
    assert unknown == KNOWN_NEWER


def test_localaws_and_aws_get_the_same_documents() -> None:
    """What both use of the core policies has not changed its shape with the options."""
    plain = policies.credential_lambda_policy(client_role_arn="arn:r", log_group_arn=LOG)
    traced = policies.credential_lambda_policy(
        client_role_arn="arn:r", log_group_arn=LOG, tracing=True
    )
    assert statements(plain) == statements(traced)[:-1]
