"""The inbox: its settings, who may do what with it, and rules that are services."""

from __future__ import annotations

import json

import pytest

from gateway.inbox.place import read_inbox
from gateway.principals import PRINCIPAL
from infra import inbox_policies
from infra.errors import ConfigInvalid
from infra.inbox_settings import InboxRule
from infra.settings import Settings
from tests.unit.infra.program import ACCOUNT, EVERYTHING, MINIMAL, REGION, Program
from tests.unit.infra.test_more_policies import DEAD, QUEUE, allows, trusts
from wire.iam import AccessRequest, evaluate_trust, parse_document

RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shop/prod-inbox-1"
ORDERS = '{"source": ["com.example.orders"]}'


def settings(**values: str) -> Settings:
    """Read settings with an inbox in them."""
    return Settings.from_config({**MINIMAL, **values}, project="p", stack="s")


def rules(*lines: str) -> str:
    """Return rules as they stand in the configuration."""
    return json.dumps(lines)


def test_there_is_none_unless_asked_for() -> None:
    """And one alone needs nothing more."""
    assert settings().inbox is None
    found = settings(inbox="true").inbox
    assert found is not None
    assert (found.senders, found.rules) == ((), ())


def test_a_rule_is_one_line() -> None:
    """An address, perhaps a bus, a pattern; the same line has the same key."""
    found = settings(
        inbox="true",
        inboxRules=rules(f"group:orders/eu <- {ORDERS}", f"everyone <- shop.x/y {ORDERS}"),
    ).inbox
    assert found is not None
    assert found.rules == (
        InboxRule(address="group:orders/eu", bus="default", pattern=ORDERS),
        InboxRule(address="everyone", bus="shop.x/y", pattern=ORDERS),
    )
    keys = {rule.key for rule in found.rules}
    assert len(keys) == 2
    assert all(key.isalnum() and len(key) == 8 for key in keys)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"inboxSenders": '["x"]'}, "inboxSenders is of no use without inbox"),
        ({"inboxRules": rules(f"everyone <- {ORDERS}")}, "inboxRules is of no use without inbox"),
        ({"inbox": "true", "inboxSenders": '["*"]'}, "inboxSenders holds '*'; name one role"),
        ({"inbox": "true", "inboxSenders": f'["arn:aws:iam::{ACCOUNT}:root"]'}, "name one role"),
        ({"inbox": "true", "inboxRules": rules(ORDERS)}, "a rule is <address> <-"),
        ({"inbox": "true", "inboxRules": rules(f"group:orders/* <- {ORDERS}")}, "group:orders/*"),
        ({"inbox": "true", "inboxRules": rules(f"nobody <- {ORDERS}")}, "holds 'nobody'"),
        ({"inbox": "true", "inboxRules": rules("everyone <- {x}")}, "which is not JSON"),
        ({"inbox": "true", "inboxRules": rules("everyone <- {}")}, "names no member"),
        (
            {"inbox": "true", "inboxRules": rules(f'everyone <- {{"source": ["{"x" * 2_048}"]}}')},
            "longer than 2048",
        ),
        ({"inbox": "true", "inboxRules": rules(*[f"everyone <- {ORDERS}"] * 2)}, "twice"),
    ],
)
def test_each_mistake_is_explained(values: dict[str, str], problem: str) -> None:
    """Before anything is made."""
    with pytest.raises(ConfigInvalid) as caught:
        settings(**values)
    assert problem in str(caught.value)


def test_a_gateway_takes_and_buries_and_does_no_more() -> None:
    """It forges no message, and takes no dead letter away."""
    document = inbox_policies.inbox_policy(queue_arn=QUEUE, dead_letter_arn=DEAD)
    for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"):
        assert allows(document, f"sqs:{action}", QUEUE)
        assert not allows(document, f"sqs:{action}", DEAD)
    assert allows(document, "sqs:GetQueueAttributes", QUEUE)
    assert allows(document, "sqs:SendMessage", DEAD)
    for action in ("SendMessage", "PurgeQueue", "SetQueueAttributes", "DeleteQueue"):
        assert not allows(document, f"sqs:{action}", QUEUE)


def test_the_queue_lets_its_senders_in_and_nobody_else() -> None:
    """To send; they take nothing out."""
    billing = f"arn:aws:iam::{ACCOUNT}:role/billing"
    document = parse_document(
        inbox_policies.inbox_queue_policy(queue_arn=QUEUE, sender_arns=[billing])
    )

    def may(principal: str, action: str) -> bool:
        request = AccessRequest(action=action, resource=QUEUE, principals=(principal,))
        return evaluate_trust(request, document).allowed

    assert may(billing, "sqs:SendMessage")
    assert not may(billing, "sqs:ReceiveMessage")
    assert not may(f"{billing}2", "sqs:SendMessage")
    assert not may("events.amazonaws.com", "sqs:SendMessage")


