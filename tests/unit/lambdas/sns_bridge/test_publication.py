"""What an SNS message becomes: topic, payload, mark; or an echo; or a refusal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import iot_to_sns
from lambdas.sns_bridge import publication
from lambdas.sns_bridge.errors import MessageRefused
from lambdas.sns_bridge.publication import Publication, publication_of
from lambdas.sns_bridge.route import Route
from lambdas.sns_bridge.sqs_record import Incoming
from tests.unit.wire.strategies import addresses
from wire.address import Address, AddressPattern, Kind
from wire.envelope import Envelope
from wire.limits import MAX_PAYLOAD_BYTES


def route(pattern: str = "group:orders", *, raw: bool = False) -> Route:
    """Return a bridge's way."""
    return Route(pattern=AddressPattern.parse(pattern), raw=raw, topic_name="orders", ordered=False)


def message(text: str, **attributes: str) -> Incoming:
    """Return a message."""
    return Incoming(
        receipt="r-1",
        queue_arn="arn",
        group=None,
        id="sns-1",
        text=text,
        attributes=attributes,
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def published(text: str, pattern: str = "group:orders", **attributes: str) -> Publication:
    """Return what a message becomes on an enveloping bridge."""
    found = publication_of(message(text, **attributes), route(pattern), "prod")
    assert found is not None
    return found


def test_json_becomes_the_data_of_an_envelope() -> None:
    """Browsers get from a bridge what they get from the gateway."""
    found = published('{"n": 1}', type="order.packed")
    assert found.topic == "prod/group/orders"
    assert found.content_type == "application/cloudevents+json"
    event = Envelope.decode(found.payload)
    assert (event.id, event.source, event.type) == ("sns-1", "/sns/orders", "order.packed")
    assert event.data == {"n": 1}
    assert event.time == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["Hi!", "", "{", '{"n": NaN}', "[" * 100_000])
def test_any_other_text_becomes_data_as_text(text: str) -> None:
    """What is no JSON is still a message."""
    event = Envelope.decode(published(text).payload)
    assert event.data == text
    assert event.type == "sns.message"


def test_an_event_goes_out_as_it_came() -> None:
    """A CloudEvents message keeps all its attributes, foreign ones too."""
    text = json.dumps(
        {"specversion": "1.0", "id": "1", "source": "/shop", "type": "t", "subject": "s",
         "time": "2026-01-01T00:00:00Z", "data_base64": "AA=="}
    )  # fmt: skip
    assert published(text).payload == text.encode()


@given(text=st.text())
def test_a_raw_bridge_changes_nothing(text: str) -> None:
    """Byte for byte, with no content type claimed."""
    found = publication_of(message(text), route(raw=True), "prod")
    assert found is not None
    assert found.payload == text.encode()
    assert found.content_type is None


@pytest.mark.parametrize("raw", [True, False])
def test_everything_is_marked(raw: bool) -> None:  # noqa: FBT001 (a case)
    """The stack's own rules leave alone what carries the mark: one word on both sides."""
    found = publication_of(message("x"), route(raw=raw), "prod")
    assert found is not None
    assert found.user_properties == {iot_to_sns.MARK: "orders"}
    assert publication.ORIGIN_TOPIC == iot_to_sns.ORIGIN_TOPIC


@pytest.mark.parametrize("raw", [True, False])
def test_an_echo_is_dropped(raw: bool) -> None:  # noqa: FBT001 (a case)
    """What a rule took from the topic it would go to is already there."""
    echo = message(json.dumps({"text": "hi", "iottopic": "prod/group/orders"}))
    assert publication_of(echo, route(raw=raw), "prod") is None
    elsewhere = message(json.dumps({"text": "hi", "iottopic": "prod/group/other"}))
    assert publication_of(elsewhere, route(raw=raw), "prod") is not None
    foreign = message(json.dumps({"text": "hi", "iottopic": "staging/group/orders"}))
    assert publication_of(foreign, route(raw=raw), "prod") is not None


def test_an_attribute_names_the_address() -> None:
    """A bridge that ends in a pattern publishes to the address the message names."""
    assert published("x", "group:orders/*", to="group:orders/eu").topic == "prod/group/orders/eu"
    assert published("x", "everyone").topic == "prod/everyone"
    assert published("x", "user:*", to="user:42").topic == "prod/user/42"


@pytest.mark.parametrize(
    ("pattern", "attributes", "reason"),
    [
        ("group:orders/*", {}, "no_address"),
        ("group:orders/*", {"to": "group:secrets"}, "foreign_address"),
        ("group:orders/*", {"to": "everyone"}, "foreign_address"),
        ("group:orders", {"to": "group:other"}, "foreign_address"),
        ("group:orders/*", {"to": "orders"}, "bad_address"),
        ("group:orders/*", {"to": "group:orders/#"}, "bad_address"),
    ],
)
def test_an_address_outside_the_bridge_is_refused(
    pattern: str, attributes: dict[str, str], reason: str
) -> None:
    """Whoever may publish to the SNS topic reaches the bridge's addresses and no others."""
    with pytest.raises(MessageRefused) as caught:
        published("x", pattern, **attributes)
    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"{reason}: ")


@given(address=addresses)
def test_only_covered_addresses_are_published_to(address: Address) -> None:
    """For any address a message may name, it is published there or refused."""
    try:
        found = published("x", "group:*", to=str(address))
    except MessageRefused:
        assert address.kind is not Kind.GROUP
    else:
        assert found.topic == address.topic("prod")
        assert address.kind is Kind.GROUP


def test_what_is_too_large_is_refused() -> None:
    """SNS takes 256 KB, IoT Core 128 KB, envelope included."""
    fits = "x" * MAX_PAYLOAD_BYTES
    assert publication_of(message(fits), route(raw=True), "prod") is not None
    with pytest.raises(MessageRefused, match="too_large"):
        publication_of(message(fits), route(), "prod")
