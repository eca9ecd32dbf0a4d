"""The page: what can be called, with what, and what comes back.

Owns its order and its policy towards browsers. Does not: own shapes (`shapes.py`) or their look
(`style.css`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Final

from gateway.docs_page.markup import Markup, joined, paragraphs, prose, tag
from gateway.docs_page.shapes import definition, shape, table
from gateway.openapi.schemas import Json

_STYLE: Final = Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def content_security_policy() -> str:
    """Return the policy under which the page works: its own style, and nothing else at all."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def page(document: Json) -> str:
    """Return the whole page.

    Args:
        document: The OpenAPI document.
    """
    info = document["info"]
    head = tag(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", info["title"]),
        tag("style", Markup(_STYLE)),
    )
    body = tag("body", _nav(document), _main(document))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _main(document: Json) -> Markup:
    info = document["info"]
    named = document["components"]["schemas"]
    scheme = document["components"]["securitySchemes"]["bearer"]
    return tag(
        "main",
        tag(
            "header",
            tag("h1", info["title"], " ", tag("small", info["version"])),
            paragraphs(info["description"]),
            tag("p", "Authorization: Bearer … ", prose(scheme["description"])),
            tag(
                "p",
                tag("a", "openapi.json", href="/openapi.json"),
                " describes the same for machines.",
            ),
        ),
        *(_group(group, document) for group in document["tags"]),
        tag("h2", "Shapes", id="shapes"),
        *(definition(name, schema) for name, schema in named.items()),
    )


def _nav(document: Json) -> Markup:
    entries: list[str] = []
    for group in document["tags"]:
        links = [
            tag(
                "li",
                tag(
                    "a",
                    _badge(method),
                    " ",
                    operation["summary"],
                    href=f"#{operation['operationId']}",
                ),
            )
            for method, _, operation in _operations(document, group["name"])
        ]
        entries += [tag("h2", group["name"]), tag("ul", *links)]
    shapes = [
        tag("li", tag("a", name, href=f"#schema-{name}"))
        for name in document["components"]["schemas"]
    ]
    return tag(
        "nav", *entries, tag("h2", "Shapes"), tag("ul", *shapes), **{"aria-label": "Contents"}
    )


def _operations(document: Json, group: str) -> list[tuple[str, str, Json]]:
    return [
        (method, path, item[method])
        for path, item in document["paths"].items()
        for method in item
        if group in item[method]["tags"]
    ]


def _group(group: Json, document: Json) -> Markup:
    operations = [_operation(*found) for found in _operations(document, group["name"])]
    return joined(tag("h2", group["name"]), paragraphs(group["description"]), *operations)


def _operation(method: str, path: str, operation: Json) -> Markup:
    return tag(
        "section",
        tag("h3", _badge(method), " ", tag("code", path)),
        paragraphs(f"**{operation['summary']}.** {operation['description']}"),
        _parameters(operation.get("parameters", [])),
        _body(operation.get("requestBody")),
        _answers(operation["responses"]),
        id=operation["operationId"],
    )


def _parameters(parameters: list[Json]) -> Markup:
    if not parameters:
        return Markup()
    rows = [
        tag(
            "tr",
            tag("td", tag("code", one["name"]), " ", tag("small", one["in"])),
            tag("td", shape(one["schema"])),
            tag("td", prose(one.get("description", one["schema"].get("description", "")))),
        )
        for one in parameters
    ]
    return joined(tag("h4", "Parameters"), table("Name", "Type", "Meaning", rows=rows))


def _body(body: Json | None) -> Markup:
    if body is None:
        return Markup()
    found: list[str] = [tag("h4", "Body")]
    for media, content in body["content"].items():
        found.append(
            tag(
                "p",
                tag("code", media),
                " ",
                shape(content["schema"]),
                " ",
                prose(content["schema"].get("description", "")),
            )
        )
        for example in content.get("examples", {}).values():
            text = json.dumps(example["value"], indent=2, ensure_ascii=False)
            found.append(
                tag("details", tag("summary", example["summary"]), tag("pre", text, tabindex="0"))
            )
    return joined(*found)


def _answers(responses: Json) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", tag("code", status, class_=f"status s{status[0]}")),
            tag(
                "td", *(shape(content["schema"]) for content in answer.get("content", {}).values())
            ),
            tag("td", prose(answer["description"])),
        )
        for status, answer in responses.items()
    ]
    return joined(tag("h4", "Answers"), table("Status", "Body", "Meaning", rows=rows))


def _badge(method: str) -> Markup:
    return tag("span", method.upper(), class_=f"method {method}")
