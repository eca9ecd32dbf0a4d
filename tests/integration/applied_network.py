"""How the resources of the gateway service and of a domain are made through boto3.

Owns EC2, load balancing, ECS, scaling, the domain of the HTTP API and its DNS records; the rest is in
`applied_resources`.

Made otherwise than in AWS: moto gives a domain no target of its own, so one is made up. Not made: IoT's
logging options, the one thing that moto does not know; that it does not is checked each time, and so
are the parameters and the role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.validate import ParamValidator
from moto.iot.responses import IoTResponse

from tests.integration.applied_resources import given, tag_list

if TYPE_CHECKING:
    from tests.integration.applied_account import AppliedAccount
    from tests.integration.applied_resources import Inputs, Maker, Result


# --- what callers pass ---


def _security_group(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    ec2 = account.client("ec2")
    id_ = ec2.create_security_group(
        GroupName=name,
        Description=inputs["description"],
        VpcId=inputs["vpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tag_list(inputs)}],
    )["GroupId"]
    (made,) = ec2.describe_security_groups(GroupIds=[id_])["SecurityGroups"]
    # EC2 lets a new group call anybody; the provider takes that back.
    ec2.revoke_security_group_egress(GroupId=id_, IpPermissions=made["IpPermissionsEgress"])
    return id_, {"arn": account.arn("ec2", f"security-group/{id_}")}


def _ingress(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    return _rule(account, "ingress", inputs)


def _egress(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    return _rule(account, "egress", inputs)


def _rule(account: AppliedAccount, way: str, inputs: Inputs) -> Result:
    text = given(Description=inputs.get("description"))
    permission: dict[str, Any] = {
        "IpProtocol": inputs["ipProtocol"],
        "FromPort": int(inputs["fromPort"]),
        "ToPort": int(inputs["toPort"]),
    }
    if "cidrIpv4" in inputs:
        permission["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **text}]
    else:
        group = inputs["referencedSecurityGroupId"]
        permission["UserIdGroupPairs"] = [{"GroupId": group, **text}]
    (made,) = getattr(account.client("ec2"), f"authorize_security_group_{way}")(
        GroupId=inputs["securityGroupId"],
        IpPermissions=[permission],
        TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tag_list(inputs)}],
    )["SecurityGroupRules"]
    id_ = made["SecurityGroupRuleId"]
    return id_, {"arn": account.arn("ec2", f"security-group-rule/{id_}")}


def _balancer(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    balancers = account.client("elbv2")
    (made,) = balancers.create_load_balancer(
        Name=name,
        Scheme="internal" if inputs["internal"] else "internet-facing",
        Type=inputs["loadBalancerType"],
        SecurityGroups=inputs["securityGroups"],
        Subnets=inputs["subnets"],
        Tags=tag_list(inputs),
    )["LoadBalancers"]
    arn = made["LoadBalancerArn"]
    attributes = {
        "idle_timeout.timeout_seconds": inputs["idleTimeout"],
        "routing.http.drop_invalid_header_fields.enabled": inputs["dropInvalidHeaderFields"],
        "deletion_protection.enabled": inputs["enableDeletionProtection"],
    }
    balancers.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=_attributes(attributes)
    )
    suffix = arn.partition(":loadbalancer/")[2]
    return arn, {
        "arn": arn,
        "arnSuffix": suffix,
        "dnsName": made["DNSName"],
        "zoneId": made["CanonicalHostedZoneId"],
    }


def _target_group(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    balancers = account.client("elbv2")
    check = inputs["healthCheck"]
    (made,) = balancers.create_target_group(
        Name=name,
        VpcId=inputs["vpcId"],
        TargetType=inputs["targetType"],
        Port=int(inputs["port"]),
        Protocol=inputs["protocol"],
        HealthCheckPath=check["path"],
        HealthCheckIntervalSeconds=int(check["interval"]),
        HealthCheckTimeoutSeconds=int(check["timeout"]),
        HealthyThresholdCount=int(check["healthyThreshold"]),
        UnhealthyThresholdCount=int(check["unhealthyThreshold"]),
        Matcher={"HttpCode": check["matcher"]},
        Tags=tag_list(inputs),
    )["TargetGroups"]
    arn = made["TargetGroupArn"]
    delay = {"deregistration_delay.timeout_seconds": inputs["deregistrationDelay"]}
    balancers.modify_target_group_attributes(TargetGroupArn=arn, Attributes=_attributes(delay))
    return arn, {"arn": arn, "arnSuffix": arn.rpartition(":")[2]}


def _listener(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    certificate = inputs.get("certificateArn")
    (made,) = account.client("elbv2").create_listener(
        **given(
            LoadBalancerArn=inputs["loadBalancerArn"],
            Port=int(inputs["port"]),
            Protocol=inputs["protocol"],
            SslPolicy=inputs.get("sslPolicy"),
            Certificates=[{"CertificateArn": certificate}] if certificate else None,
            DefaultActions=[
                {"Type": action["type"], "TargetGroupArn": action["targetGroupArn"]}
                for action in inputs["defaultActions"]
            ],
            Tags=tag_list(inputs),
        )
    )["Listeners"]
    return made["ListenerArn"], {"arn": made["ListenerArn"]}


def _attributes(values: Mapping[str, bool | float]) -> list[dict[str, str]]:
    return [
        {"Key": key, "Value": json.dumps(value if isinstance(value, bool) else int(value))}
        for key, value in values.items()
    ]


# --- what runs ---


def _cluster(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    made = account.client("ecs").create_cluster(
        clusterName=name,
        settings=inputs["settings"],
        tags=tag_list(inputs, key="key", value="value"),
    )["cluster"]
    return made["clusterArn"], {"arn": made["clusterArn"]}


def _task_definition(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    platform = inputs["runtimePlatform"]
    made = account.client("ecs").register_task_definition(
        family=inputs["family"],
        cpu=inputs["cpu"],
        memory=inputs["memory"],
        networkMode=inputs["networkMode"],
        requiresCompatibilities=inputs["requiresCompatibilities"],
        runtimePlatform={
            "cpuArchitecture": platform["cpuArchitecture"],
            "operatingSystemFamily": platform["operatingSystemFamily"],
        },
        taskRoleArn=inputs["taskRoleArn"],
        executionRoleArn=inputs["executionRoleArn"],
        volumes=inputs["volumes"],
        containerDefinitions=json.loads(inputs["containerDefinitions"]),
        tags=tag_list(inputs, key="key", value="value"),
    )["taskDefinition"]
    return inputs["family"], {"arn": made["taskDefinitionArn"]}


def _service(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    network = inputs["networkConfiguration"]
    made = account.client("ecs").create_service(
        serviceName=name,
        cluster=inputs["cluster"],
        taskDefinition=inputs["taskDefinition"],
        desiredCount=int(inputs["desiredCount"]),
        launchType=inputs["launchType"],
        platformVersion=inputs["platformVersion"],
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": network["subnets"],
                "securityGroups": network["securityGroups"],
                "assignPublicIp": "ENABLED" if network["assignPublicIp"] else "DISABLED",
            }
        },
        loadBalancers=[
            {**one, "containerPort": int(one["containerPort"])} for one in inputs["loadBalancers"]
        ],
        deploymentConfiguration={
            "minimumHealthyPercent": int(inputs["deploymentMinimumHealthyPercent"]),
            "maximumPercent": int(inputs["deploymentMaximumPercent"]),
            "deploymentCircuitBreaker": inputs["deploymentCircuitBreaker"],
        },
        healthCheckGracePeriodSeconds=int(inputs["healthCheckGracePeriodSeconds"]),
        enableECSManagedTags=inputs["enableEcsManagedTags"],
        propagateTags=inputs["propagateTags"],
        tags=tag_list(inputs, key="key", value="value"),
    )["service"]
    return made["serviceArn"], {"arn": made["serviceArn"]}


def _scaling_target(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    account.client("application-autoscaling").register_scalable_target(
        ServiceNamespace=inputs["serviceNamespace"],
        ScalableDimension=inputs["scalableDimension"],
        ResourceId=inputs["resourceId"],
        MinCapacity=int(inputs["minCapacity"]),
        MaxCapacity=int(inputs["maxCapacity"]),
        Tags=inputs["tags"],
    )
    return inputs["resourceId"], {
        "arn": account.arn("application-autoscaling", f"scalable-target/{inputs['resourceId']}")
    }


def _scaling_policy(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    aim = inputs["targetTrackingScalingPolicyConfiguration"]
    metric = aim["predefinedMetricSpecification"]["predefinedMetricType"]
    made = account.client("application-autoscaling").put_scaling_policy(
        PolicyName=name,
        PolicyType=inputs["policyType"],
        ServiceNamespace=inputs["serviceNamespace"],
        ScalableDimension=inputs["scalableDimension"],
        ResourceId=inputs["resourceId"],
        TargetTrackingScalingPolicyConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
            "TargetValue": float(aim["targetValue"]),
            "ScaleInCooldown": int(aim["scaleInCooldown"]),
            "ScaleOutCooldown": int(aim["scaleOutCooldown"]),
        },
    )
    return name, {"arn": made["PolicyARN"]}


# --- the credential API's own name ---


def _domain_name(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    told = inputs["domainNameConfiguration"]
    account.client("apigatewayv2").create_domain_name(
        DomainName=inputs["domainName"],
        DomainNameConfigurations=[
            {
                "CertificateArn": told["certificateArn"],
                "EndpointType": told["endpointType"],
                "SecurityPolicy": told["securityPolicy"],
            }
        ],
        Tags=inputs["tags"],
    )
    target = {
        "targetDomainName": f"d-applied.execute-api.{account.region}.amazonaws.com",
        "hostedZoneId": "Z2FDTNDATAQYW2",
    }
    return inputs["domainName"], {"domainNameConfiguration": {**told, **target}}


def _api_mapping(account: AppliedAccount, _name: str, inputs: Inputs) -> Result:
    made = account.client("apigatewayv2").create_api_mapping(
        ApiId=inputs["apiId"], DomainName=inputs["domainName"], Stage=inputs["stage"]
    )
    account.made.domains.append(inputs["domainName"])
    return made["ApiMappingId"], {}


def _record(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    (alias,) = inputs["aliases"]
    record = {
        "Name": inputs["name"],
        "Type": inputs["type"],
        "AliasTarget": {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zoneId"],
            "EvaluateTargetHealth": alias["evaluateTargetHealth"],
        },
    }
    account.client("route53").change_resource_record_sets(
        HostedZoneId=inputs["zoneId"],
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    return f"{inputs['zoneId']}_{name}_{inputs['type']}", {}


# --- what moto cannot ---


def _logging_options(account: AppliedAccount, name: str, inputs: Inputs) -> Result:
    # Should moto learn it one day, this says so, and it is to be made for real.
    assert not hasattr(IoTResponse, "set_v2_logging_options"), "moto knows SetV2LoggingOptions now"
    model = account.client("iot").meta.service_model.operation_model("SetV2LoggingOptions")
    parameters = {
        "roleArn": inputs["roleArn"],
        "defaultLogLevel": inputs["defaultLogLevel"],
        "disableAllLogs": inputs["disableAllLogs"],
    }
    wrong = ParamValidator().validate(parameters, model.input_shape)
    assert not wrong.has_errors(), wrong.generate_report()
    assert inputs["defaultLogLevel"] in model.input_shape.members["defaultLogLevel"].enum
    account.client("iam").get_role(RoleName=inputs["roleArn"].rpartition("/")[2])
    return name, {}


MAKERS: Mapping[str, Maker] = {
    "aws:apigatewayv2/apiMapping:ApiMapping": _api_mapping,
    "aws:apigatewayv2/domainName:DomainName": _domain_name,
    "aws:appautoscaling/policy:Policy": _scaling_policy,
    "aws:appautoscaling/target:Target": _scaling_target,
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:ecs/cluster:Cluster": _cluster,
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
    "aws:iot/loggingOptions:LoggingOptions": _logging_options,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:route53/record:Record": _record,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _egress,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _ingress,
}
"""By Pulumi type token."""
