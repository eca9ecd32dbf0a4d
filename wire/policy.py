"""The session policy: a grant, compiled for STS.

Owns the smallest IAM document that allows exactly the grant. Does not own the roles' own policies
(`infra.policies`): what a client may do is the role's policy *and* this one.

Region and account are `*`: the client role's policy, which is met as well, pins them, and the
2,048 characters are better spent on groups. Connect, Receive and Subscribe share one statement:
each acts on its own kind of resource (client, topic, topicfilter), so none lends its resources to
another. Publish acts on topics too and therefore has a statement of its own. The tempting
`topic*/…`, which would halve the size, also matches `topic/evil/…` and is not used.

Source: docs/design.md, "Tokens, grants, session policy"; STS AssumeRole, parameter Policy.
"""

from __future__ import annotations

import json

from wire.address import AddressPattern
from wire.errors import PolicyTooLarge
from wire.grant import Grant
from wire.limits import MAX_SESSION_POLICY_CHARS


def compile_session_policy(grant: Grant, *, partition: str = "aws") -> str:
    """Return the session policy for a grant: compact JSON, at most 2,048 characters.

    Args:
        grant: What the client may do.
        partition: The AWS partition, e.g. ``aws`` or ``aws-cn``.

    Raises:
        PolicyTooLarge: The grant does not fit; nothing is left out to make it fit.
    """
    arn = f"arn:{partition}:iot:*:*:"
    received = [_resource(pattern, grant.namespace) for pattern in grant.receive]
    statements: list[dict[str, object]] = [
        {
            "Effect": "Allow",
            "Action": ["iot:Connect", "iot:Receive", "iot:Subscribe"],
            "Resource": [
                f"{arn}client/{grant.client_id}",
                *(f"{arn}topic/{name}" for name in received),
                *(f"{arn}topicfilter/{name}" for name in received),
            ],
        }
    ]
    if grant.publish:
        published = [_resource(pattern, grant.namespace) for pattern in grant.publish]
        statements.append(
            {
                "Effect": "Allow",
                "Action": "iot:Publish",
                "Resource": [f"{arn}topic/{name}" for name in published],
            }
        )
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    if len(policy) > MAX_SESSION_POLICY_CHARS:
        raise PolicyTooLarge(size=len(policy), limit=MAX_SESSION_POLICY_CHARS)
    return policy


def _resource(pattern: AddressPattern, namespace: str) -> str:
    return pattern.topic_prefix(namespace) + ("*" if pattern.subtree else "")
