"""docs/api.md names every route, field, state and code, and nothing that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from unittest import mock

from aiohttp import web

import gateway.core.event
from gateway import problems
from gateway.app import build_app
from gateway.core.report import State
from gateway.errors import ClientNotConnected, NotConfirmed, PublishFailed, PublishTooLarge
from gateway.metrics import Metrics
from gateway.openapi import openapi
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/api.md").read_text()
EVENT_API, _, CREDENTIAL_API = PAGE.partition("\n## The credential API\n")
DOCUMENT = openapi(namespace="n", max_addresses=100, max_events=1_000)


def registered() -> set[str]:
    """Return every route of a gateway, such as ``GET /v1/events/{id}``."""
    settings = Settings(namespace="n", iot_endpoint="http://127.0.0.1:1", region="us-east-1")
    part = mock.Mock()
    app = build_app(
        settings=settings,
        admission=part,
        api=part,
        intake=part,
        connections=part,
        readiness=part,
        metrics=Metrics(),
        feed=part,
        sampler=part,
    )
    return {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }


def codes_in(text: str) -> set[str]:
    """Return the codes that the tables of a text list with a status."""
    rows = re.findall(r"^\| [45]\d\d \| ([^|]+) \|", text, re.M)
    return {code for row in rows for code in re.findall(r"`(\w+)`", row)}


def codes_made(path: str, made_by: str) -> set[str]:
    """Return the codes that stand as texts in calls of a function in a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == made_by:
            named = [word.value for word in node.keywords if word.arg == "code"]
            for value in named or node.args[1:2]:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found.add(value.value)
    return found


def test_every_route_is_described_for_machines() -> None:
    """The OpenAPI document has exactly the routes there are."""
    described = {
        f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert described == registered()


def test_every_route_is_described_for_people() -> None:
    """By its own heading, or in the table of those without a key."""
    named = set(re.findall(r"^(?:### |\| )`((?:GET|POST|DELETE) /[^`]*)`", EVENT_API, re.M))
    assert named == registered()


def test_every_field_is_described() -> None:
    """In the order in which they are read."""
    table = EVENT_API.partition("| field |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.M)) == gateway.core.event._FIELDS


def test_every_state_is_described() -> None:
    """With what it means."""
    table = EVENT_API.partition("| state |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.M) == [str(state) for state in State]


def test_every_code_of_the_event_api_is_described() -> None:
    """With its status; those of aiohttp's rarest refusals are their status' own words."""
    upstream = {
        f"iot_{failure.code}"
        for failure in PublishFailed.__subclasses__()
        if failure not in (ClientNotConnected, NotConfirmed, PublishTooLarge)
    }
    made = codes_made("gateway/problems.py", "_answer") | upstream
    made |= {row.code for row in problems._ROWS.values()}
    assert codes_in(EVENT_API) == made - {"nothing_taken"}
    assert "`nothing_taken`" in EVENT_API


def test_every_code_has_its_status() -> None:
    """As the gateway gives it."""
    for row in problems._ROWS.values():
        assert re.search(rf"^\| {row.status} \| [^|]*`{row.code}`", EVENT_API, re.M), row.code


def test_every_code_of_the_credential_api_is_described() -> None:
    """The Lambda's answers, and the reasons that are codes of their own."""
    made = codes_made("lambdas/credentials/answer.py", "Problem") | {"invalid_token"}
    assert codes_in(CREDENTIAL_API) == made | {"sts_unavailable", "keys_unavailable"}


def test_aiohttp_has_no_other_refusals_than_those_with_words() -> None:
    """A code is made of the status' phrase where the gateway has none of its own."""
    assert problems.http_error(web.HTTPExpectationFailed()).problem.code == "expectation_failed"
