"""The SNS bridges: how they are written, what they become, and that nothing goes in circles."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.bridge_settings import MAX_BRIDGES, Bridge, Bridges, SnsTopic, read_bridges
from infra.config_reader import ConfigReader
from infra.errors import ConfigInvalid
from infra.iot_to_sns import MARK, bridge_sql
from infra.presence import presence_sql
from infra.rule_names import rule_name, rule_prefix
from lambdas.sns_bridge.settings import Settings as BridgeSettings
from localaws.core.rules.statement import compile_statement
from tests.unit.infra.program import ACCOUNT, MINIMAL, REGION, Program, run_program
from wire.address import AddressPattern

AUDIT = f"arn:aws:sns:{REGION}:{ACCOUNT}:audit"


def read(*, outward: list[str] | None = None, inward: list[str] | None = None) -> Bridges:
    """Read the two settings."""
    values = {"iotToSns": json.dumps(outward or []), "snsToIot": json.dumps(inward or [])}
    reader = ConfigReader(values)
    found = read_bridges(reader)
    reader.finish()
    return found


def bridge(pattern: str, *, raw: bool = False) -> Bridge:
    """Return a bridge of some SNS topic."""
    return Bridge(topic=SnsTopic("t"), pattern=AddressPattern.parse(pattern), raw=raw)


def test_lines_become_bridges() -> None:
    """A name is a topic to make, an ARN one that exists; `raw` stands last."""
    found = read(
        outward=["group:support/* -> support", f"user:* -> {AUDIT} raw"],
        inward=["orders.fifo -> group:orders/*", "  support   ->  group:hall  "],
    )
    assert [one.topic for one in found.outward] == [SnsTopic("support"), SnsTopic("audit", AUDIT)]
    assert [one.raw for one in found.outward] == [False, True]
    assert [str(one.pattern) for one in found.inward] == ["group:orders/*", "group:hall"]
    assert [topic.name for topic in found.topics] == ["support", "audit", "orders.fifo"]
    assert [topic.fifo for topic in found.topics] == [False, False, True]


@pytest.mark.parametrize(
    ("outward", "inward", "problem"),
    [
        (["group:a"], [], "a bridge is <address> -> <SNS topic> [raw]"),
        ([], ["a => everyone"], "a bridge is <SNS topic> -> <address> [raw]"),
        (["group:a -> two words"], [], "a bridge is"),
        (["group:a -> arn:aws:sqs:eu-west-1:123456789012:q"], [], "no ARN or name of an SNS topic"),
        (["nobody -> t"], [], "holds 'nobody'"),
        ([], ["t -> group:a+b"], "holds 'group:a+b'"),
        (["group:a -> t.fifo"], [], "rules send to no FIFO"),
        ([], ["t -> *"], "name the kind of address"),
        (["group:a -> t", "group:a -> t raw"], [], "twice"),
        ([], [f"t{n} -> group:a" for n in range(MAX_BRIDGES + 1)], "at most 20 fit"),
        (["group:a/* -> t raw"], ["t -> group:a/b"], "clients would get it twice"),
        (["group:a/b -> t raw"], ["t -> group:a/* raw"], "clients would get it twice"),
    ],
)
def test_bad_lines_are_explained(outward: list[str], inward: list[str], problem: str) -> None:
    """Each names the line or the end that is wrong."""
    with pytest.raises(ConfigInvalid) as caught:
        read(outward=outward, inward=inward)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("outward", "inward"),
    [
        (["group:a -> t"], ["t -> group:a"]),
        (["group:a -> t raw"], ["t -> group:b"]),
        (["group:a -> t raw"], ["u -> group:a raw"]),
        (["* -> t"], ["t -> everyone raw"]),
    ],
)
def test_both_ways_on_one_address_are_fine(outward: list[str], inward: list[str]) -> None:
    """The guard at run time sees these echoes and marks all that comes in."""
    read(outward=outward, inward=inward)


def test_keys_are_stable_and_tell_bridges_apart() -> None:
    """A resource's name depends on its line only; `raw` changes a bridge, it makes no new one."""
    assert bridge("group:a").key == bridge("group:a", raw=True).key
    assert bridge("group:a").key != bridge("group:b").key
    assert bridge("group:a").key.isalnum()


@pytest.mark.parametrize(
    ("pattern", "topic_filter"),
    [
        ("group:support/*", "prod/group/support/#"),
        ("group:*", "prod/group/#"),
        ("group:support", "prod/group/support"),
        ("user:*", "prod/user/#"),
        ("everyone", "prod/everyone"),
        ("*", "prod/#"),
    ],
)
def test_a_rule_reads_its_addresses(pattern: str, topic_filter: str) -> None:
    """The SQL is one that localaws' rules engine takes, over the bridge's topics."""
    sql = bridge_sql(bridge(pattern), "prod")
    assert compile_statement(sql, version="2016-03-23").topic_filter == topic_filter
    assert "topic() AS iottopic" in sql
    assert "SELECT * FROM" in bridge_sql(bridge(pattern, raw=True), "prod")


def test_no_rule_takes_what_came_in_by_a_bridge() -> None:
    """The loop guard: every rule, raw or not, asks for the mark that the Lambda sets."""
    for raw in (True, False):
        sql = bridge_sql(bridge("group:a", raw=raw), "prod")
        assert sql.endswith(f"WHERE isUndefined(get(get_user_properties('{MARK}'), 0))")


def test_presence_is_of_this_namespace() -> None:
    """A client id starts with the namespace and a dot; the filter cannot say so, WHERE does."""
    statement = compile_statement(presence_sql("prod"), version="2016-03-23")
    assert statement.topic_filter == "$aws/events/presence/+/+"
    assert "startswith(clientId, 'prod.')" in presence_sql("prod")


