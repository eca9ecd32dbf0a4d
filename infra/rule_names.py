"""Names of topic rules: fixed, because the rules engine takes no hyphens, and still one stack's own.

Owns the mapping from a namespace to the start of its rules' names. It is injective, and a namespace
is claimed by one stack per region (docs/decisions/0006-namespaces-in-one-account.md), so two stacks
never ask for one name. Pulumi's own unique names would hold a hyphen, which IoT refuses.

Source: AWS IoT API reference, CreateTopicRule: `^[a-zA-Z0-9_]+$`, 1 to 128 characters.
"""

from __future__ import annotations

from typing import Final

_ESCAPED: Final = {"_": "_u", "-": "_d"}


def rule_prefix(namespace: str) -> str:
    """Return how every rule name of a namespace starts, and no rule name of another does."""
    return "".join(_ESCAPED.get(letter, letter) for letter in namespace) + "_r_"


def rule_name(namespace: str, purpose: str) -> str:
    """Return the name of one rule.

    Args:
        namespace: The stack's namespace.
        purpose: What it does, letters, digits and `_` only; unique in the stack.
    """
    return rule_prefix(namespace) + purpose
