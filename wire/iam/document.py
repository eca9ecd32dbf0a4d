"""IAM policy documents, read strictly.

Owns the grammar: Version, Statement, Sid, Effect, Principal, Action, NotAction, Resource,
NotResource, Condition. Unknown elements are refused. Does not own evaluation (`wire.iam.evaluate`).

Source: IAM user guide, "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from wire.errors import InvalidPolicy
from wire.iam.condition import Condition
from wire.iam.pattern import Pattern

_VERSIONS: Final = ("2012-10-17", "2008-10-17")
_ELEMENTS: Final = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a policy.

    Attributes:
        name: Its Sid, or its place such as ``Statement[0]``; used to explain decisions.
        allows: True for Allow, False for Deny.
        actions: Lower-cased patterns; IAM compares actions without regard to case.
        actions_inverted: Whether they came from NotAction.
        resources: Patterns; empty in a trust policy.
        resources_inverted: Whether they came from NotResource.
        principals: Who a trust policy names: ARNs, account ids, service names or ``*``.
        conditions: All must hold.
    """

    name: str
    allows: bool
    actions: tuple[Pattern, ...]
    actions_inverted: bool = False
    resources: tuple[Pattern, ...] = ()
    resources_inverted: bool = False
    principals: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A policy document.

    Attributes:
        version: ``2012-10-17``, or ``2008-10-17`` where none is written.
        statements: In the order written.
    """

    version: str
    statements: tuple[Statement, ...]


def parse_document(source: str | Mapping[str, object]) -> Document:
    """Read a policy document.

    Args:
        source: The JSON text, or the object it stands for.

    Raises:
        InvalidPolicy: It is not JSON, breaks the grammar, or uses what we do not honour.
    """
    root: object = source
    if isinstance(source, str):
        try:
            root = json.loads(source)
        except (ValueError, RecursionError):
            raise InvalidPolicy("document", "it is not JSON") from None
    if not isinstance(root, Mapping):
        raise InvalidPolicy("document", "it must be an object")
    _refuse_unknown(root, {"Version", "Id", "Statement"}, "document")
    version = root.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise InvalidPolicy("Version", f"must be one of {', '.join(_VERSIONS)}")
    written = root.get("Statement")
    statements = written if isinstance(written, list) else [written]
    if not statements:
        raise InvalidPolicy("Statement", "must not be empty")
    return Document(
        version=str(version),
        statements=tuple(
            _statement(item, f"Statement[{position}]") for position, item in enumerate(statements)
        ),
    )


def _statement(item: object, where: str) -> Statement:
    if not isinstance(item, Mapping):
        raise InvalidPolicy(where, "must be an object")
    _refuse_unknown(item, _ELEMENTS, where)
    if item.get("Effect") not in ("Allow", "Deny"):
        raise InvalidPolicy(f"{where}.Effect", "must be Allow or Deny")
    actions, actions_inverted = _one_of(item, "Action", "NotAction", where, required=True)
    for action in actions:
        if action != "*" and ":" not in action:
            raise InvalidPolicy(f"{where}.Action", "an action is <service>:<name> or *")
    resources, resources_inverted = _one_of(item, "Resource", "NotResource", where, required=False)
    for resource in resources:
        if resource != "*" and resource.count(":") < 5:
            raise InvalidPolicy(f"{where}.Resource", "a resource is an ARN or *")
    principals = _principals(item.get("Principal"), where)
    if not resources and not principals:
        raise InvalidPolicy(where, "needs Resource, or in a trust policy Principal")
    return Statement(
        name=str(item.get("Sid") or where),
        allows=item["Effect"] == "Allow",
        actions=tuple(Pattern.parse(action.lower()) for action in actions),
        actions_inverted=actions_inverted,
        resources=tuple(Pattern.parse(resource) for resource in resources),
        resources_inverted=resources_inverted,
        principals=principals,
        conditions=_conditions(item.get("Condition"), f"{where}.Condition"),
    )


def _conditions(written: object, where: str) -> tuple[Condition, ...]:
    if written is None:
        return ()
    if not isinstance(written, Mapping):
        raise InvalidPolicy(where, "must be an object")
    conditions: list[Condition] = []
    for operator, keys in written.items():
        if not isinstance(keys, Mapping):
            raise InvalidPolicy(f"{where}.{operator}", "must be an object of keys")
        conditions += (
            Condition.parse(
                str(operator), str(key), _texts(values, f"{where}.{operator}.{key}"), where
            )
            for key, values in keys.items()
        )
    return tuple(conditions)


def _principals(written: object, where: str) -> tuple[str, ...]:
    if written is None:
        return ()
    if written == "*":
        return ("*",)
    if not isinstance(written, Mapping):
        raise InvalidPolicy(f"{where}.Principal", "must be * or an object")
    _refuse_unknown(written, {"AWS", "Service", "Federated"}, f"{where}.Principal")
    return tuple(
        name
        for kind, names in written.items()
        for name in _texts(names, f"{where}.Principal.{kind}")
    )


def _one_of(
    item: Mapping[str, object], name: str, inverted: str, where: str, *, required: bool
) -> tuple[tuple[str, ...], bool]:
    if name in item and inverted in item:
        raise InvalidPolicy(where, f"has both {name} and {inverted}")
    found = name if name in item else inverted if inverted in item else None
    if found is None:
        if required:
            raise InvalidPolicy(where, f"needs {name}")
        return (), False
    texts = _texts(item[found], f"{where}.{found}")
    if not texts:
        raise InvalidPolicy(f"{where}.{found}", "must not be empty")
    return texts, found == inverted


def _texts(value: object, where: str) -> tuple[str, ...]:
    items: Sequence[object] = value if isinstance(value, list) else [value]
    texts: list[str] = []
    for entry in items:
        if isinstance(entry, bool):
            texts.append("true" if entry else "false")
        elif isinstance(entry, str | int | float):
            texts.append(str(entry))
        else:
            raise InvalidPolicy(where, "must be a text or a list of texts")
    return tuple(texts)


def _refuse_unknown(
    item: Mapping[str, object], known: set[str] | frozenset[str], where: str
) -> None:
    for name in item:
        if name not in known:
            raise InvalidPolicy(where, f"element {name} is not supported")
