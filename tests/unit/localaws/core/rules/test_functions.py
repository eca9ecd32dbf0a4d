"""The functions of the rules SQL."""

import pytest

from localaws.core.rules.errors import SqlRefused
from tests.unit.localaws.core.rules.firing import rule, value

PAYLOAD = {"s": "Cat", "l": ["x", "y"], "o": {"k": 1}, "z": None, "e": "eyJ2IjogM30="}
MQTT5 = {
    "user_properties": (("k", "1"), ("j", "2"), ("k", "3")),
    "content_type": "text/plain",
    "response_topic": "r",
    "correlation_data": b"\x00\x01",
    "payload_format_indicator": 1,
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("topic()", "a/b/c"),
        ("topic(1)", "a"),
        ("topic(3)", "c"),
        ("topic(4)", "undefined"),
        ("topic(0)", "undefined"),
        ("topic('x')", "undefined"),
        ("clientid()", "n/a"),
        ("principal()", "undefined"),
        ("timestamp()", 1_700_000_000_500),
        ("accountid()", "123456789012"),
        ("traceid()", "trace"),
        ("isUndefined(nothing)", True),
        ("isUndefined(z)", False),
        ("isNull(z)", True),
        ("ISNULL(nothing)", False),
        ("startswith(s, 'Ca')", True),
        ("startswith(nothing, 'Ca')", "undefined"),
        ("endswith(s, 'x')", False),
        ("endswith(s, z)", "undefined"),
        ("lower(s)", "cat"),
        ("upper(s)", "CAT"),
        ("upper(z)", "undefined"),
        ("length(s)", 3),
        ("concat()", "undefined"),
        ("concat(l)", ["x", "y"]),
        ("concat(l, s)", ["x", "y", "Cat"]),
        ("concat(1, s)", "1Cat"),
        ("concat(1, 2)", "undefined"),
        ("get(l, 1)", "y"),
        ("get(l, 2)", "undefined"),
        ("get(l, -1)", "undefined"),
        ("get(o, 'k')", 1),
        ("get(o, 1)", "undefined"),
        ("get(s, 0)", "C"),
        ("encode(s, 'base64')", "Q2F0"),
        ("encode(z, 'base64')", "undefined"),
        ("decode(e, 'base64').v", 3),
        ("decode('Q2F0', 'base64')", "Cat"),
        ("decode('?', 'base64')", None),
        ("decode(o, 'base64')", None),
        ("get_user_properties('k')", "undefined"),
        ("get_mqtt_property('content_type')", "undefined"),
        ("get_mqtt_property('format_indicator')", "UNSPECIFIED_BYTES"),
    ],
)
def test_results(expression: str, expected: object) -> None:
    """Each function, with arguments it likes and arguments it does not."""
    assert value(expression, PAYLOAD) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("get_user_properties('k')", ["1", "3"]),
        ("get_user_properties()", [{"k": "1"}, {"j": "2"}, {"k": "3"}]),
        ("get_mqtt_property('content_type')", "text/plain"),
        ("get_mqtt_property('response_topic')", "r"),
        ("get_mqtt_property('correlation_data')", "AAE="),
        ("get_mqtt_property('format_indicator')", "UTF8_DATA"),
        ("get_mqtt_property('x')", "undefined"),
        ("get_mqtt_property(1)", "undefined"),
    ],
)
def test_mqtt_5_properties(expression: str, expected: object) -> None:
    """Properties of the message reach the rule."""
    assert value(expression, PAYLOAD, **MQTT5) == expected


def test_who_published() -> None:
    """Client id and principal are the publishing connection's."""
    assert value("clientid()", {}, publisher="c") == "c"
    assert value("principal()", {}, principal="AROA:x") == "AROA:x"


def test_basic_ingest_hides_its_prefix() -> None:
    """topic() of `$aws/rules/<rule>/…` begins after the rule's name."""
    topic = "$aws/rules/r/Buildings/5"
    assert value("topic()", {}, topic=topic) == "Buildings/5"
    assert value("topic(2)", {}, topic=topic) == "5"


def test_bytes_are_encoded_as_they_are() -> None:
    """encode(*, 'base64') takes payloads that are no JSON."""
    assert value("encode(*, 'base64')", b"\xff\x00") == "/wA="


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("regexp_matches(a, 'b')", r"function regexp_matches\(\)"),
        ("newuuid()", r"function newuuid\(\)"),
        ("topic(1, 2)", "takes other arguments"),
        ("isNull()", "takes other arguments"),
        ("encode(a, 'hex')", "takes a value and 'base64'"),
        ("decode(a)", "takes a value and 'base64'"),
        ("upper(*)", r"\* as an argument"),
    ],
)
def test_what_is_not_supported_is_named(expression: str, words: str) -> None:
    """A call we cannot answer is refused when the rule is made."""
    with pytest.raises(SqlRefused, match=words):
        rule(f"SELECT {expression} AS x FROM 'a'")  # noqa: S608 (rules)


def test_the_older_sql_version_lacks_functions() -> None:
    """IsUndefined came with 2016-03-23."""
    with pytest.raises(SqlRefused, match="needs SQL version 2016-03-23"):
        rule("SELECT * FROM 'a' WHERE isUndefined(b)", version="2015-10-08")
