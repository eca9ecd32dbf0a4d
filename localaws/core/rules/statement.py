"""A rule's SQL, compiled: which topics it looks at, under which condition, and what it selects.

Owns turning a syntax tree into expressions, and selecting. Does not parse
(`localaws.core.rules.grammar`) and does not know actions.

Source: IoT developer guide, "SELECT clause", "FROM clause", "WHERE clause"; aws-iot-facts 6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import DecimalException
from typing import TYPE_CHECKING, Final, TypeAlias

from lark import Token, Tree

from localaws.core.rules.errors import SqlRefused
from localaws.core.rules.expression import (
    ArrayOf,
    Comparison,
    Computation,
    Expression,
    Field,
    Literal,
    Logical,
    Member,
    Negative,
    Not,
    ObjectOf,
    Payload,
)
from localaws.core.rules.functions import VERSION_2015, VERSION_2016, call
from localaws.core.rules.grammar import parse
from localaws.core.rules.value import ARITHMETIC, Value, whole, write_json
from wire.errors import InvalidTopic
from wire.topic import check_topic_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localaws.core.rules.scope import Scope

VERSIONS: Final = (VERSION_2015, VERSION_2016)
"""SQL versions that are understood; `beta` is not."""

DEFAULT_VERSION: Final = VERSION_2015
"""What a rule without a version gets. Source: IoT developer guide, "SQL versions"."""

_Node: TypeAlias = "Tree[Token] | Token | None"


@dataclass(frozen=True, slots=True)
class Named:
    """One selected value and the member it becomes."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A compiled statement.

    Attributes:
        topic_filter: None for a rule that only Basic Ingest calls.
        where: None for every message.
        selected: What `SELECT` lists; None in it stands for `*`.
        bare: The one expression of `SELECT VALUE`, else None.
    """

    topic_filter: str | None
    where: Expression | None
    selected: tuple[Named | None, ...] = ()
    bare: Expression | None = None

    def select(self, scope: Scope) -> bytes | None:
        """Return what the actions get for a message; None where the condition is not true.

        Raises:
            NotSelectable: `*` stands beside other items and the payload is no JSON object.
        """
        if self.where is not None and self.where.value(scope) is not True:
            return None
        if self.selected == (None,):
            return scope.firing.message.payload
        return write_json(self._selected(scope)).encode()

    def _selected(self, scope: Scope) -> Value:
        if self.bare is not None:
            return self.bare.value(scope)
        found: dict[str, Value] = {}
        for item in self.selected:
            if item is not None:
                found[item.name] = item.expression.value(scope)
            elif isinstance(scope.document, dict):
                found.update(scope.document)
            else:
                raise NotSelectable
        return found


class NotSelectable(SqlRefused):
    """`*` beside other items needs a JSON object; the message is not one."""

    def __init__(self) -> None:
        super().__init__("SELECT *, … needs a payload that is a JSON object")


def compile_statement(sql: str, *, version: str = DEFAULT_VERSION) -> Statement:
    """Return a rule's SQL, compiled.

    Raises:
        SqlRefused: It breaks the grammar or is outside the subset; the text names what.
    """
    tree = parse(sql, "statement")
    _, selection, _, written_from, _, where = tree.children
    build = _Builder(version)
    if not isinstance(selection, Tree):
        raise SqlRefused("SELECT selects nothing")
    bare: Expression | None = None
    selected: tuple[Named | None, ...] = ()
    if selection.data == "bare":
        bare = build.expression(selection.children[-1])
    else:
        selected = tuple(build.item(one) for one in selection.children)
    return Statement(
        topic_filter=_filter(written_from) if isinstance(written_from, Token) else None,
        where=None if where is None else build.expression(where),
        selected=selected,
        bare=bare,
    )


def compile_expression(written: str, *, version: str = DEFAULT_VERSION) -> Expression:
    """Return one expression, as it stands in a substitution template.

    Raises:
        SqlRefused: It breaks the grammar or is outside the subset.
    """
    return _Builder(version).expression(parse(written, "expression"))


class _Builder:
    """Makes expressions out of nodes, for one SQL version."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._makers: Mapping[str, Callable[[list[_Node]], Expression]] = {
            "either": lambda nodes: self._logical(nodes, is_and=False),
            "both": lambda nodes: self._logical(nodes, is_and=True),
            "negated": lambda nodes: Not(self.expression(nodes[-1])),
            "compared": lambda nodes: Comparison(
                str(nodes[1]), self.expression(nodes[0]), self.expression(nodes[2])
            ),
            "computed": lambda nodes: Computation(
                str(nodes[1]), self.expression(nodes[0]), self.expression(nodes[2])
            ),
            "minus": lambda nodes: Negative(self.expression(nodes[-1])),
            "member": lambda nodes: Member(self.expression(nodes[0]), str(nodes[1])),
            "text": lambda nodes: Literal(_unquoted(nodes[0])),
            "number": lambda nodes: Literal(_number(str(nodes[0]))),
            "true": lambda _: Literal(written=True),
            "false": lambda _: Literal(written=False),
            "null": lambda _: Literal(None),
            "field": lambda nodes: Field(str(nodes[0])),
            "payload": lambda _: Payload(),
            "call": lambda nodes: call(
                str(nodes[0]), self._listed(nodes[1:]), version=self._version
            ),
            "array": self._array,
            "object": self._object,
        }

    def expression(self, node: _Node) -> Expression:
        """Return a node as an expression."""
        if not isinstance(node, Tree):
            raise SqlRefused("an expression is missing")
        return self._makers[str(node.data)](list(node.children))

    def item(self, node: _Node) -> Named | None:
        """Return one item of SELECT; None for `*`."""
        if not isinstance(node, Tree) or node.data == "everything":
            return None
        expression, alias = self.expression(node.children[0]), node.children[-1]
        if isinstance(alias, Token):
            return Named(str(alias), expression)
        if isinstance(expression, Field | Member):
            return Named(expression.name, expression)
        raise SqlRefused("localaws needs AS and a name for what is selected and is not a field")

    def _logical(self, nodes: list[_Node], *, is_and: bool) -> Expression:
        return Logical(is_and, self.expression(nodes[0]), self.expression(nodes[-1]))

    def _listed(self, nodes: list[_Node]) -> list[Expression]:
        return [self.expression(node) for node in nodes if node is not None]

    def _array(self, nodes: list[_Node]) -> Expression:
        self._needs_2016("an array literal")
        return ArrayOf(tuple(self._listed(nodes)))

    def _object(self, nodes: list[_Node]) -> Expression:
        self._needs_2016("an object literal")
        pairs = [node.children for node in nodes if isinstance(node, Tree)]
        return ObjectOf(
            tuple((_name(key), self.expression(expression)) for key, expression in pairs)
        )

    def _needs_2016(self, what: str) -> None:
        if self._version < VERSION_2016:
            raise SqlRefused(f"{what} needs SQL version {VERSION_2016}")


def _filter(written: Token) -> str:
    try:
        return check_topic_filter(_unquoted(written))
    except InvalidTopic as problem:
        raise SqlRefused(f"FROM is no topic filter: {problem.problem}") from None


def _name(key: _Node) -> str:
    return _unquoted(key) if isinstance(key, Token) and key.type == "STRING" else str(key)


def _unquoted(node: _Node) -> str:
    written = str(node)
    return written[1:-1].replace(written[0] * 2, written[0])


def _number(written: str) -> Value:
    try:
        return whole(ARITHMETIC.create_decimal(written))
    except DecimalException:
        raise SqlRefused(f"the number {written} is too large or too small") from None
