"""The whole Pulumi program: what `pulumi up` would create, for several configurations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pulumi
import pytest

from gateway.settings import Settings as GatewaySettings
from infra import policies
from infra.policies import Place
from lambdas.credentials.settings import Settings as CredentialSettings
from tests.unit.infra.program import (
    ACCOUNT,
    EVERYTHING,
    IOT_HOST,
    MINIMAL,
    REGION,
    ROOT,
    SECRET,
    WITHOUT_ARN,
    Program,
    run_program,
)
from wire.iam import AccessRequest, evaluate, evaluate_trust, parse_document

EXPECTED_TYPES = {
    "ssm/parameter:Parameter": 1,
    "iam/role:Role": 2,
    "iam/rolePolicy:RolePolicy": 2,
    "iam/policy:Policy": 1,
    "cloudwatch/logGroup:LogGroup": 2,
    "lambda/function:Function": 1,
    "lambda/permission:Permission": 1,
    "apigatewayv2/api:Api": 1,
    "apigatewayv2/integration:Integration": 1,
    "apigatewayv2/route:Route": 1,
    "apigatewayv2/stage:Stage": 1,
}
PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""
UNTAGGED = WITHOUT_ARN | {
    "sns/topicSubscription:TopicSubscription",
    "appautoscaling/policy:Policy",
}
"""Types that take no tags."""

FIXED_NAMES = {
    "ssm/parameter:Parameter": "the claim: a second stack of the namespace must collide with it",
    "apigatewayv2/stage:Stage": "the default stage of an API with a unique id",
    "iot/topicRule:TopicRule": "unique by the claimed namespace: rule names take no hyphens",
    "route53/record:Record": "the operator's own domain",
}
"""What is not named uniquely by Pulumi, and why it still cannot collide."""

ALWAYS = {
    "NamespaceClaim", "CredentialRole", "ClientRole", "CredentialLambda", "CredentialApi",
    "GatewayAccess",
}  # fmt: skip
ON_REQUEST = {
    "Alarms", "BridgeQueue", "BridgeTopics", "CredentialDomain", "Dashboard", "GatewayNetwork",
    "GatewayService", "Inbox", "InboxRules", "IotLogging", "IotToSns", "LogMetrics", "Outbox", "Presence", "RuleErrors",
    "RulesRole", "SnsToIot",
}  # fmt: skip


def test_the_minimal_stack_is_complete(minimal: Program) -> None:
    """Exactly these resources; a new one is added here on purpose."""
    kinds = [found.type.removeprefix("aws:") for found in minimal.resources]
    counted = {kind: kinds.count(kind) for kind in kinds if "/" in kind}
    assert counted == EXPECTED_TYPES


def test_the_full_stack_adds_the_gateways_role(everything: Program) -> None:
    """A role for the named principals, with the gateway's policy attached."""
    (role,) = [r for r in everything.all("iam/role:Role") if r.name == "push-prod-gateway"]
    attached = {
        found.inputs["policyArn"]
        for found in everything.all("iam/rolePolicyAttachment:RolePolicyAttachment")
        if found.inputs["role"] == role.outputs["name"]
    }
    assert attached == {policy.outputs["arn"] for policy in everything.all("iam/policy:Policy")}
    trust = parse_document(role.inputs["assumeRolePolicy"])
    named = AccessRequest(
        action="sts:AssumeRole", principals=(f"arn:aws:iam::{ACCOUNT}:role/services/gateway",)
    )
    assert evaluate_trust(named, trust).allowed
    assert everything.exports["gatewayRoleArn"] == role.outputs["arn"]


def components(program: Program) -> set[str]:
    """Return the classes of the components a run made."""
    return {
        found.type.removeprefix("serverless-websockets:infra:")
        for found in program.resources
        if found.type.startswith("serverless")
    }


def test_components_are_named_for_their_class(minimal: Program, everything: Program) -> None:
    """The type token in the state is the class in the code; nothing unasked for is made."""
    assert components(minimal) == ALWAYS
    assert components(everything) == ALWAYS | ON_REQUEST
    files = [*(ROOT / "infra").glob("*.py")]
    defined = {
        name
        for path in files
        for name in re.findall(r"^class (\w+)\(pulumi\.ComponentResource\)", path.read_text(), re.M)
    }
    assert defined == ALWAYS | ON_REQUEST


def test_the_namespace_is_claimed_before_anything_else(program: Program) -> None:
    """A second stack with the same namespace fails with nothing created."""
    created = [found for found in program.resources if found.type.startswith("aws:")]
    assert created[0].type == "aws:ssm/parameter:Parameter"
    namespace = program.exports["gatewayEnvironment"]["GATEWAY_NAMESPACE"]
    assert created[0].inputs["name"] == f"/serverless-websockets/namespaces/{namespace}"


