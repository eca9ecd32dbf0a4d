"""The presigned URL is botocore's own, with the token moved out of the signature."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from lambdas.credentials.client_role import ClientCredentials
from lambdas.credentials.signed_url import signed_url
from tests.unit.issuer import NOW
from wire.secret import Secret

CREDENTIALS = ClientCredentials(
    access_key_id="ASIACLIENT0000000000",
    secret_access_key=Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    session_token=Secret("FwoG/ZXIv+YXdz=="),
    expires_at=NOW,
    packed_policy_percent=None,
)


@pytest.mark.parametrize(
    "host",
    [
        "abc-ats.iot.eu-west-1.amazonaws.com",
        "abc-ats.iot.eu-west-1.amazonaws.com:443",
        "127.0.0.1:8081",
        "localhost:80",
        "[::1]:8081",
    ],
)
@pytest.mark.parametrize(("scheme", "known_as"), [("wss", "https"), ("ws", "http")])
def test_it_is_what_botocore_signs_without_a_token(host: str, scheme: str, known_as: str) -> None:
    """Byte for byte, the token apart; ports count as a browser sends them."""
    signer = SigV4QueryAuth(
        Credentials(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key.reveal()),
        "iotdevicegateway",
        "eu-west-1",
        expires=300,
    )
    request = AWSRequest(method="GET", url=f"{known_as}://{host}/mqtt")
    signer.add_auth(request)
    theirs = str(request.url)
    signed_at = dict(parse_qsl(urlsplit(theirs).query))["X-Amz-Date"]
    now = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = signed_url(
        f"{scheme}://{host}/mqtt", region="eu-west-1", credentials=CREDENTIALS, now=now
    )
    token = "&X-Amz-Security-Token=FwoG%2FZXIv%2BYXdz%3D%3D"
    assert ours == theirs.replace(known_as, scheme, 1) + token


def signature(url: str) -> str:
    """Return the signature in a URL."""
    return dict(parse_qsl(urlsplit(url).query))["X-Amz-Signature"]


@given(token=st.text(min_size=1))
def test_the_token_is_carried_whole_and_changes_no_signature(token: str) -> None:
    """It is outside the signature, and any text survives the query."""
    endpoint = "wss://abc-ats.iot.eu-west-1.amazonaws.com/mqtt"
    one, other = (
        signed_url(
            endpoint,
            region="eu-west-1",
            now=NOW,
            credentials=ClientCredentials(
                access_key_id="AKID",
                secret_access_key=Secret("secret"),
                session_token=Secret(text),
                expires_at=NOW,
                packed_policy_percent=None,
            ),
        )
        for text in (token, "another")
    )
    assert signature(one) == signature(other)
    assert dict(parse_qsl(urlsplit(one).query))["X-Amz-Security-Token"] == token
