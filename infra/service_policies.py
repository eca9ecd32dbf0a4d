"""The IAM documents of the shared outbox and the gateway service, as pure functions.

Owns what a gateway may do with queue and table, what its tasks run as, and what ECS may do to start
them. What a gateway may do with IoT is `infra.policies.gateway_policy`.

Source: Service Authorization Reference for SQS and DynamoDB; ECS developer guide, "Task execution
IAM role" and "Task IAM role".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infra.policies import PolicyDocument, allow, document, read_secret, write_own_log

if TYPE_CHECKING:
    from infra.policies import Place

_ECR: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+)(:|@|$)"
)


def outbox_policy(*, queue_arn: str, dead_letter_arn: str, table_arn: str) -> PolicyDocument:
    """Let a gateway keep events in the table, hand them on by the queue, and look at dead letters.

    Args:
        queue_arn: The FIFO queue.
        dead_letter_arn: Its dead-letter queue, from which events are sent again on request.
        table_arn: The table; its indexes are meant too.
    """
    use = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    return document(
        allow("Queue", [*use, "sqs:ChangeMessageVisibility"], queue_arn),
        allow("DeadLetters", use, dead_letter_arn),
        allow(
            "Table",
            [
                "dynamodb:BatchGetItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:ConditionCheckItem",
                "dynamodb:DeleteItem",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            table_arn,
        ),
        allow("Indexes", "dynamodb:Query", f"{table_arn}/index/*"),
    )


def tasks_trust_policy(place: Place) -> PolicyDocument:
    """Let ECS give a role to the tasks of this account and region."""
    tasks = f"arn:{place.partition}:ecs:{place.region}:{place.account}:*"
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": place.account},
                "ArnLike": {"aws:SourceArn": tasks},
            },
        }
    )


def task_execution_policy(
    *, partition: str, image: str, log_group_arn: str, keys_secret_arn: str
) -> PolicyDocument:
    """Let ECS start a task: pull its image, open its log, read the service keys.

    Args:
        partition: ARN partition.
        image: The image's URI; in ECR, its one repository may be pulled from.
        log_group_arn: The tasks' log group.
        keys_secret_arn: Secrets Manager secret or SSM parameter that holds the service keys.
    """
    statements = [
        write_own_log(log_group_arn),
        read_secret("ReadServiceKeys", keys_secret_arn),
    ]
    if ecr := _ECR.match(image):
        repository = (
            f"arn:{partition}:ecr:{ecr['region']}:{ecr['account']}:repository/{ecr['repository']}"
        )
        pull = [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ]
        statements += [
            allow("LogInToRegistry", "ecr:GetAuthorizationToken", "*"),
            allow("PullImage", pull, repository),
        ]
    return document(*statements)