def test_fixed_names_have_a_reason(program: Program) -> None:
    """Everything else gets a unique name, so two stacks in one account never collide."""
    for found in program.resources:
        if "name" in found.inputs:
            assert found.type.removeprefix("aws:") in FIXED_NAMES, found.name


def test_every_resource_is_tagged(everything: Program) -> None:
    """Project, stack and the configured tags stand on all that takes tags."""
    for found in everything.resources:
        if found.type.startswith("aws:") and found.type.removeprefix("aws:") not in UNTAGGED:
            assert found.inputs["tags"] == {
                "Project": "serverless-websockets",
                "Stack": "prod",
                "Team": "web",
                "CostCentre": "4711",
            }, found.name


def arns_in(text: str) -> list[str]:
    """Return the ARNs in a text, be it one itself."""
    return re.findall(r"arn:aws[a-z-]*:[^\s\"',]+", text)


def test_every_arn_is_a_resource_of_the_stack(program: Program) -> None:
    """Nothing refers to what the stack neither creates nor was told of in its configuration."""
    namespace = program.exports["gatewayEnvironment"]["GATEWAY_NAMESPACE"]
    here = f"{REGION}:{ACCOUNT}"
    own = {found.outputs["arn"] for found in program.resources if "arn" in found.outputs}
    own |= {
        found.outputs["invokeArn"] for found in program.resources if "invokeArn" in found.outputs
    }
    own |= {
        f"{found.outputs['arn']}:log-stream:*"
        for found in program.all("cloudwatch/logGroup:LogGroup")
    }
    own |= {f"{found.outputs['arn']}/index/*" for found in program.all("dynamodb/table:Table")}
    own.add(f"{program.one('apigatewayv2/api:Api').outputs['executionArn']}/*/POST/credentials")
    told = {arn for text in EVERYTHING.values() for arn in arns_in(text)}
    told.add(f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/push/gateway")
    services = {
        f"arn:aws:iot:{here}:*",
        f"arn:aws:ecs:{here}:*",
        f"arn:aws:logs:{here}:log-group:AWSIotLogsV2",
        f"arn:aws:logs:{here}:log-group:AWSIotLogsV2:log-stream:*",
    }
    iot = re.compile(rf"arn:aws:iot:{here}:(client/{namespace}\.\*|topic(filter)?/{namespace}/.+)")
    arns = {arn for text in program.texts() for arn in arns_in(text)}
    assert len(arns) > 10
    for arn in arns:
        assert arn in own | told | services or iot.fullmatch(arn), arn


REFERENCES = {
    "apiId": "apigatewayv2/api:Api",
    "functionName": "lambda/function:Function",
    "function": "lambda/function:Function",
    "queueUrl": "sqs/queue:Queue",
    "topic": "sns/topic:Topic",
    "endpoint": "sqs/queue:Queue",
    "eventSourceArn": "sqs/queue:Queue",
    "cluster": "ecs/cluster:Cluster",
    "taskDefinition": "ecs/taskDefinition:TaskDefinition",
    "targetGroupArn": "lb/targetGroup:TargetGroup",
    "loadBalancerArn": "lb/loadBalancer:LoadBalancer",
    "taskRoleArn": "iam/role:Role",
    "executionRoleArn": "iam/role:Role",
    "roleArn": "iam/role:Role",
    "role": "iam/role:Role",
    "policyArn": "iam/policy:Policy",
    "logGroup": "cloudwatch/logGroup:LogGroup",
    "logGroupName": "cloudwatch/logGroup:LogGroup",
    "destinationArn": "cloudwatch/logGroup:LogGroup",
    "domainName": "apigatewayv2/domainName:DomainName",
    "securityGroupId": "ec2/securityGroup:SecurityGroup",
    "referencedSecurityGroupId": "ec2/securityGroup:SecurityGroup",
    "targetArn": "sns/topic:Topic",
    "QueueName": "sqs/queue:Queue",
    "FunctionName": "lambda/function:Function",
    "ClusterName": "ecs/cluster:Cluster",
    "ServiceName": "ecs/service:Service",
    "ApiId": "apigatewayv2/api:Api",
}
"""Members of inputs that refer to a resource, and to which type."""


def members(value: object) -> Iterator[tuple[str, str]]:
    """Yield every member of an input that is a text, however deep."""
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                yield name, item
            else:
                yield from members(item)
    elif isinstance(value, list):
        for item in value:
            yield from members(item)


def test_every_reference_is_a_resource_of_the_stack(program: Program) -> None:
    """Ids, names, URLs and ARNs that join resources are those of the resources they mean."""
    told = {arn for text in EVERYTHING.values() for arn in arns_in(text)}
    told.add(json.loads(json.dumps(EVERYTHING["apiDomain"])))
    seen = set()
    for found in program.resources:
        for name, value in members(found.inputs):
            if name in REFERENCES and found.type.startswith("aws:"):
                seen.add(name)
                meant = program.all(REFERENCES[name])
                known = {
                    str(one.outputs.get(key)) for one in meant for key in ("id", "arn", "name")
                }
                assert value in known | told, f"{found.name}.{name}: {value}"
    if program.all("ecs/service:Service"):
        assert seen == set(REFERENCES)
    integration = program.one("apigatewayv2/integration:Integration")
    route = program.one("apigatewayv2/route:Route")
    assert route.inputs["target"] == f"integrations/{integration.outputs['id']}"
    function = program.one("lambda/function:Function", "credentials")
    assert integration.inputs["integrationUri"] == function.outputs["invokeArn"]


def test_the_policies_are_those_of_the_pure_functions(program: Program) -> None:
    """What localaws enforces and what AWS is given are one and the same document."""
    namespace = program.exports["gatewayEnvironment"]["GATEWAY_NAMESPACE"]
    place = Place(region=REGION, account=ACCOUNT, namespace=namespace)
    client = program.one("iam/rolePolicy:RolePolicy", "client")
    gateway = program.one("iam/policy:Policy", "gateway")
    assert json.loads(client.inputs["policy"]) == policies.client_role_policy(place)
    assert json.loads(gateway.inputs["policy"]) == policies.gateway_policy(place)


def test_the_lambda_can_become_a_client_and_nobody_else_can(program: Program) -> None:
    """Trust policy and identity policy meet: the chain from function to client role is whole."""
    function = program.one("lambda/function:Function", "credentials")
    client = program.one("iam/role:Role", "client")
    allowed = parse_document(
        program.one("iam/rolePolicy:RolePolicy", "credential-lambda").inputs["policy"]
    )
    request = AccessRequest(
        action="sts:AssumeRole",
        resource=client.outputs["arn"],
        principals=(function.inputs["role"],),
    )
    trust = parse_document(client.inputs["assumeRolePolicy"])
    assert evaluate(request, identity=[allowed]).allowed
    assert evaluate_trust(request, trust).allowed
    other = AccessRequest(action="sts:AssumeRole", principals=(client.outputs["arn"],))
    assert not evaluate_trust(other, trust).allowed
    assert client.inputs["maxSessionDuration"] == 3600


def test_the_function_runs_as_configured(everything: Program) -> None:
    """Architecture, runtime, memory, timeout, concurrency and JSON logs."""
    inputs = everything.one("lambda/function:Function", "credentials").inputs
    assert inputs["architectures"] == ["arm64"]
    assert inputs["runtime"] == "python3.13"
    assert (inputs["memorySize"], inputs["timeout"]) == (1024, 5)
    assert inputs["reservedConcurrentExecutions"] == 20
    assert inputs["loggingConfig"]["logFormat"] == "JSON"
    assert inputs["loggingConfig"]["applicationLogLevel"] == "DEBUG"


def test_the_lambda_accepts_its_environment(program: Program) -> None:
    """The settings the stack writes are read by the very code that will run."""
    variables = program.one("lambda/function:Function", "credentials").inputs["environment"][
        "variables"
    ]
    settings = CredentialSettings.from_env(variables)
    client = program.one("iam/role:Role", "client")
    assert settings.client_role_arn == client.outputs["arn"]
    assert settings.iot_endpoint == f"wss://{IOT_HOST}/mqtt"
    assert settings.region == REGION


def test_configured_checks_reach_the_lambda(everything: Program) -> None:
    """Issuer, audiences, algorithms and lifetime are what the stack says."""
    variables = everything.one("lambda/function:Function", "credentials").inputs["environment"][
        "variables"
    ]
    settings = CredentialSettings.from_env(variables)
    assert settings.duration_s == 900
    assert settings.token_rules.algorithms == {"HS256", "HS512"}
    assert settings.token_rules.expected.issuer == "https://login.example.com/"
    assert settings.token_rules.expected.audiences == ("push", "shop")


def test_the_secret_stays_a_secret(everything: Program) -> None:
    """It is encrypted in Pulumi's state and stands nowhere but in the function's environment."""
    function = everything.one("lambda/function:Function", "credentials")
    assert "environment" in function.secret_inputs
    holders = [
        found.name
        for found in everything.resources
        if SECRET in json.dumps(found.inputs, default=str)
    ]
    assert holders == [function.name]
    assert SECRET not in json.dumps(everything.exports)


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        (
            {"jwtSecretArn": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/jwt"},
            "CREDENTIALS_JWT_SECRET_ARN",
            f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/jwt",
        ),
        (
            {
                "jwtPublicKey": PEM,
                "jwtAlgorithms": '["EdDSA"]',
            },
            "CREDENTIALS_JWT_PUBLIC_KEY",
            PEM,
        ),
    ],
)
def test_other_key_sources_reach_the_lambda(config: dict[str, str], name: str, value: str) -> None:
    """A stored secret (with the right to read it, and only it) and a public key."""
    base = {"allowedOrigins": MINIMAL["allowedOrigins"], "jwtAlgorithms": '["HS256"]'}
    program = run_program({**base, **config})
    variables = program.one("lambda/function:Function", "credentials").inputs["environment"][
        "variables"
    ]
    assert variables[name] == value
    CredentialSettings.from_env(variables)
    document = parse_document(
        program.one("iam/rolePolicy:RolePolicy", "credential-lambda").inputs["policy"]
    )
    request = AccessRequest(action="ssm:GetParameter", resource=value)
    assert evaluate(request, identity=[document]).allowed == ("jwtSecretArn" in config)


