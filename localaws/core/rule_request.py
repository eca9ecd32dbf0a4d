"""Requests to the `iot` API that are about topic rules.

Owns telling them apart, and the roles a rule hands to the rules engine. Does not read rules
(`localaws.core.rules`).

Source: the `iot` service model; IAM user guide, "Granting a user permissions to pass a role".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

SERVICE: Final = "iot"
"""Signing name of the control plane; the data plane has others."""

WRITTEN: Final = frozenset({"CreateTopicRule", "ReplaceTopicRule"})
"""Operations whose body is a rule."""

CHANGED: Final = WRITTEN | {"DeleteTopicRule", "EnableTopicRule", "DisableTopicRule"}
"""Operations after which the rules are others."""

_OF_ONE: Final[Mapping[str, str]] = {
    "POST": "CreateTopicRule",
    "PATCH": "ReplaceTopicRule",
    "DELETE": "DeleteTopicRule",
    "GET": "GetTopicRule",
}
_SWITCHES: Final[Mapping[str, str]] = {"enable": "EnableTopicRule", "disable": "DisableTopicRule"}


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """One request about rules.

    Attributes:
        operation: E.g. ``CreateTopicRule``.
        rule: The rule's name; None where it is about all of them.
    """

    operation: str
    rule: str | None = None


def rule_request(method: str, path: str) -> RuleRequest | None:
    """Name a request to the `iot` API by its method and raw path; None if it is about another thing."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] != "rules":
        return None
    if len(parts) == 1 and method == "GET":
        return RuleRequest("ListTopicRules")
    if len(parts) == 2 and method in _OF_ONE:
        return RuleRequest(_OF_ONE[method], parts[1])
    if len(parts) == 3 and method == "POST" and parts[2] in _SWITCHES:
        return RuleRequest(_SWITCHES[parts[2]], parts[1])
    return None


def passed_roles(rule: Mapping[str, object]) -> list[str]:
    """Return the roles that a rule's actions name: its maker needs iam:PassRole for each."""
    return sorted(set(_role_arns([rule.get("actions"), rule.get("errorAction")])))


def _role_arns(written: object) -> Iterator[str]:
    left = [written]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            for name, value in one.items():
                if name == "roleArn" and isinstance(value, str):
                    yield value
                else:
                    left.append(value)
