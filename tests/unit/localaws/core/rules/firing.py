"""Messages and rules for the tests of the rules engine's decisions.

Owns short verbs: `fired` runs a rule on a message. Does not assert anything.
"""

from __future__ import annotations

import json
from typing import Any

from localaws.core.message import Message
from localaws.core.rules.rule import Rule, read_rule
from localaws.core.rules.scope import Firing

ROLE = "arn:aws:iam::123456789012:role/rules"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


def firing(payload: object, *, topic: str = "a/b/c", **message: Any) -> Firing:
    """Return a firing for a message; anything but bytes is sent as JSON."""
    written = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Firing(
        message=Message(topic=topic, payload=written, **message),
        now=1_700_000_000.5,
        account="123456789012",
        trace_id="trace",
    )


def rule(sql: str, *, version: str = "2016-03-23", **payload: object) -> Rule:
    """Return a rule with one Lambda action, unless other actions are given."""
    actions = [{"lambda": {"functionArn": FUNCTION}}]
    return read_rule("r", {"sql": sql, "awsIotSqlVersion": version, "actions": actions, **payload})


def selected(sql: str, payload: object, **message: Any) -> bytes | None:
    """Return what a statement selects for a message: bytes, or None where WHERE is not true."""
    from localaws.core.rules.scope import Scope

    return rule(sql).statement.select(Scope.of(firing(payload, **message)))


def value(expression: str, payload: object = None, **message: Any) -> Any:
    """Return an expression's value as JSON; the text "undefined" where it is Undefined."""
    written = selected(f"SELECT {expression} AS x FROM '#'", payload, **message)  # noqa: S608 (rules)
    assert written is not None
    return json.loads(written).get("x", "undefined")