def test_the_api_serves_one_route(program: Program) -> None:
    """POST /credentials, payload 2.0, and only this API's route may invoke the function."""
    assert program.one("apigatewayv2/route:Route").inputs["routeKey"] == "POST /credentials"
    integration = program.one("apigatewayv2/integration:Integration").inputs
    assert integration["payloadFormatVersion"] == "2.0"
    permission = program.one("lambda/permission:Permission").inputs
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["sourceArn"].endswith(":a1b2c3d4e5/*/POST/credentials")
    host = f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com"
    if program.all("apigatewayv2/domainName:DomainName"):
        host = "push.example.com"
    assert program.exports["credentialsUrl"] == f"https://{host}/credentials"


def test_cors_names_the_configured_origins(everything: Program) -> None:
    """Exactly those, for the one method and the headers that the client sends."""
    cors = everything.one("apigatewayv2/api:Api").inputs["corsConfiguration"]
    assert cors["allowOrigins"] == ["https://app.example.com", "http://localhost:5173"]
    assert cors["allowMethods"] == ["POST"]
    assert cors["allowHeaders"] == ["authorization", "content-type"]
    assert "allowCredentials" not in cors


def test_the_api_is_throttled(everything: Program) -> None:
    """Rate and burst are the configured ones, for every route."""
    route_settings = everything.one("apigatewayv2/stage:Stage").inputs["defaultRouteSettings"]
    assert route_settings == {"throttlingRateLimit": 200, "throttlingBurstLimit": 400}


