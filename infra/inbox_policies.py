"""The IAM documents of the inbox, as pure functions.

Owns what a gateway may do with it, who may send to it, and what its rules of EventBridge run as.
Does not create anything and does not know Pulumi.

Source: SQS developer guide, "Actions, resources, and condition keys"; EventBridge user guide,
"Cross-service confused deputy prevention" and "IAM roles for sending events to targets".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.policies import PolicyDocument, allow, document

if TYPE_CHECKING:
    from collections.abc import Sequence


def inbox_policy(*, queue_arn: str, dead_letter_arn: str) -> PolicyDocument:
    """Let a gateway take messages, and bury those that cannot be taken.

    It sends nothing to the inbox itself, and takes nothing out of the dead letters: these are the
    operator's.

    Args:
        queue_arn: The inbox.
        dead_letter_arn: Its dead-letter queue.
    """
    take = [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
    ]
    return document(
        allow("Inbox", take, queue_arn),
        allow("InboxDeadLetters", "sqs:SendMessage", dead_letter_arn),
    )


def inbox_queue_policy(*, queue_arn: str, sender_arns: Sequence[str]) -> PolicyDocument:
    """Let the named roles and users send to the inbox, of whichever account they are.

    The resource policy of the queue. Whoever may send is still nobody to the gateway until its
    keys file names the sender's principal.

    Args:
        queue_arn: The inbox.
        sender_arns: Roles and users; at least one.
    """
    statement = allow("Send", ["sqs:SendMessage", "sqs:GetQueueUrl"], queue_arn)
    return document({**statement, "Principal": {"AWS": sorted(sender_arns)}})


def inbox_rule_policy(*, queue_arn: str) -> PolicyDocument:
    """Let a rule send to the inbox, and do nothing else."""
    return document(allow("Send", "sqs:SendMessage", queue_arn))


def inbox_rule_trust_policy(*, rule_arn: str, account: str) -> PolicyDocument:
    """Let EventBridge take the role on for one rule of this account, and for no other."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnEquals": {"aws:SourceArn": rule_arn},
            },
        }
    )


def inbox_rule_errors_policy(*, queue_arn: str, rule_arns: Sequence[str]) -> PolicyDocument:
    """Let EventBridge put into a queue what these rules could not deliver, and nobody else.

    A resource policy: dead-letter queues of targets take no role.
    """
    return document(
        {
            "Sid": "KeepUndelivered",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": sorted(rule_arns)}},
        }
    )
