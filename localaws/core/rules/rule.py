"""A topic rule: read from what CreateTopicRule was given, and asked what it does for a message.

Owns the rule as a whole: SQL, actions, error action, and the error document. Does not keep rules
and does not carry out actions.

Source: the `iot` service model, TopicRulePayload; aws-iot-facts 6.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from localaws.core.rules.action import Action, Effect, read_action
from localaws.core.rules.errors import ActionRefused, RuleRefused, SqlRefused
from localaws.core.rules.scope import BASIC_INGEST, Firing, Scope
from localaws.core.rules.statement import DEFAULT_VERSION, VERSIONS, Statement, compile_statement
from wire.topic import matches

MAX_ACTIONS: Final = 10
"""Most actions of one rule. Source: aws-iot-facts 6.3."""

MAX_NAME_CHARS: Final = 128
"""Longest name. Source: the `iot` service model, RuleName."""

_NAME: Final = re.compile(r"[a-zA-Z0-9_]+", re.ASCII)
_MEMBERS: Final = frozenset(
    {"sql", "description", "actions", "ruleDisabled", "awsIotSqlVersion", "errorAction"}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One action that failed.

    Attributes:
        action: Its name, e.g. ``SnsAction``.
        resource: What it acted on.
        problem: A sentence for people, without payloads or secrets.
    """

    action: str
    resource: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, compiled.

    Attributes:
        enabled: A disabled rule does nothing.
        error_action: What to do once, with a description, when actions failed; None for nothing.
    """

    name: str
    statement: Statement
    actions: tuple[Action, ...]
    error_action: Action | None = None
    enabled: bool = True

    def wants(self, topic: str) -> bool:
        """Tell whether messages on a topic call this rule, by FROM or by Basic Ingest."""
        if not self.enabled:
            return False
        if topic.startswith(BASIC_INGEST):
            return topic.removeprefix(BASIC_INGEST).partition("/")[0] == self.name
        topic_filter = self.statement.topic_filter
        return topic_filter is not None and matches(topic_filter, topic)

    def outcome(self, firing: Firing) -> Outcome:
        """Return what the rule does for a message.

        Raises:
            RuleRefused: The SQL cannot work on this message.
        """
        scope = Scope.of(firing)
        selected = self.statement.select(scope)
        if selected is None:
            return Outcome((), ())
        effects: list[tuple[Action, Effect]] = []
        failures: list[Failure] = []
        for action in self.actions:
            try:
                effects.append((action, action.effect(selected, scope)))
            except RuleRefused as problem:
                failures.append(Failure(action.name, action.resource, str(problem)))
        return Outcome(tuple(effects), tuple(failures))

    def error_effect(self, firing: Firing, failures: Sequence[Failure]) -> Effect | None:
        """Return what to do about failed actions: one message for all of them, or nothing.

        Raises:
            RuleRefused: The error action itself cannot be filled in.
        """
        if self.error_action is None or not failures:
            return None
        message = firing.message
        document = {
            "ruleName": self.name,
            "topic": message.topic,
            "cloudwatchTraceId": firing.trace_id,
            "clientId": message.publisher or "n/a",
            "base64OriginalPayload": base64.b64encode(message.payload).decode(),
            "failures": [
                {
                    "failedAction": one.action,
                    "failedResource": one.resource,
                    "errorMessage": one.problem,
                }
                for one in failures
            ],
        }
        written = json.dumps(document, ensure_ascii=False).encode()
        return self.error_action.effect(written, Scope.of(firing))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule does for one message: nothing, if both are empty.

    Attributes:
        effects: Each action and what it is to do.
        failures: Actions that failed before they could be tried.
    """

    effects: tuple[tuple[Action, Effect], ...]
    failures: tuple[Failure, ...]


def read_rule(name: str, payload: object) -> Rule:
    """Return a rule.

    Args:
        name: ruleName.
        payload: The TopicRulePayload as JSON has it.

    Raises:
        SqlRefused: The SQL, or an expression in a template, is not understood.
        ActionRefused: Anything else is malformed, or outside the subset.
    """
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARS:
        raise ActionRefused(f"ruleName must match ^[a-zA-Z0-9_]+$ ({MAX_NAME_CHARS} at most)")
    if not isinstance(payload, Mapping):
        raise ActionRefused("the rule must be an object")
    for member in payload:
        if member not in _MEMBERS:
            raise ActionRefused(f"localaws does not support {member} in rules")
    sql = payload.get("sql")
    if not isinstance(sql, str) or not sql.strip():
        raise SqlRefused("the rule has no SQL")
    version = payload.get("awsIotSqlVersion") or DEFAULT_VERSION
    if version not in VERSIONS:
        raise SqlRefused(f"localaws supports SQL versions {', '.join(VERSIONS)} only")
    error_action = payload.get("errorAction") or None
    return Rule(
        name=name,
        statement=compile_statement(sql, version=version),
        actions=_actions(payload.get("actions"), version),
        error_action=error_action
        and read_action(error_action, where="errorAction", version=version),
        enabled=not payload.get("ruleDisabled"),
    )


def _actions(written: object, version: str) -> tuple[Action, ...]:
    if not isinstance(written, list):
        raise ActionRefused("actions must be a list")
    if len(written) > MAX_ACTIONS:
        raise ActionRefused(f"a rule has at most {MAX_ACTIONS} actions")
    return tuple(
        read_action(one, where=f"actions[{place}]", version=version)
        for place, one in enumerate(written)
    )
