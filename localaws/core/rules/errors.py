"""Why a rule is not taken.

    PeerMisbehaved
    └── RuleRefused
        ├── SqlRefused     the SQL, or an expression in a template: AWS's SqlParseException
        └── ActionRefused  anything else in the rule: AWS's InvalidRequestException

Source: the `iot` service model, CreateTopicRule.
"""

from __future__ import annotations

from typing import ClassVar

from localaws.errors import PeerMisbehaved


class RuleRefused(PeerMisbehaved):
    """A rule that cannot be made; `problem` names what is wrong or not supported.

    Attributes:
        code: AWS's error code.
    """

    code: ClassVar[str] = "InvalidRequestException"

    def __str__(self) -> str:
        return self.problem


class SqlRefused(RuleRefused):
    """The SQL breaks the grammar, or uses what is outside the subset."""

    code: ClassVar[str] = "SqlParseException"


class ActionRefused(RuleRefused):
    """An action, or another part of the rule, is malformed or outside the subset."""
