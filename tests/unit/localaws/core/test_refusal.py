"""Refusals in the exact bytes that were captured from AWS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from localaws.core import signature
from localaws.core.refusal import Refusal, iot_answer, iot_ok, json_answer, query_answer

TRACE = "01234567-89ab-cdef-0123-456789abcdef"
NOW = datetime(2021, 1, 18, 8, 55, tzinfo=UTC)


def forbidden(message: str) -> Refusal:
    """Return a refusal of the device gateway."""
    return Refusal(403, "ForbiddenException", message)


@pytest.mark.parametrize(
    ("message", "size"),
    [
        (
            (
                "Signature expired: 19700101T080004Z is now earlier than 20190220T022819Z "
                "(20190220T023319Z - 5 min.)"
            ),
            163,
        ),
        (
            (
                "Signature not yet current: 20210118T095457Z is still later than 20210118T090000Z "
                "(20210118T085500Z + 5 min.)"
            ),
            171,
        ),
        (signature.MISMATCH, 241),
        (signature.INVALID_TOKEN, 117),
        (signature.EXPIRED_TOKEN, 116),
    ],
)
def test_handshake_bodies_have_the_lengths_that_were_captured(message: str, size: int) -> None:
    """The body is compact JSON; its length is what field reports show."""
    answer = iot_answer(forbidden(message), trace_id=TRACE, now=NOW)
    assert answer.status == 403
    assert len(answer.body) == size
    assert ("content-length", str(size)) in answer.headers
    assert json.loads(answer.body) == {"message": message, "traceId": TRACE}


def test_handshake_headers_are_those_captured() -> None:
    """The error type ends in a colon and four headers are exposed to scripts."""
    answer = iot_answer(forbidden("Forbidden"), trace_id=TRACE, now=NOW)
    assert answer.headers == (
        ("content-type", "application/json"),
        ("content-length", str(len(answer.body))),
        ("date", "Mon, 18 Jan 2021 08:55:00 GMT"),
        ("x-amzn-RequestId", TRACE),
        ("x-amzn-ErrorType", "ForbiddenException:"),
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-amzn-ErrorMessage"),
        ("access-control-expose-headers", "x-amzn-RequestId"),
        ("access-control-expose-headers", "x-amzn-ErrorType"),
        ("access-control-expose-headers", "Date"),
    )


def test_a_good_publish_answers_65_bytes() -> None:
    """The success body was captured with this length."""
    answer = iot_ok(trace_id=TRACE, now=NOW)
    assert answer.status == 200
    assert answer.body == f'{{"message":"OK","traceId":"{TRACE}"}}'.encode()
    assert len(answer.body) == 65


@pytest.mark.parametrize(("status", "kind"), [(400, "Sender"), (503, "Receiver")])
def test_query_errors_are_xml_whatever_the_message_quotes(status: int, kind: str) -> None:
    """A caller's own text in the message cannot break the document."""
    refusal = Refusal(status, "ValidationError", "Value '<a>&\x00\x1b\n' is bad")
    answer = query_answer(refusal, request_id=TRACE, namespace="https://sts.example/")
    root = ET.fromstring(answer.body)  # noqa: S314 (our own text)
    found = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}
    assert answer.status == status
    assert found["Type"] == kind
    assert found["Code"] == "ValidationError"
    assert found["Message"] == "Value '<a>&\n' is bad"
    assert found["RequestId"] == TRACE


def test_json_errors_name_their_type_in_body_and_header() -> None:
    """SDKs look at either place."""
    answer = json_answer(Refusal(400, "AccessDeniedException", "no"), request_id=TRACE)
    assert json.loads(answer.body) == {"__type": "AccessDeniedException", "message": "no"}
    assert dict(answer.headers)["x-amzn-ErrorType"] == "AccessDeniedException"
