"""Schemas for readers: one line for a type, one table for an object.

Owns how a JSON Schema is told in words. Does not: own the schemas (`gateway/openapi/schemas.py`).
Source: JSON Schema 2020-12.
"""

from __future__ import annotations

from typing import Any

from gateway.docs_page.markup import Markup, joined, paragraphs, prose, tag
from gateway.openapi.schemas import Json


def shape(schema: Json) -> Markup:
    """Return a schema in one line, with links to those that have a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return tag("a", name, href=f"#schema-{name}")
    for choice in ("oneOf", "anyOf"):
        if choice in schema and "properties" not in schema:
            return _joined(" or ", [shape(one) for one in schema[choice]])
    if "const" in schema:
        return tag("code", _json(schema["const"]))
    if "enum" in schema:
        return _joined(" | ", [tag("code", _json(one)) for one in schema["enum"]])
    if schema.get("type") == "array":
        return joined("array of ", shape(schema.get("items", {})), _range(schema, "Items", ""))
    if "pattern" in schema and "type" not in schema:
        return tag("code", schema["pattern"])
    kind = schema.get("type", "any JSON value")
    text = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if "format" in schema:
        text += f" ({schema['format']})"
    return joined(text, _numbers(schema), _range(schema, "Length", " characters"))


def definition(name: str, schema: Json) -> Markup:
    """Return a named schema as a section."""
    inner = [tag("h3", name), paragraphs(schema.get("description", ""))]
    if "properties" in schema:
        inner.append(_properties(schema))
    else:
        inner.append(tag("p", shape(schema)))
    return tag("section", *inner, class_="shape", id=f"schema-{name}")


def _properties(schema: Json) -> Markup:
    required = schema.get("required", ())
    rows = [
        tag(
            "tr",
            tag("td", tag("code", name), _needed(name in required)),
            tag("td", shape(member)),
            tag("td", prose(member.get("description", "")), _default(member)),
        )
        for name, member in schema["properties"].items()
    ]
    return table("Field", "Type", "Meaning", rows=rows)


def table(*heads: str, rows: list[Markup]) -> Markup:
    """Return a table that scrolls by itself on narrow screens."""
    head = tag("thead", tag("tr", *(tag("th", text, scope="col") for text in heads)))
    return tag("div", tag("table", head, tag("tbody", *rows)), class_="scroll", tabindex="0")


def _needed(required: bool) -> Markup:  # noqa: FBT001
    return joined(" ", tag("span", "required", class_="required")) if required else Markup()


def _default(member: Json) -> Markup:
    if "default" not in member:
        return Markup()
    return joined(" Default: ", tag("code", _json(member["default"])), ".")


def _numbers(schema: Json) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None and most is None:
        return ""
    if most is None:
        return f", {least} or more"
    return f", {least} to {most}"


def _range(schema: Json, of: str, unit: str) -> str:
    most = schema.get(f"max{of}")
    return "" if most is None else f", at most {most}{unit}"


def _joined(separator: str, parts: list[Markup]) -> Markup:
    found: list[str] = []
    for part in parts:
        found += [separator, part] if found else [part]
    return joined(*found)


def _json(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
