"""Expressions of DynamoDB, as far as the shared outbox uses them.

Owns evaluating conditions and applying updates to an item given as attribute values.
Does not: know names that must be replaced, nested paths, or functions nobody here uses.
Source: DynamoDB developer guide, "Condition and filter expressions" and "Update expressions".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

Item = dict[str, Any]
Values = Mapping[str, Any]
Test = Callable[[Item, Values], bool]

_TOKEN = re.compile(r"\s*(<=|>=|<>|[()=<>]|:?[A-Za-z_][A-Za-z0-9_]*)")
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD) ")


def holds(expression: str | None, item: Item | None, values: Values) -> bool:
    """Tell whether a condition holds for an item; None is one that does not exist."""
    return expression is None or _compiled(expression)(item or {}, values)


def updated(expression: str, item: Item, values: Values) -> Item:
    """Return what an update makes of an item."""
    found = dict(item)
    parts = _CLAUSE.split(expression)[1:]
    for verb, said in zip(parts[::2], parts[1::2], strict=True):
        for one in said.split(","):
            if verb == "SET":
                name, value = one.split("=")
                found[name.strip()] = values[value.strip()]
            elif verb == "ADD":
                name, value = one.split()
                before = Decimal(found.get(name, {"N": "0"})["N"])
                found[name] = {"N": str(before + Decimal(values[value]["N"]))}
            else:
                found.pop(one.strip(), None)
    return found


@lru_cache
def _compiled(expression: str) -> Test:
    tokens = _TOKEN.findall(expression)
    if "".join(tokens) != re.sub(r"\s", "", expression):
        raise ValueError(f"cannot be read: {expression}")
    test = _either(tokens)
    if tokens:
        raise ValueError(f"goes on after its end: {expression}")
    return test


def _either(tokens: list[str]) -> Test:
    tests = [_both(tokens)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        tests.append(_both(tokens))
    return lambda item, values: any(test(item, values) for test in tests)


def _both(tokens: list[str]) -> Test:
    tests = [_one(tokens)]
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        tests.append(_one(tokens))
    return lambda item, values: all(test(item, values) for test in tests)


def _one(tokens: list[str]) -> Test:
    word = tokens.pop(0)
    if word == "(":
        inner = _either(tokens)
        assert tokens.pop(0) == ")"
        return inner
    if word in ("attribute_exists", "attribute_not_exists"):
        _, name, _ = tokens.pop(0), tokens.pop(0), tokens.pop(0)
        wanted = word == "attribute_exists"
        return lambda item, _: (name in item) is wanted
    return _comparison(word, tokens.pop(0), tokens.pop(0))


def _comparison(name: str, sign: str, value: str) -> Test:
    def test(item: Item, values: Values) -> bool:
        if name not in item:
            return False
        left, right = plain(item[name]), plain(values[value])
        if type(left) is not type(right):
            return False
        if sign == "=":
            return bool(left == right)
        return bool(left < right if sign == "<" else left > right)

    if sign not in ("=", "<", ">"):
        raise ValueError(f"nobody here compares with {sign}")
    return test


def plain(value: Mapping[str, Any]) -> Any:
    """Return an attribute value as Python's."""
    ((kind, said),) = value.items()
    return Decimal(said) if kind == "N" else said
