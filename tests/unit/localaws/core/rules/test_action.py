"""Actions: what CreateTopicRule may give, and what each is to do for a message."""

from typing import Any

import pytest

from localaws.core.rules.action import (
    Effect,
    Invocation,
    Republication,
    SnsMessage,
    SqsMessage,
    Unfit,
    read_action,
)
from localaws.core.rules.errors import ActionRefused, RuleRefused
from localaws.core.rules.scope import Scope
from tests.unit.localaws.core.rules.firing import FUNCTION, ROLE, firing

TOPIC = "arn:aws:sns:us-east-1:123456789012:events"
QUEUE = "http://127.0.0.1:4566/123456789012/q"


def effect(action: dict[str, Any], selected: bytes = b"{}", payload: object = None) -> Effect:
    """Return what an action is to do."""
    read = read_action(action, where="actions[0]", version="2016-03-23")
    return read.effect(selected, Scope.of(firing(payload)))


def test_sns() -> None:
    """The target may hold templates; the format is raw unless it says JSON."""
    action = {"targetArn": f"{TOPIC}-${{topic(1)}}", "roleArn": ROLE}
    assert effect({"sns": action}) == SnsMessage(f"{TOPIC}-a", ROLE, "{}", is_structure=False)
    as_json = effect({"sns": {**action, "messageFormat": "JSON"}})
    assert isinstance(as_json, SnsMessage)
    assert as_json.is_structure


def test_sqs() -> None:
    """Bytes that are no text can go as base64."""
    action = {"queueUrl": QUEUE, "roleArn": ROLE, "useBase64": True}
    assert effect({"sqs": action}, b"\xff") == SqsMessage(QUEUE, ROLE, "/w==")
    with pytest.raises(Unfit, match="not text"):
        effect({"sqs": {"queueUrl": QUEUE, "roleArn": ROLE}}, b"\xff")


def test_lambda() -> None:
    """A function takes JSON only."""
    assert effect({"lambda": {"functionArn": FUNCTION}}, b"[1]") == Invocation(FUNCTION, b"[1]")
    with pytest.raises(Unfit, match="JSON only"):
        effect({"lambda": {"functionArn": FUNCTION}}, b"Hi!")


def test_republish() -> None:
    """QoS 0 unless told otherwise; `$$` stands for `$`."""
    plain = effect({"republish": {"topic": "x/${topic(2)}", "roleArn": ROLE}}, b"\xff")
    assert isinstance(plain, Republication)
    assert (plain.message.topic, plain.message.payload, plain.message.qos) == ("x/b", b"\xff", 0)
    assert plain.message.publisher is None
    reserved = effect({"republish": {"topic": "$$aws/things/x", "roleArn": ROLE, "qos": 1}})
    assert isinstance(reserved, Republication)
    assert (reserved.message.topic, reserved.message.qos) == ("$aws/things/x", 1)


def test_republish_with_headers() -> None:
    """MQTT 5 headers may hold templates, too."""
    headers = {
        "payloadFormatIndicator": "UTF8_DATA",
        "contentType": "application/json",
        "responseTopic": "r/${topic(1)}",
        "correlationData": "AAE=",
        "messageExpiry": "60",
        "userProperties": [{"key": "origin", "value": "${topic()}"}],
    }
    found = effect({"republish": {"topic": "x", "roleArn": ROLE, "headers": headers}})
    assert isinstance(found, Republication)
    message = found.message
    assert (message.payload_format_indicator, message.content_type) == (1, "application/json")
    assert (message.response_topic, message.correlation_data) == ("r/a", b"\x00\x01")
    assert message.user_properties == (("origin", "a/b/c"),)
    assert message.expires_at == firing(None).now + 60


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"payloadFormatIndicator": "TEXT"}, "neither UNSPECIFIED_BYTES nor UTF8_DATA"),
        ({"correlationData": "?"}, "not base64"),
        ({"messageExpiry": "soon"}, "number of seconds"),
    ],
)
def test_headers_that_do_not_fit(headers: dict[str, str], words: str) -> None:
    """They are known only once the templates are filled, so the action fails then."""
    with pytest.raises(Unfit, match=words):
        effect({"republish": {"topic": "x", "roleArn": ROLE, "headers": headers}})


def test_a_topic_out_of_a_template_is_checked() -> None:
    """A payload cannot make a wildcard."""
    with pytest.raises(Unfit, match="topic to republish to is invalid"):
        effect({"republish": {"topic": "x/${to}", "roleArn": ROLE}}, payload={"to": "#"})


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"kinesis": {}}, "does not support the action kinesis"),
        ({"http": {}}, "does not support the action http"),
        ({}, "exactly one action"),
        ({"sns": {}, "sqs": {}}, "exactly one action"),
        ("sns", "must be an object"),
        ({"sns": "x"}, "sns must be an object"),
        ({"sns": {"targetArn": TOPIC}}, "roleArn must be a text"),
        ({"sns": {"targetArn": TOPIC, "roleArn": "me"}}, "not the ARN of a role"),
        ({"sns": {"targetArn": "", "roleArn": ROLE}}, "targetArn must be a text"),
        ({"sns": {"targetArn": TOPIC, "roleArn": ROLE, "messageFormat": "X"}}, "unknown value"),
        ({"sqs": {"queueUrl": QUEUE, "roleArn": ROLE, "useBase64": []}}, "unknown value"),
        ({"sqs": {"queueUrl": QUEUE, "roleArn": ROLE, "delay": 1}}, "support actions.0..sqs.delay"),
        ({"lambda": {"functionArn": "${"}}, "not closed"),
        ({"republish": {"topic": "x", "roleArn": ROLE, "qos": 2}}, "unknown value"),
        ({"republish": {"topic": "x", "roleArn": ROLE, "headers": 1}}, "headers must be an object"),
        (
            {"republish": {"topic": "x", "roleArn": ROLE, "headers": {"userProperties": ["a"]}}},
            "must hold objects",
        ),
    ],
)
def test_what_is_not_supported_is_named(action: object, words: str) -> None:
    """A rule with such an action is not made, and the text says why."""
    with pytest.raises(RuleRefused, match=words):
        read_action(action, where="actions[0]", version="2016-03-23")


def test_codes_are_aws_own() -> None:
    """SQL and the rest of a rule are refused with the codes that SDKs know."""
    assert ActionRefused.code == "InvalidRequestException"
