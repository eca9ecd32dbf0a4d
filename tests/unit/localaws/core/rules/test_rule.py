"""A rule as a whole: which messages call it and what it then does."""

import json

import pytest

from localaws.core.rules.action import Invocation, SqsMessage
from localaws.core.rules.errors import ActionRefused, RuleRefused, SqlRefused
from localaws.core.rules.rule import Failure, read_rule
from tests.unit.localaws.core.rules.firing import FUNCTION, ROLE, firing, rule

GOOD = {"sql": "SELECT * FROM 'a/#'", "actions": []}


@pytest.mark.parametrize(
    ("topic", "called"),
    [
        ("a/b", True),
        ("a", False),
        ("b", False),
        ("$aws/rules/r/x", True),
        ("$aws/rules/s/a", False),
    ],
)
def test_topics_call_a_rule(topic: str, *, called: bool) -> None:
    """By its FROM filter, or by name with Basic Ingest."""
    assert rule("SELECT * FROM 'a/#'").wants(topic) is called


def test_wildcards_do_not_reach_reserved_topics() -> None:
    """`#` never matches `$aws/…`; a filter that names it does."""
    event = "$aws/events/presence/connected/c"
    assert not rule("SELECT * FROM '#'").wants(event)
    assert rule("SELECT * FROM '$aws/events/presence/+/#'").wants(event)


def test_a_rule_without_from_is_for_basic_ingest_only() -> None:
    """Source: facts 6.1."""
    only = rule("SELECT *")
    assert only.wants("$aws/rules/r")
    assert not only.wants("a")


def test_a_disabled_rule_does_nothing() -> None:
    """It is kept, but no topic calls it."""
    assert not rule("SELECT * FROM 'a'", ruleDisabled=True).wants("a")


def test_each_action_gets_what_was_selected() -> None:
    """In the order of the rule; a condition that is not true means nothing at all."""
    sql = "SELECT v FROM 'a' WHERE v > 1"
    queue = {"sqs": {"queueUrl": "q", "roleArn": ROLE}}
    both = rule(sql, actions=[{"lambda": {"functionArn": FUNCTION}}, queue])
    outcome = both.outcome(firing({"v": 2}))
    assert [effect for _, effect in outcome.effects] == [
        Invocation(FUNCTION, b'{"v":2}'),
        SqsMessage("q", ROLE, '{"v":2}'),
    ]
    nothing = both.outcome(firing({"v": 1}))
    assert (nothing.effects, nothing.failures) == ((), ())


def test_one_action_that_cannot_be_filled_in_spoils_no_other() -> None:
    """It is a failure; the others go on."""
    bad = {"lambda": {"functionArn": "arn:${missing}"}}
    outcome = rule("SELECT * FROM 'a'", actions=[bad, {"lambda": {"functionArn": "f"}}]).outcome(
        firing({})
    )
    assert [effect for _, effect in outcome.effects] == [Invocation("f", b"{}")]
    (failure,) = outcome.failures
    assert (failure.action, failure.resource) == ("LambdaAction", "arn:${missing}")
    assert "has no value" in failure.problem


def test_the_error_action_gets_one_document() -> None:
    """All failures of one message together, with its payload in base64."""
    watched = rule("SELECT * FROM 'a'", errorAction={"sqs": {"queueUrl": "dlq", "roleArn": ROLE}})
    failed = [Failure("SnsAction", "arn", "no"), Failure("SqsAction", "url", "never")]
    effect = watched.error_effect(firing(b"\xff", publisher="c"), failed)
    assert isinstance(effect, SqsMessage)
    assert json.loads(effect.body) == {
        "ruleName": "r",
        "topic": "a/b/c",
        "cloudwatchTraceId": "trace",
        "clientId": "c",
        "base64OriginalPayload": "/w==",
        "failures": [
            {"failedAction": "SnsAction", "failedResource": "arn", "errorMessage": "no"},
            {"failedAction": "SqsAction", "failedResource": "url", "errorMessage": "never"},
        ],
    }
    assert watched.error_effect(firing({}), []) is None
    assert rule("SELECT * FROM 'a'").error_effect(firing({}), failed) is None


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"sql": ""}, SqlRefused, "no SQL"),
        ({"sql": None}, SqlRefused, "no SQL"),
        ({"sql": "SELECT"}, SqlRefused, "ends too early"),
        ({"awsIotSqlVersion": "beta"}, SqlRefused, "SQL versions"),
        ({"actions": None}, ActionRefused, "must be a list"),
        ({"actions": [{"lambda": {"functionArn": "f"}}] * 11}, ActionRefused, "at most 10"),
        ({"actions": [{"s3": {}}]}, ActionRefused, "does not support the action s3"),
        ({"errorAction": {"s3": {}}}, ActionRefused, r"action s3 \(errorAction\)"),
        ({"batch": {}}, ActionRefused, "does not support batch"),
    ],
)
def test_a_rule_that_is_not_understood_is_refused(
    change: dict[str, object], kind: type[RuleRefused], words: str
) -> None:
    """Never ignored, never half understood."""
    with pytest.raises(kind, match=words):
        read_rule("r", {**GOOD, **change})


@pytest.mark.parametrize("name", ["", "a-b", "a b", "x" * 129, "ü"])
def test_names(name: str) -> None:
    """Letters, digits and underscores."""
    with pytest.raises(ActionRefused, match="ruleName"):
        read_rule(name, GOOD)


def test_a_rule_without_a_version_gets_the_older_one() -> None:
    """As in AWS, so that a rule which needs more is refused here, too."""
    with pytest.raises(SqlRefused, match="needs SQL version"):
        read_rule("r", {**GOOD, "sql": "SELECT * FROM 'a' WHERE isUndefined(b)"})
