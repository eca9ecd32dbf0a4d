"""Two stacks in one account and region: nothing of one has a name of the other's, or a right to it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.unit.infra.program import ACCOUNT, EVERYTHING, REGION, Program, Registered, run_program
from wire.iam import AccessRequest, evaluate, parse_document

OF_THE_ACCOUNT = (
    "apiDomain",
    "apiCertificateArn",
    "apiZoneId",
    "gatewayDomain",
    "gatewayZoneId",
    "gatewayCertificateArn",
    "iotLogLevel",
)
"""Settings that name the one thing of its kind, which at most one stack may be told."""

NAMES = ("name", "dashboardName", "family", "domainName")
"""Inputs that are a physical name; a resource without one gets its own from Pulumi, and unique."""

OF_AN_API = "aws:apigatewayv2/stage:Stage"
"""Its name, `$default`, is one within an API."""


@pytest.fixture(
    scope="module", params=[("blue", "green"), ("push-a", "push_a"), ("push", "push-a")]
)
def stacks(request: pytest.FixtureRequest) -> tuple[Program, Program]:
    """Two stacks of one configuration, all that an account can have twice switched on."""
    config = {
        key: value for key, value in EVERYTHING.items() if key not in {"namespace", *OF_THE_ACCOUNT}
    }
    one, other = request.param
    return run_program(config, stack=one), run_program(config, stack=other)


def given_names(program: Program) -> set[tuple[str, str]]:
    """Return type and name of what is named by the program itself."""
    return {
        (found.type, str(found.inputs[name]))
        for found in program.resources
        if found.type.startswith("aws:") and found.type != OF_AN_API
        for name in NAMES
        if name in found.inputs
    }


def documents(program: Program) -> Iterator[tuple[str, str]]:
    """Yield the name and text of every policy that gives rights."""
    for kind in ("iam/policy:Policy", "iam/rolePolicy:RolePolicy"):
        for found in program.all(kind):
            yield found.name, found.inputs["policy"]


def things(program: Program) -> set[str]:
    """Return the ARNs of what a stack has: resources, what is inside of them, topics, clients."""
    made = {str(found.outputs["arn"]) for found in program.resources if "arn" in found.outputs}
    inside = {f"{arn}:log-stream:x" for arn in made if ":log-group:" in arn}
    inside |= {f"{arn}/index/gsi1" for arn in made if ":table/" in arn}
    namespace = program.exports["gatewayEnvironment"]["GATEWAY_NAMESPACE"]
    iot = f"arn:aws:iot:{REGION}:{ACCOUNT}"
    topics = {
        f"{namespace}/{end}" for end in ("user/42", "group/orders/eu", "client/x", "everyone")
    }
    return {
        *made,
        *inside,
        *(f"{iot}:topic/{topic}" for topic in topics),
        *(f"{iot}:topicfilter/{topic}" for topic in topics),
        f"{iot}:client/{namespace}.42.tab",
    }


def actions(text: str) -> set[str]:
    """Return the actions of a document that are held to a resource."""
    found = set()
    for statement in json.loads(text)["Statement"]:
        if statement["Resource"] != "*":
            named = statement["Action"]
            found |= {named} if isinstance(named, str) else set(named)
    return found


def test_no_name_is_given_twice(stacks: tuple[Program, Program]) -> None:
    """What the program names itself has the namespace in it, in a way that two never share."""
    one, other = map(given_names, stacks)
    assert len(one) > 3
    assert one & other == set()


def test_no_right_reaches_the_other_stack(stacks: tuple[Program, Program]) -> None:
    """Every action of every policy, tried on everything that the other stack has."""
    one, other = stacks
    theirs = things(other)
    tried = 0
    for name, text in documents(one):
        document = parse_document(text)
        for action in actions(text):
            for arn in theirs:
                tried += 1
                request = AccessRequest(action=action, resource=arn)
                assert not evaluate(request, identity=[document]).allowed, (name, action, arn)
    assert tried > 1_000


def test_each_right_reaches_its_own(stacks: tuple[Program, Program]) -> None:
    """The same question the other way round has answers, so the one above asks something."""
    for program in stacks:
        own = things(program)
        reached = {
            arn
            for _, text in documents(program)
            for action in actions(text)
            for arn in own
            if evaluate(
                AccessRequest(action=action, resource=arn), identity=[parse_document(text)]
            ).allowed
        }
        assert len(reached) > 15


def test_the_one_thing_of_a_region_is_left_alone(stacks: tuple[Program, Program]) -> None:
    """What two stacks would fight over is made by neither unless it is told to."""
    for program in stacks:
        kinds = {found.type for found in program.resources}
        assert not {kind for kind in kinds if "loggingOptions" in kind or "domainName" in kind}


def test_every_physical_name_tells_its_stack(stacks: tuple[Program, Program]) -> None:
    """Roles, policies, queues, tables, functions, topics, logs and alarms begin with the namespace."""
    kinds: tuple[str, ...] = ("role:Role", "policy:Policy", "queue:Queue", "table:Table")
    kinds += ("function:Function", "topic:Topic", "metricAlarm:MetricAlarm")
    kinds += ("cluster:Cluster", "service:Service")
    for program in stacks:
        namespace = program.exports["gatewayEnvironment"]["GATEWAY_NAMESPACE"]
        named: list[Registered] = [
            found
            for found in program.resources
            if found.type.startswith("aws:") and found.type.endswith(kinds)
            and "appautoscaling" not in found.type
        ]  # fmt: skip
        assert len(named) > 30
        for found in named:
            assert found.outputs["name"].startswith(f"{namespace}-"), found.outputs["name"]