def test_rule_names_are_a_stacks_own() -> None:
    """No hyphens, and no two namespaces share a beginning."""
    names = ["prod", "prod_d", "prod-", "prod_", "prod_r", "pro", "a-b", "a_b", "a"]
    prefixes = [rule_prefix(name) for name in names]
    for one in prefixes:
        assert one.replace("_", "").isalnum()
        assert [other for other in prefixes if other.startswith(one)] == [one]
    assert rule_name("a-b", "presence") == "a_db_r_presence"


def queue(program: Program, url_or_arn: str) -> Any:
    """Return the queue of an ARN or URL."""
    (found,) = [
        one
        for one in program.all("sqs/queue:Queue")
        if url_or_arn in (one.outputs["arn"], one.outputs["url"])
    ]
    return found


def test_each_bridge_in_has_a_queue_of_the_topics_kind(everything: Program) -> None:
    """FIFO for FIFO, with a dead-letter queue of the same kind, and time for six runs."""
    subscriptions = everything.all("sns/topicSubscription:TopicSubscription")
    assert len(subscriptions) == 3
    for subscription in subscriptions:
        own = queue(everything, subscription.inputs["endpoint"])
        fifo = subscription.inputs["topic"].endswith(".fifo")
        assert bool(own.inputs.get("fifoQueue")) is fifo
        redrive = json.loads(own.inputs["redrivePolicy"])
        assert redrive["maxReceiveCount"] == 5
        dead = queue(everything, redrive["deadLetterTargetArn"])
        assert bool(dead.inputs.get("fifoQueue")) is fifo
        undelivered = json.loads(subscription.inputs["redrivePolicy"])
        assert undelivered == {"deadLetterTargetArn": dead.outputs["arn"]}
        assert own.inputs["visibilityTimeoutSeconds"] == 180
        assert own.inputs["sqsManagedSseEnabled"] is True


def test_only_its_topic_may_fill_a_queue(everything: Program) -> None:
    """Queue policies name SNS, and as the source the one topic of the subscription."""
    sources = {
        one.inputs["endpoint"]: one.inputs["topic"]
        for one in everything.all("sns/topicSubscription:TopicSubscription")
    }
    every = everything.all("sqs/queuePolicy:QueuePolicy")
    policies = [policy for policy in every if policy.name.startswith("sns-to-iot")]
    assert len(policies) == 6
    for policy in policies:
        (statement,) = json.loads(policy.inputs["policy"])["Statement"]
        own = queue(everything, policy.inputs["queueUrl"])
        assert statement["Resource"] == own.outputs["arn"]
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        if own.outputs["arn"] in sources:
            assert source == sources[own.outputs["arn"]]


def test_the_lambda_accepts_its_environment(everything: Program) -> None:
    """The very code that will run reads the routes, one for each queue that feeds it."""
    function = everything.one("lambda/function:Function", "bridge")
    settings = BridgeSettings.from_env(
        {**function.inputs["environment"]["variables"], "AWS_REGION": REGION}
    )
    sources = everything.all("lambda/eventSourceMapping:EventSourceMapping")
    assert set(settings.routes) == {one.inputs["eventSourceArn"] for one in sources}
    by_topic = {route.topic_name: route for route in settings.routes.values()}
    assert by_topic["news"].raw
    assert by_topic["orders.fifo"].ordered
    for source in sources:
        assert source.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
        assert source.inputs["functionName"] == function.outputs["arn"]


def test_twenty_bridges_fit_into_the_environment() -> None:
    """Lambda takes 4 KB of environment, and the longest lines stay below it together."""
    lines = [f"topic-{n:02}-{'x' * 20}.fifo -> group:orders-{n:02}/*" for n in range(MAX_BRIDGES)]
    program = run_program({**MINIMAL, "snsToIot": json.dumps(lines)})
    function = program.one("lambda/function:Function", "bridge")
    variables = function.inputs["environment"]["variables"]
    assert sum(len(name) + len(value) for name, value in variables.items()) < 4_096


def test_rules_deliver_under_a_role_and_keep_what_fails(everything: Program) -> None:
    """Each rule has its action and its error action, both under a role that may do both."""
    rules = everything.all("iot/topicRule:TopicRule")
    assert len(rules) == 3
    (errors,) = [q for q in everything.all("sqs/queue:Queue") if "rule-errors" in q.name]
    roles = {role.outputs["arn"]: role for role in everything.all("iam/role:Role")}
    for rule in rules:
        action = (rule.inputs.get("sns") or rule.inputs["sqs"])[0]
        assert rule.inputs["errorAction"]["sqs"]["queueUrl"] == errors.outputs["url"]
        assert rule.inputs["errorAction"]["sqs"]["roleArn"] == action["roleArn"]
        role = roles[action["roleArn"]]
        (policy,) = [
            json.loads(one.inputs["policy"])
            for one in everything.all("iam/rolePolicy:RolePolicy")
            if one.inputs["role"] == role.outputs["name"]
        ]
        allowed = json.dumps(policy)
        target = action.get("targetArn") or queue(everything, action["queueUrl"]).outputs["arn"]
        assert target in allowed
        assert errors.outputs["arn"] in allowed


def test_no_bridge_makes_nothing(minimal: Program) -> None:
    """Without lines there is no topic, no queue, no rule and one Lambda only."""
    for kind in ("sns/topic:Topic", "sqs/queue:Queue", "iot/topicRule:TopicRule"):
        assert minimal.all(kind) == []
    assert len(minimal.all("lambda/function:Function")) == 1
