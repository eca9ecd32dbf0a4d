"""Cross-origin rules as an HTTP API applies them."""

import pytest

from localaws.core.cors import CorsRules, is_preflight, preflight, with_cors
from localaws.core.http_api import HttpRequest
from localaws.core.refusal import Answer

PAGE = "http://127.0.0.1:8082"
RULES = CorsRules(origins=frozenset({PAGE}))


def asked(method: str = "OPTIONS", **headers: str) -> HttpRequest:
    """Make a request; underscores in names stand for dashes."""
    return HttpRequest(
        method=method,
        path="/credentials",
        query="",
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=b"",
        source_ip="127.0.0.1",
    )


def asked_before(origin: str = PAGE, method: str = "POST", names: str = "") -> HttpRequest:
    """Make a preflight."""
    return asked(
        Origin=origin,
        Access_Control_Request_Method=method,
        Access_Control_Request_Headers=names,
    )


ANSWER = Answer(
    200,
    (
        ("content-type", "application/json"),
        ("access-control-allow-origin", "*"),
        ("vary", "Accept"),
    ),
    b"{}",
)


def test_preflight_of_a_listed_origin_is_allowed() -> None:
    """The page learns what it may send and for how long that holds."""
    answer = preflight(asked_before(names="Authorization, Content-Type"), RULES)
    assert answer.status == 204
    assert dict(answer.headers) == {
        "access-control-allow-origin": PAGE,
        "vary": "Origin",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization,content-type",
        "access-control-max-age": "3600",
    }


@pytest.mark.parametrize(
    "request_",
    [
        asked_before(origin="http://evil.example"),
        asked_before(origin="null"),
        asked_before(method="DELETE"),
        asked_before(names="x-other"),
    ],
)
def test_preflight_of_anything_else_has_no_cors_fields(request_: HttpRequest) -> None:
    """The status is the same; without the fields the browser refuses."""
    answer = preflight(request_, RULES)
    assert (answer.status, answer.headers) == (204, (("vary", "Origin"),))


def test_options_without_a_requested_method_is_no_preflight() -> None:
    """A plain OPTIONS is a request like any other."""
    assert is_preflight(asked_before())
    assert not is_preflight(asked(Origin=PAGE))
    assert not is_preflight(asked(Access_Control_Request_Method="POST"))
    assert not is_preflight(asked("POST", Origin=PAGE, Access_Control_Request_Method="POST"))


def test_function_cannot_open_itself_to_other_origins() -> None:
    """The gateway's fields replace the function's, and other fields stay."""
    answer = with_cors(ANSWER, asked("POST", Origin=PAGE), RULES)
    assert answer.headers == (
        ("content-type", "application/json"),
        ("vary", "Accept"),
        ("access-control-allow-origin", PAGE),
        ("vary", "Origin"),
        ("access-control-expose-headers", "retry-after"),
    )


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}])
def test_answer_to_others_has_no_cors_fields(headers: dict[str, str]) -> None:
    """Neither a program nor a foreign page is told of an origin, but caches learn that it counts."""
    answer = with_cors(ANSWER, asked("POST", **headers), RULES)
    assert "access-control-allow-origin" not in dict(answer.headers)
    assert ("vary", "Origin") in answer.headers


def test_any_origin_and_exposed_fields() -> None:
    """A star is answered with a star, and listed fields may be read."""
    rules = CorsRules(origins=frozenset({"*"}), expose=("apigw-requestid",))
    answer = with_cors(ANSWER, asked("POST", Origin="http://a.example"), rules)
    assert answer.headers[-2:] == (
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "apigw-requestid"),
    )
