"""The grammar of the rules SQL, as far as localaws goes.

Owns the text of the grammar and the wording of what breaks it. Does not give it a meaning
(`localaws.core.rules.statement` does).

The subset: `SELECT *`, fields, nested paths, aliases, `SELECT VALUE`; one `FROM` topic filter;
`WHERE`; AND, OR, NOT, comparisons, arithmetic; literals of texts, numbers, truth values, Null,
arrays and objects; the functions of `localaws.core.rules.functions`. Outside it, and refused by
name: SET, CASE, nested SELECT, IN, EXISTS, and all other functions.

Source: IoT developer guide, "AWS IoT SQL reference".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from lark import Lark, Token, Tree
from lark.exceptions import LarkError, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from localaws.core.rules.errors import SqlRefused

GRAMMAR: Final = r"""
statement: SELECT selection [FROM STRING] [WHERE expression]

selection: VALUE expression         -> bare
         | item ("," item)*         -> items
item: STAR                          -> everything
    | expression [AS NAME]          -> named

?expression: conjunction
           | expression OR conjunction      -> either
?conjunction: negation
            | conjunction AND negation      -> both
?negation: comparison
         | NOT negation                     -> negated
?comparison: sum
           | sum COMPARED sum               -> compared
?sum: product
    | sum (PLUS | MINUS) product            -> computed
?product: sign
        | product (STAR | SLASH | PERCENT) sign  -> computed
?sign: path
     | MINUS sign                           -> minus
?path: atom
     | path "." NAME                        -> member

?atom: "(" expression ")"
     | STRING                               -> text
     | NUMBER                               -> number
     | TRUE                                 -> true
     | FALSE                                -> false
     | NULL                                 -> null
     | NAME                                 -> field
     | NAME "(" [argument ("," argument)*] ")"   -> call
     | "[" [expression ("," expression)*] "]"    -> array
     | "{" [pair ("," pair)*] "}"                -> object
?argument: STAR                             -> payload
         | expression
pair: (STRING | NAME) ":" expression

SELECT.3: /SELECT\b/i
FROM.3: /FROM\b/i
WHERE.3: /WHERE\b/i
AS.3: /AS\b/i
AND.3: /AND\b/i
OR.3: /OR\b/i
NOT.3: /NOT\b/i
TRUE.3: /TRUE\b/i
FALSE.3: /FALSE\b/i
NULL.3: /NULL\b/i
// `value` is a common name for a field: before a comma, a dot or the next clause it is one.
VALUE.3: /VALUE\b(?!\s*(,|\.|FROM\b|AS\b))/i
COMPARED: "<>" | ">=" | "<=" | "=" | ">" | "<"
PLUS: "+"
MINUS: "-"
STAR: "*"
SLASH: "/"
PERCENT: "%"
NAME: /(?!(SELECT|FROM|WHERE|AS|AND|OR|NOT|TRUE|FALSE|NULL|CASE|WHEN|IN|EXISTS|SET)\b)[A-Za-z_][A-Za-z0-9_]*/i
STRING: /'([^']|'')*'/ | /"([^"]|"")*"/
NUMBER: /[0-9]{1,34}(\.[0-9]{1,34})?([eE][-+]?[0-9]{1,3})?/

%import common.WS
%ignore WS
"""

_NAMED: Final = frozenset(
    {"CASE", "WHEN", "SET", "IN", "EXISTS", "LIKE", "GROUP", "ORDER", "LIMIT"}
)
"""Words of AWS's SQL, or of others' expectations of it, that are told by name."""

MAX_DEPTH: Final = 200
"""Deepest nesting of an expression; our own, so that no rule can exhaust the interpreter's stack."""

Start = Literal["statement", "expression"]


def parse(written: str, start: Start) -> Tree[Token]:
    """Return the tree of a whole statement, or of one expression.

    Raises:
        SqlRefused: It breaks the grammar, or uses what is not supported, which is then named.
    """
    try:
        tree = _parser().parse(written, start=start)
    except UnexpectedInput as problem:
        raise SqlRefused(_wording(written, problem)) from None
    except LarkError as problem:  # nothing else is known to happen
        raise SqlRefused(f"the SQL cannot be read: {problem}") from None
    if _too_deep(tree):
        raise SqlRefused(f"the SQL is nested more than {MAX_DEPTH} deep")
    return tree


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", start=["statement", "expression"], maybe_placeholders=True)


def _wording(written: str, problem: UnexpectedInput) -> str:
    if isinstance(problem, UnexpectedEOF) or (
        isinstance(problem, UnexpectedToken) and problem.token.type == "$END"
    ):
        return "the SQL ends too early"
    at = problem.pos_in_stream or 0
    # What Python splits at and SQL does not know as a blank, U+001F say, may stand alone.
    word = (written[at:].split(maxsplit=1) or [written[at:]])[0][:40]
    before = written[:at].split()
    name = word.strip("(),").upper()
    if name in _NAMED:
        return f"localaws does not support {name} in rules (at character {at + 1})"
    if name == "SELECT" and before:
        return f"localaws does not support nested SELECT (at character {at + 1})"
    if word.startswith(("--", "/*")):
        return f"the SQL of rules has no comments (at character {at + 1})"
    return f"unexpected {word!r} at character {at + 1}"


def _too_deep(tree: Tree[Token]) -> bool:
    left: list[tuple[Tree[Token], int]] = [(tree, 1)]
    while left:
        node, depth = left.pop()
        if depth > MAX_DEPTH:
            return True
        left += [(child, depth + 1) for child in node.children if isinstance(child, Tree)]
    return False
