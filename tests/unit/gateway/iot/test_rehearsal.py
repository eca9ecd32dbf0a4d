"""The direct path writes the very requests of the stock client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import aioboto3
import pytest
from botocore.compat import HAS_CRT
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.publication import Publication
from gateway.core.publish_request import PublishRequests, SigningKeys
from gateway.iot.rehearsal import learn, on_the_wire, rehearse
from gateway.iot.session import aws_session
from tests.unit.wire.strategies import addresses
from wire.errors import InvalidAddress
from wire.topic import Topic

HEADER_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
SIGNERS = ["botocore.auth", *(["botocore.crt.auth"] if HAS_CRT else [])]
"""Where the stock client looks at the clock; AWS's C library signs where it is installed."""

TOPIC_TEXT = st.text(st.characters(codec="utf-8")).map(lambda text: f"ns/{text}")
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 - the strategy wants naive bounds


@st.composite
def publications(draw: st.DrawFn) -> Publication:
    """Draw any publication, its text beyond what the gateway itself would send."""
    address = draw(addresses)
    try:
        topic = address.topic("ns")
    except InvalidAddress:
        return draw(publications())
    return Publication(
        address=address,
        topic=Topic(draw(st.just(topic) | TOPIC_TEXT)),
        payload=draw(st.binary(max_size=2_000)),
        content_type=draw(st.just("application/cloudevents+json") | HEADER_TEXT),
        qos=draw(st.sampled_from([0, 1])),
        retain=draw(st.booleans()),
        message_expiry_s=draw(st.none() | st.integers(1, 604_800)),
    )


@st.composite
def signing_keys(draw: st.DrawFn) -> SigningKeys:
    """Draw lasting or temporary keys."""
    return SigningKeys(
        access_key=draw(st.from_regex(r"A[KS]IA[A-Z0-9]{16}", fullmatch=True)),
        secret_key=draw(HEADER_TEXT),
        token=draw(st.none() | HEADER_TEXT),
    )


class Stage:
    """A stock client on a loop of its own, and what learnt from it."""

    def __init__(self, client: Any, requests: PublishRequests, runner: asyncio.Runner) -> None:
        self.client = client
        self.requests = requests
        self.runner = runner


@pytest.fixture(scope="module", params=["http://127.0.0.1:8081", "https://x-ats.iot.example.com"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Make a client for each kind of endpoint."""
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        session = aioboto3.Session(region_name="eu-west-3", botocore_session=aws_session())
        context = session.client("iot-data", endpoint_url=request.param)
        client = runner.run(context.__aenter__())
        requests = runner.run(learn(client))
        assert requests is not None
        yield Stage(client, requests, runner)
        runner.run(context.__aexit__(None, None, None))


@given(publication=publications(), keys=signing_keys(), moment=TIMES)
@settings(max_examples=300, deadline=None)
def test_writes_what_the_stock_client_writes(
    stage: Stage, publication: Publication, keys: SigningKeys, moment: datetime
) -> None:
    """Same method, path, query, headers, signature and body, byte for byte."""

    def now(*, remove_tzinfo: bool = True) -> datetime:
        return moment if remove_tzinfo else moment.replace(tzinfo=UTC)

    with pytest.MonkeyPatch.context() as patch:
        for signer in SIGNERS:
            patch.setattr(f"{signer}.get_current_datetime", now)
        method, url, headers, body = stage.runner.run(rehearse(stage.client, publication, keys))
    ours = stage.requests.write(
        publication,
        keys,
        now_s=moment.replace(tzinfo=UTC).timestamp(),
        invocation_id=headers["amz-sdk-invocation-id"],
    )
    assert ours == on_the_wire(method, url, headers, body)


def test_leaves_the_client_as_it_was(stage: Stage) -> None:
    """After a rehearsal the client signs with its own credentials again: here, with none."""
    with pytest.raises(Exception, match=r"(?i)credentials"):
        stage.runner.run(stage.client.publish(topic="a", payload=b""))


def test_gives_up_when_the_client_writes_otherwise(stage: Stage) -> None:
    """A client that sends one header more, signed, is not imitated but left to itself."""

    def add(request: Any, **_: object) -> None:
        request.headers["x-amz-new"] = "1"

    stage.client.meta.events.register("before-sign.iot-data-plane.Publish", add)
    try:
        assert stage.runner.run(learn(stage.client)) is None
    finally:
        stage.client.meta.events.unregister("before-sign.iot-data-plane.Publish", add)
