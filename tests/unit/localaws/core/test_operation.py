"""Requests of the APIs in use get their IAM action and resource; the rest gets the widest."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.core.operation import Operation, name_operation, spoken_by
from localaws.core.signed_request import Request

HERE = "us-east-1:123456789012"


def named(request: Request, service: str) -> Operation:
    """Name a request of the example account."""
    return name_operation(
        request, service=service, region="us-east-1", account="123456789012", partition="aws"
    )


def query(service: str, action: str, **parameters: str) -> Operation:
    """Name a request of a query API."""
    body = urlencode({"Action": action, **parameters}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    return named(Request(method="POST", path="/", query="", headers=headers, body=body), service)


def target(service: str, operation: str, parameters: object) -> Operation:
    """Name a request of a JSON API."""
    headers = {
        "x-amz-target": f"Some_20120810.{operation}",
        "content-type": "application/x-amz-json-1.0",
    }
    body = json.dumps(parameters).encode()
    return named(Request(method="POST", path="/", query="", headers=headers, body=body), service)


ROLE = "arn:aws:iam::123456789012:role/r"
TOPIC = f"arn:aws:sns:{HERE}:t"
QUEUE = f"arn:aws:sqs:{HERE}:q"


@pytest.mark.parametrize(
    ("service", "action", "parameters", "wanted"),
    [
        ("sts", "AssumeRole", {"RoleArn": ROLE}, ("sts:AssumeRole", ROLE)),
        ("sts", "GetCallerIdentity", {}, ("sts:GetCallerIdentity", "*")),
        ("sns", "Publish", {"TopicArn": TOPIC}, ("sns:Publish", TOPIC)),
        ("sns", "Publish", {"TargetArn": TOPIC}, ("sns:Publish", TOPIC)),
        ("sns", "PublishBatch", {"TopicArn": TOPIC}, ("sns:Publish", TOPIC)),
        ("sns", "CreateTopic", {"Name": "t"}, ("sns:CreateTopic", TOPIC)),
        ("sns", "Unsubscribe", {"SubscriptionArn": f"{TOPIC}:1"}, ("sns:Unsubscribe", TOPIC)),
        ("sns", "ListTopics", {}, ("sns:ListTopics", "*")),
        ("iam", "GetRole", {"RoleName": "r"}, ("iam:GetRole", ROLE)),
        ("iam", "GetUser", {"UserName": "u"}, ("iam:GetUser", "arn:aws:iam::123456789012:user/u")),
        ("iam", "GetPolicy", {"PolicyArn": "arn:p"}, ("iam:GetPolicy", "arn:p")),
        ("iam", "ListRoles", {}, ("iam:ListRoles", "*")),
        ("sqs", "SendMessage", {"QueueUrl": "http://h:1/1/q"}, ("sqs:SendMessage", QUEUE)),
        ("ec2", "RunInstances", {}, ("ec2:RunInstances", "*")),
    ],
)
def test_query_apis(
    service: str, action: str, parameters: dict[str, str], wanted: tuple[str, str]
) -> None:
    """The Action parameter is the operation, its parameters name the resource."""
    operation = query(service, action, **parameters)
    assert operation.wanted == (wanted,)
    assert (operation.service, operation.spoken, operation.name) == (service, "query", action)
    assert operation.form == {"Action": action, **parameters}


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("SendMessage", "SendMessage"),
        ("SendMessageBatch", "SendMessage"),
        ("DeleteMessageBatch", "DeleteMessage"),
        ("ChangeMessageVisibilityBatch", "ChangeMessageVisibility"),
    ],
)
def test_sqs_batches_need_the_single_operation_s_right(operation: str, action: str) -> None:
    """IAM has no actions of their own for batches."""
    found = target("sqs", operation, {"QueueUrl": "http://h:1/123/q", "Entries": []})
    assert found.wanted == ((f"sqs:{action}", QUEUE),)
    assert found.spoken == "json"


def test_sqs_queues_by_name_and_none() -> None:
    """CreateQueue names a queue, ListQueues none."""
    assert target("sqs", "CreateQueue", {"QueueName": "q"}).wanted == (("sqs:CreateQueue", QUEUE),)
    assert target("sqs", "ListQueues", {}).wanted == (("sqs:ListQueues", "*"),)


TABLE = f"arn:aws:dynamodb:{HERE}:table/t"


SECRET = f"arn:aws:secretsmanager:{HERE}:secret:keys-AbCdEf"
PARAMETER = f"arn:aws:ssm:{HERE}:parameter/push/keys"


@pytest.mark.parametrize(
    ("service", "action", "parameters", "resource"),
    [
        ("secretsmanager", "GetSecretValue", {"SecretId": SECRET}, SECRET),
        ("secretsmanager", "GetSecretValue", {"SecretId": "keys"}, "*"),
        ("ssm", "GetParameter", {"Name": PARAMETER}, PARAMETER),
        ("ssm", "GetParameter", {"Name": "/push/keys"}, PARAMETER),
        ("ssm", "GetParameter", {"Name": "keys"}, f"arn:aws:ssm:{HERE}:parameter/keys"),
        ("ssm", "DescribeParameters", {}, "*"),
    ],
)
def test_what_is_kept_secret_is_named(
    service: str, action: str, parameters: dict[str, str], resource: str
) -> None:
    """A right to read one secret is a right to read that one; a bare name of one tells no ARN."""
    assert target(service, action, parameters).wanted == ((f"{service}:{action}", resource),)


@pytest.mark.parametrize(
    ("operation", "parameters", "wanted"),
    [
        ("GetItem", {"TableName": "t"}, [("dynamodb:GetItem", TABLE)]),
        ("GetItem", {"TableName": TABLE}, [("dynamodb:GetItem", TABLE)]),
        ("Query", {"TableName": "t", "IndexName": "i"}, [("dynamodb:Query", f"{TABLE}/index/i")]),
        (
            "BatchGetItem",
            {"RequestItems": {"t": {}, "u": {}}},
            [("dynamodb:BatchGetItem", TABLE), ("dynamodb:BatchGetItem", TABLE[:-1] + "u")],
        ),
        (
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t"}},
                    {"ConditionCheck": {"TableName": "t"}},
                ]
            },
            [("dynamodb:PutItem", TABLE), ("dynamodb:ConditionCheckItem", TABLE)],
        ),
        ("TransactWriteItems", {"TransactItems": [{"Odd": {}}, 1]}, [("dynamodb:*", "*")]),
        ("TransactGetItems", {}, [("dynamodb:*", "*")]),
        ("ListTables", {}, [("dynamodb:ListTables", "*")]),
    ],
)
def test_dynamodb(
    operation: str, parameters: dict[str, object], wanted: list[tuple[str, str]]
) -> None:
    """Every table a request touches is asked for, each transaction item under its own action."""
    assert list(target("dynamodb", operation, parameters).wanted) == wanted


def test_a_rest_api_needs_a_right_over_the_whole_service() -> None:
    """Its operation is not named, so only a statement on all of it covers the request."""
    request = Request(method="GET", path="/2015-03-31/functions", query="", headers={})
    operation = named(request, "lambda")
    assert operation.wanted == (("lambda:*", "*"),)
    assert (operation.spoken, operation.name) == ("rest", "*")


def test_a_rule_needs_a_right_to_make_it_and_to_pass_each_role() -> None:
    """As in AWS: whoever makes a rule hands its roles to the rules engine."""
    role = "arn:aws:iam::123456789012:role/rules"
    body = json.dumps({"sql": "", "actions": [{"sns": {"roleArn": role}}]}).encode()
    request = Request(method="POST", path="/rules/r", query="", headers={}, body=body)
    operation = named(request, "iot")
    assert operation.name == "CreateTopicRule"
    assert operation.wanted == (
        ("iot:CreateTopicRule", "arn:aws:iot:us-east-1:123456789012:rule/r"),
        ("iam:PassRole", role),
    )
    listing = named(Request(method="GET", path="/rules", query="", headers={}), "iot")
    assert listing.wanted == (("iot:ListTopicRules", "*"),)


def test_bodies_that_cannot_be_read_name_nothing() -> None:
    """Then the widest right is asked for."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    bad = Request(method="POST", path="/", query="", headers=form, body=b"\xff")
    assert named(bad, "sns").wanted == (("sns:*", "*"),)
    headers = {"x-amz-target": "AmazonSQS.SendMessage"}
    for body in (b"{", b"[]", b""):
        request = Request(method="POST", path="/", query="", headers=headers, body=body)
        assert named(request, "sqs").wanted == (("sqs:SendMessage", "*"),)


@given(st.binary(), st.sampled_from(["sts", "sns", "sqs", "iam", "dynamodb"]), st.booleans())
def test_no_body_makes_it_fail(body: bytes, service: str, is_json: bool) -> None:  # noqa: FBT001
    """Any bytes get at least one action to be asked for."""
    headers = (
        {"x-amz-target": "X.TransactWriteItems"}
        if is_json
        else {"content-type": "application/x-www-form-urlencoded"}
    )
    request = Request(method="POST", path="/", query="", headers=headers, body=body)
    assert named(request, service).wanted
    assert spoken_by(request) in ("json", "query")