def test_only_its_rule_takes_a_rules_role() -> None:
    """Not another rule, not another account, not another service: the role is the rule's name."""
    document = inbox_policies.inbox_rule_trust_policy(rule_arn=RULE, account=ACCOUNT)
    own = {"SourceArn": RULE, "SourceAccount": ACCOUNT}
    assert trusts(document, "events.amazonaws.com", **own)
    assert not trusts(document, "events.amazonaws.com", **{**own, "SourceArn": f"{RULE}2"})
    assert not trusts(document, "events.amazonaws.com", **{**own, "SourceAccount": "1" * 12})
    assert not trusts(document, "events.amazonaws.com")
    assert not trusts(document, "lambda.amazonaws.com", **own)
    send = inbox_policies.inbox_rule_policy(queue_arn=QUEUE)
    assert allows(send, "sqs:SendMessage", QUEUE)
    assert not allows(send, "sqs:SendMessage", DEAD)
    assert not allows(send, "sqs:ReceiveMessage", QUEUE)


def test_only_the_rules_leave_what_they_cannot_deliver() -> None:
    """A queue that takes no role lets EventBridge in by the rules' ARNs."""
    document = parse_document(
        inbox_policies.inbox_rule_errors_policy(queue_arn=DEAD, rule_arns=[RULE])
    )

    def may(service: str, source: str) -> bool:
        request = AccessRequest(
            action="sqs:SendMessage",
            resource=DEAD,
            principals=(service,),
            context={"aws:SourceArn": source},
        )
        return evaluate_trust(request, document).allowed

    assert may("events.amazonaws.com", RULE)
    assert not may("events.amazonaws.com", f"{RULE}2")
    assert not may("sns.amazonaws.com", RULE)


def test_the_queues_are_as_the_gateway_and_eventbridge_need_them(everything: Program) -> None:
    """FIFO with deduplication by content; dead letters with room for the reason."""
    inbox = everything.one("sqs/queue:Queue", "inbox-queue")
    dead = everything.one("sqs/queue:Queue", "inbox-dead-letters")
    assert json.loads(inbox.inputs["redrivePolicy"]) == {
        "deadLetterTargetArn": dead.outputs["arn"],
        "maxReceiveCount": 1_000,
    }
    for queue in (inbox, dead):
        assert queue.inputs["fifoQueue"] is True
        assert queue.inputs["contentBasedDeduplication"] is True
        assert queue.inputs["sqsManagedSseEnabled"] is True
        assert queue.inputs["messageRetentionSeconds"] == 14 * 86_400
    assert dead.inputs["maxMessageSize"] >= inbox.inputs["maxMessageSize"] + 64 * 1024
    url = everything.exports["gatewayEnvironment"]["GATEWAY_INBOX"]
    assert url == inbox.outputs["url"] == everything.exports["inboxUrl"]
    assert read_inbox(url).region == REGION


def test_each_rule_sends_under_a_role_of_its_own(everything: Program) -> None:
    """To the inbox, with its address as the message group; the role's id is told to the operator."""
    inbox = everything.one("sqs/queue:Queue", "inbox-queue").outputs["arn"]
    targets = everything.all("cloudwatch/eventTarget:EventTarget")
    made = {rule.outputs["name"]: rule for rule in everything.all("cloudwatch/eventRule:EventRule")}
    assert len(targets) == len(made) == len(json.loads(EVERYTHING["inboxRules"]))
    assert len({target.inputs["roleArn"] for target in targets}) == len(targets)
    for target in targets:
        rule = made[target.inputs["rule"]]
        assert target.inputs["arn"] == inbox
        assert target.inputs["eventBusName"] == rule.inputs["eventBusName"]
        assert rule.inputs["description"].endswith(target.inputs["sqsTarget"]["messageGroupId"])
        (role,) = [
            one
            for one in everything.all("iam/role:Role")
            if one.outputs["arn"] == target.inputs["roleArn"]
        ]
        (trust,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Condition"]["ArnEquals"] == {"aws:SourceArn": rule.outputs["arn"]}
    principals = everything.exports["inboxPrincipals"]
    assert {name.partition(" ")[0] for name in principals} == {"group:orders/eu", "everyone"}
    assert all(PRINCIPAL.fullmatch(one) for one in principals.values())
