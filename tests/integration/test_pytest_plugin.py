"""The fixture as another project uses it: in its own pytest run, with its own tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]

TESTS = """
import asyncio
import json

import aiohttp
import boto3
import pytest


def client(localaws, service):
    return boto3.client(service, **localaws.client_settings(service))


def test_an_event_reaches_a_queue(localaws):
    sqs = client(localaws, "sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": "iot.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    send = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:us-east-1:123456789012:q"}]}
    iam = client(localaws, "iam")
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(send))
    client(localaws, "iot").create_topic_rule(ruleName="r", topicRulePayload={
        "sql": "SELECT * FROM 'a/#'",
        "actions": [{"sqs": {"queueUrl": url, "roleArn": role}}]})
    client(localaws, "iot-data").publish(topic="a/b", payload=b"Hi!")
    localaws.wait(localaws.aws.rules.idle())
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "Hi!"


def test_nothing_is_left_of_the_test_before(localaws):
    assert "QueueUrls" not in client(localaws, "sqs").list_queues()


def test_async_code_needs_no_plugin(localaws):
    async def look():
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{localaws.endpoints.api_url}/_localaws/health") as answer:
                return answer.status
    assert asyncio.run(look()) == 200


def test_faults_are_ordered_from_this_thread(localaws):
    from localaws.core.faults import Fault, FaultKind
    iot = client(localaws, "iot-data")
    localaws.call(localaws.aws.faults.order, Fault(kind=FaultKind.THROTTLE))
    with pytest.raises(iot.exceptions.ThrottlingException):
        iot.publish(topic="a", payload=b"")
"""


@pytest.fixture
def elsewhere(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Another project's folder; localaws is importable there, as it is when it is installed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the project's tests in a process of their own."""
    plain = ("-p", "localaws.pytest_plugin", "-p", "no:cacheprovider", "-q")
    return project.run(sys.executable, "-m", "pytest", *plain, *arguments, timeout=50)


def test_another_projects_tests_pass(elsewhere: pytest.Pytester) -> None:
    """Rules, queues, faults, and each test with a world of its own."""
    elsewhere.makepyfile(TESTS)
    run(elsewhere).assert_outcomes(passed=4)


def test_one_instance_can_serve_many_tests(elsewhere: pytest.Pytester) -> None:
    """The scope is a setting; a wrong one is named."""
    elsewhere.makepyfile(
        """
        seen = []

        def test_one(localaws):
            seen.append(localaws.endpoints.iot_url)

        def test_two(localaws):
            assert seen == [localaws.endpoints.iot_url]
        """
    )
    run(elsewhere, "-o", "localaws_scope=session").assert_outcomes(passed=2)
    result = run(elsewhere, "-o", "localaws_scope=week")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*localaws_scope must be one of function*"])


def test_the_plugin_costs_nothing_until_it_is_used(elsewhere: pytest.Pytester) -> None:
    """Pytest loads it in every run, so it must not bring moto along."""
    elsewhere.makepyfile(
        """
        import sys

        def test_it():
            assert "localaws.pytest_plugin" in sys.modules
            assert not {"moto", "aiohttp", "localaws.embedded"} & set(sys.modules)
        """
    )
    run(elsewhere).assert_outcomes(passed=1)
