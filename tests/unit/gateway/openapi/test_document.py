"""The OpenAPI document is whole: every reference leads somewhere, every operation is described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from gateway import problems
from gateway.openapi import openapi
from gateway.openapi.answers import PROBLEMS

DOCUMENT = openapi(namespace="shop", max_addresses=100, max_events=1_000)
OPERATIONS = [
    (method, path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of the document."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from nodes(child)


def schema_of(name: str) -> Any:
    """Return a validator of one schema."""
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    )


def test_is_json() -> None:
    """As it is served."""
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT


def test_every_reference_leads_to_a_schema() -> None:
    """And every schema is used."""
    used = {node["$ref"].rpartition("/")[2] for node in nodes(DOCUMENT) if "$ref" in node}
    assert used == set(DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_one(name: str) -> None:
    """By JSON Schema 2020-12's own schema."""
    jsonschema_rs.meta.validate(DOCUMENT["components"]["schemas"][name])


def test_operations_have_names_of_their_own() -> None:
    """And a summary and tags that exist."""
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for _, _, operation in OPERATIONS:
        assert operation["summary"]
        assert set(operation["tags"]) <= tags


def test_path_parameters_are_described() -> None:
    """Every name in a path, and no other."""
    for _, path, operation in OPERATIONS:
        described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert described == set(re.findall(r"\{(\w+)\}", path))


def test_everything_but_the_platform_needs_a_key() -> None:
    """And says so with a 401."""
    for _, _, operation in OPERATIONS:
        is_open = operation.get("security") == [{}]
        assert is_open == (operation["tags"] == ["Platform"])
        assert is_open == ("401" not in operation["responses"])


def test_every_code_of_a_refusal_is_told_with_its_status() -> None:
    """A new one cannot be forgotten."""
    for row in problems._ROWS.values():
        assert f"`{row.code}`" in PROBLEMS[row.status], row.code


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("everyone", True),
        ("user:a@b.example", True),
        ("group:a/b/c/d", True),
        ("group:a/b/c/d/e", False),
        ("group:a//b", False),
        ("client:shop.42.tab", True),
        ("client:other.42.tab", False),
        ("user:", False),
        ("user:a b", False),
        ("user:42\n", False),
        ("nobody", False),
    ],
)
def test_addresses_are_described_as_they_are(address: str, valid: bool) -> None:  # noqa: FBT001
    """The patterns say what `wire.address` does."""
    assert schema_of("Address").is_valid(address) == valid


@pytest.mark.parametrize("media", ["application/json", "application/cloudevents+json"])
def test_examples_are_good(media: str) -> None:
    """They can be pasted."""
    content = DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["content"][media]
    validator = jsonschema_rs.Draft202012Validator(
        content["schema"] | {"components": DOCUMENT["components"]}
    )
    for example in content["examples"].values():
        validator.validate(example["value"])