def test_access_logs_hold_no_token(program: Program) -> None:
    """Each field is a fact about the request; none is a header, a body or an authorizer's."""
    stage = program.one("apigatewayv2/stage:Stage").inputs["accessLogSettings"]
    group = program.one("cloudwatch/logGroup:LogGroup", "access-log")
    assert stage["destinationArn"] == group.outputs["arn"]
    fields = json.loads(stage["format"])
    assert fields["status"] == "$context.status"
    assert not re.search(r"authoriz|header|body|path|query", json.dumps(fields), re.I)


def test_every_log_group_forgets(everything: Program) -> None:
    """Retention is set on every group, and API Gateway's is where it needs no extra policy."""
    groups = everything.all("cloudwatch/logGroup:LogGroup")
    assert [group.inputs["retentionInDays"] for group in groups] == [90] * 4
    access = everything.one("cloudwatch/logGroup:LogGroup", "access-log")
    assert access.inputs["namePrefix"].startswith("/aws/vendedlogs/")


def test_the_outputs_are_the_gateways_settings(program: Program) -> None:
    """The gateway accepts them as they stand."""
    environment = dict(program.exports["gatewayEnvironment"])
    outbox = environment.pop("GATEWAY_OUTBOX", "aws://https://sqs.x/1/q.fifo?table=t")
    assert re.fullmatch(r"aws://https://sqs\.\S+\.fifo\?table=\S+", outbox)
    settings = GatewaySettings.from_env(environment)
    assert settings.iot_endpoint == f"https://{IOT_HOST}"
    assert settings.region == REGION
    assert (
        program.exports["gatewayPolicyArn"]
        == program.one("iam/policy:Policy", "gateway").outputs["arn"]
    )


def test_a_bad_configuration_creates_nothing() -> None:
    """Every problem is shown, without a traceback, before any resource."""
    with pytest.raises(pulumi.RunError) as caught:
        run_program({"jwtSecret": "short", "apiBurst": "1", "logLevel": "LOUD"}, stack="a.b")
    text = str(caught.value)
    for expected in (
        "namespace ('a.b') is unfit",
        "jwtSecret is unfit",
        "jwtAlgorithms is required",
        "allowedOrigins is required",
        "logLevel must be one of",
        "apiBurst is not a setting; did you mean apiBurstRequests?",
    ):
        assert expected in text
    assert "short" not in text.replace("shorter", "")
