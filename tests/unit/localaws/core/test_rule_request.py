"""Which requests to the `iot` API are about rules."""

import pytest

from localaws.core.rule_request import RuleRequest, passed_roles, rule_request


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/rules/r", RuleRequest("CreateTopicRule", "r")),
        ("PATCH", "/rules/r", RuleRequest("ReplaceTopicRule", "r")),
        ("DELETE", "/rules/r", RuleRequest("DeleteTopicRule", "r")),
        ("GET", "/rules/r%5F1", RuleRequest("GetTopicRule", "r_1")),
        ("GET", "/rules", RuleRequest("ListTopicRules")),
        ("POST", "/rules/r/enable", RuleRequest("EnableTopicRule", "r")),
        ("POST", "/rules/r/disable", RuleRequest("DisableTopicRule", "r")),
        ("GET", "/rules/r/enable", None),
        ("PUT", "/rules/r", None),
        ("GET", "/endpoint", None),
        ("POST", "/", None),
    ],
)
def test_naming(method: str, path: str, expected: RuleRequest | None) -> None:
    """Method and path name the operation, as in the service model."""
    assert rule_request(method, path) == expected


def test_roles_are_found_wherever_they_stand() -> None:
    """Actions and the error action, each role once."""
    rule = {
        "actions": [{"sns": {"roleArn": "b"}}, {"sqs": {"roleArn": "a"}}, {"lambda": {}}],
        "errorAction": {"republish": {"roleArn": "b"}},
    }
    assert passed_roles(rule) == ["a", "b"]
    assert passed_roles({}) == []
