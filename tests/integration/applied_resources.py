"""How each type of resource is made through boto3: Pulumi's inputs in, the API's parameters out.

Owns the translation, which is the provider's in `pulumi up`. botocore checks every parameter against
the service's model and moto keeps what it takes, so an input of a wrong shape fails here.

Event source mappings are made switched off, since moto would start Docker for each message, and
functions without their code: the same handlers run in this process (`applied_functions`).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.applied_account import AppliedAccount

Result = tuple[str, dict[str, Any]]
Inputs = dict[str, Any]
Maker = Callable[["AppliedAccount", str, Inputs], Result]


def tag_list(inputs: Mapping[str, Any], *, key: str = "Key", value: str = "Value") -> Any:
    """Return tags as most APIs take them."""
    return [{key: name, value: text} for name, text in inputs.get("tags", {}).items()]


def given(**parameters: Any) -> dict[str, Any]:
    """Return the parameters that have a value."""
    return {name: value for name, value in parameters.items() if value is not None}


def _parameter(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    account.client("ssm").put_parameter(
        Name=name,
        Value=inputs["value"],
        Type=inputs["type"],
        Description=inputs["description"],
        Tags=tag_list(inputs),
    )
    return name, {}


def _role(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    role = account.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        Description=inputs["description"],
        MaxSessionDuration=int(inputs.get("maxSessionDuration", 3_600)),
        Tags=tag_list(inputs),
    )["Role"]
    return name, {"arn": role["Arn"], "uniqueId": role["RoleId"]}


def _role_policy(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    account.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=name, PolicyDocument=inputs["policy"]
    )
    return f"{inputs['role']}:{name}", {}


def _policy(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    made = account.client("iam").create_policy(
        PolicyName=name,
        PolicyDocument=inputs["policy"],
        Description=inputs["description"],
        Tags=tag_list(inputs),
    )["Policy"]
    return made["Arn"], {"arn": made["Arn"]}


def _attachment(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    account.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return name, {}


def _log_group(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    logs = account.client("logs")
    logs.create_log_group(logGroupName=name, tags=inputs["tags"])
    logs.put_retention_policy(logGroupName=name, retentionInDays=int(inputs["retentionInDays"]))
    return name, {"arn": account.arn("logs", f"log-group:{name}")}


def _metric_filter(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    metric = inputs["metricTransformation"]
    account.client("logs").put_metric_filter(
        logGroupName=inputs["logGroupName"],
        filterName=name,
        filterPattern=inputs["pattern"],
        metricTransformations=[
            {
                "metricName": metric["name"],
                "metricNamespace": metric["namespace"],
                "metricValue": metric["value"],
                "unit": metric["unit"],
            }
        ],
    )
    return name, {}


def _alarm(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    account.client("cloudwatch").put_metric_alarm(
        **given(
            AlarmName=name,
            AlarmDescription=inputs["alarmDescription"],
            Namespace=inputs["namespace"],
            MetricName=inputs["metricName"],
            Dimensions=[
                {"Name": key, "Value": value} for key, value in inputs.get("dimensions", {}).items()
            ],
            Statistic=inputs.get("statistic"),
            ExtendedStatistic=inputs.get("extendedStatistic"),
            Period=int(inputs["period"]),
            EvaluationPeriods=int(inputs["evaluationPeriods"]),
            ComparisonOperator=inputs["comparisonOperator"],
            Threshold=float(inputs["threshold"]),
            TreatMissingData=inputs["treatMissingData"],
            AlarmActions=inputs["alarmActions"],
            OKActions=inputs["okActions"],
            Tags=tag_list(inputs),
        )
    )
    return name, {"arn": account.arn("cloudwatch", f"alarm:{name}")}


def _dashboard(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    account.client("cloudwatch").put_dashboard(
        DashboardName=inputs["dashboardName"], DashboardBody=inputs["dashboardBody"]
    )
    return inputs["dashboardName"], {}


def _function(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    made = account.client("lambda").create_function(
        FunctionName=name,
        Description=inputs["description"],
        Runtime=inputs["runtime"],
        Handler=inputs["handler"],
        Architectures=inputs["architectures"],
        Role=inputs["role"],
        MemorySize=int(inputs["memorySize"]),
        Timeout=int(inputs["timeout"]),
        Environment={"Variables": inputs["environment"]["variables"]},
        TracingConfig={"Mode": inputs["tracingConfig"]["mode"]},
        LoggingConfig={
            "LogFormat": inputs["loggingConfig"]["logFormat"],
            "LogGroup": inputs["loggingConfig"]["logGroup"],
            "ApplicationLogLevel": inputs["loggingConfig"]["applicationLogLevel"],
            "SystemLogLevel": inputs["loggingConfig"]["systemLogLevel"],
        },
        Tags=inputs["tags"],
        Code={"ZipFile": _empty_zip()},
    )
    arn = made["FunctionArn"]
    account.made.functions[arn] = {**inputs, "name": name}
    invoke = (
        f"arn:aws:apigateway:{account.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    )
    return name, {"arn": arn, "invokeArn": invoke}


def _permission(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    account.client("lambda").add_permission(
        FunctionName=inputs["function"],
        StatementId=name,
        Action=inputs["action"],
        Principal=inputs["principal"],
        SourceArn=inputs["sourceArn"],
    )
    allowed = (inputs["principal"], inputs["sourceArn"])
    account.made.permissions.setdefault(inputs["function"], []).append(allowed)
    return name, {}


def _event_source(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    assert inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
    made = account.client("lambda").create_event_source_mapping(
        EventSourceArn=inputs["eventSourceArn"],
        FunctionName=inputs["functionName"],
        BatchSize=int(inputs["batchSize"]),
        FunctionResponseTypes=inputs["functionResponseTypes"],
        Enabled=False,
        Tags=inputs["tags"],
    )
    account.made.sources.append(
        (inputs["eventSourceArn"], inputs["functionName"], int(inputs["batchSize"]))
    )
    arn = account.arn("lambda", f"event-source-mapping:{made['UUID']}")
    return made["UUID"], {"arn": arn}


def _api(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    cors = inputs["corsConfiguration"]
    made = account.client("apigatewayv2").create_api(
        Name=name,
        ProtocolType=inputs["protocolType"],
        Description=inputs["description"],
        CorsConfiguration={
            "AllowOrigins": cors["allowOrigins"],
            "AllowMethods": cors["allowMethods"],
            "AllowHeaders": cors["allowHeaders"],
            "ExposeHeaders": cors["exposeHeaders"],
            "MaxAge": int(cors["maxAge"]),
        },
        Tags=inputs["tags"],
    )
    id_ = made["ApiId"]
    account.made.cors = cors
    account.made.execution_arn = account.arn("execute-api", id_)
    return id_, {
        "arn": f"arn:aws:apigateway:{account.region}::/apis/{id_}",
        "apiEndpoint": account.api_url,
        "executionArn": account.made.execution_arn,
    }


def _integration(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    made = account.client("apigatewayv2").create_integration(
        ApiId=inputs["apiId"],
        IntegrationType=inputs["integrationType"],
        IntegrationUri=inputs["integrationUri"],
        PayloadFormatVersion=inputs["payloadFormatVersion"],
    )
    account.made.integrations[made["IntegrationId"]] = inputs["integrationUri"]
    return made["IntegrationId"], {}


def _route(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    made = account.client("apigatewayv2").create_route(
        ApiId=inputs["apiId"], RouteKey=inputs["routeKey"], Target=inputs["target"]
    )
    integration = inputs["target"].removeprefix("integrations/")
    account.made.routes[inputs["routeKey"]] = account.made.integrations[integration]
    return made["RouteId"], {}


def _stage(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    limits = inputs["defaultRouteSettings"]
    account.client("apigatewayv2").create_stage(
        ApiId=inputs["apiId"],
        StageName=name,
        AutoDeploy=inputs["autoDeploy"],
        DefaultRouteSettings={
            "ThrottlingRateLimit": float(limits["throttlingRateLimit"]),
            "ThrottlingBurstLimit": int(limits["throttlingBurstLimit"]),
        },
        AccessLogSettings={
            "DestinationArn": inputs["accessLogSettings"]["destinationArn"],
            "Format": inputs["accessLogSettings"]["format"],
        },
        Tags=inputs["tags"],
    )
    return name, {}


def _topic_rule(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    actions = [_rule_action("sns", action) for action in inputs.get("sns", [])]
    actions += [_rule_action("sqs", action) for action in inputs.get("sqs", [])]
    account.client("iot").create_topic_rule(
        ruleName=name,
        topicRulePayload={
            "sql": inputs["sql"],
            "awsIotSqlVersion": inputs["sqlVersion"],
            "description": inputs["description"],
            "ruleDisabled": not inputs["enabled"],
            "actions": actions,
            "errorAction": _rule_action("sqs", inputs["errorAction"]["sqs"]),
        },
        tags="&".join(f"{key}={value}" for key, value in inputs["tags"].items()),
    )
    return name, {"arn": account.arn("iot", f"rule/{name}")}


def _rule_action(kind: str, action: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: dict(action)}


def _event_rule(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    made = account.client("events").put_rule(
        Name=name,
        Description=inputs["description"],
        EventBusName=inputs["eventBusName"],
        EventPattern=inputs["eventPattern"],
        Tags=tag_list(inputs),
    )
    return name, {"arn": made["RuleArn"]}


def _event_target(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    target = {
        "Id": name,
        "Arn": inputs["arn"],
        "RoleArn": inputs["roleArn"],
        "SqsParameters": {"MessageGroupId": inputs["sqsTarget"]["messageGroupId"]},
        "DeadLetterConfig": {"Arn": inputs["deadLetterConfig"]["arn"]},
    }
    made = account.client("events").put_targets(
        Rule=inputs["rule"], EventBusName=inputs["eventBusName"], Targets=[target]
    )
    assert made["FailedEntryCount"] == 0, made
    return name, {}


def _table(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    tables = account.client("dynamodb")
    made = tables.create_table(
        TableName=name,
        BillingMode=inputs["billingMode"],
        AttributeDefinitions=[
            {"AttributeName": one["name"], "AttributeType": one["type"]}
            for one in inputs["attributes"]
        ],
        KeySchema=_keys(inputs),
        GlobalSecondaryIndexes=[
            {
                "IndexName": index["name"],
                "KeySchema": _keys(index),
                "Projection": given(
                    ProjectionType=index["projectionType"],
                    NonKeyAttributes=index.get("nonKeyAttributes"),
                ),
            }
            for index in inputs["globalSecondaryIndexes"]
        ],
        SSESpecification={"Enabled": inputs["serverSideEncryption"]["enabled"]},
        DeletionProtectionEnabled=inputs["deletionProtectionEnabled"],
        Tags=tag_list(inputs),
    )["TableDescription"]
    tables.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={
            "Enabled": inputs["ttl"]["enabled"],
            "AttributeName": inputs["ttl"]["attributeName"],
        },
    )
    tables.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": inputs["pointInTimeRecovery"]["enabled"]
        },
    )
    return name, {"arn": made["TableArn"]}


def _keys(owner: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"AttributeName": owner["hashKey"], "KeyType": "HASH"},
        {"AttributeName": owner["rangeKey"], "KeyType": "RANGE"},
    ]


def _empty_zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("empty", "")
    return held.getvalue()


MAKERS: Mapping[str, Maker] = {
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/integration:Integration": _integration,
    "aws:apigatewayv2/route:Route": _route,
    "aws:apigatewayv2/stage:Stage": _stage,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/eventTarget:EventTarget": _event_target,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": _metric_filter,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:dynamodb/table:Table": _table,
    "aws:iam/policy:Policy": _policy,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _attachment,
    "aws:iot/topicRule:TopicRule": _topic_rule,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _event_source,
    "aws:lambda/function:Function": _function,
    "aws:lambda/permission:Permission": _permission,
    "aws:ssm/parameter:Parameter": _parameter,
}
"""By Pulumi type token."""
