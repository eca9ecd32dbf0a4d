"""Who signed: the claim is read, the key is found, the proof is checked, in this order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.core.authentication import Authentication, KnownKey
from localaws.core.principal import Principal
from localaws.core.refusal import Refusal
from localaws.core.signature import INVALID_TOKEN, MISMATCH
from localaws.core.signed_request import (
    API_WINDOW_S,
    QUERY_WORDING,
    Request,
    Rules,
    read_authorization,
)
from tests.unit.localaws.core import signing
from tests.unit.localaws.core.callers import allow, role_session, user

CALLERS = {
    signing.USER.access_key_id: KnownKey(signing.USER, user(allow("*"))),
    signing.SESSION.access_key_id: KnownKey(signing.SESSION, role_session(allow("*"))),
}


class Known:
    """A directory of the two example keys."""

    def known_key(self, access_key_id: str) -> KnownKey | None:
        """Return an example key."""
        return CALLERS.get(access_key_id)


@pytest.fixture
def authentication() -> Authentication:
    """Return the authentication of the example region."""
    return Authentication(Known(), region=signing.REGION)


def shake_hands(authentication: Authentication, request: Request) -> Principal | Refusal:
    """Authenticate a handshake whose header names are in the clients' own case."""
    headers = {name.title(): value for name, value in request.headers.items()}
    return authentication.authenticate(request.path, request.query, headers, signing.NOW)


def test_a_handshake_tells_its_principal(authentication: Authentication) -> None:
    """The principal is the key's owner."""
    for key in (signing.USER, signing.SESSION):
        caller = shake_hands(authentication, signing.sdk_v1(key))
        assert caller is CALLERS[key.access_key_id].principal


def test_a_bad_handshake_tells_the_refusal(authentication: Authentication) -> None:
    """Unreadable, unknown and unproven are told apart."""
    good = signing.sdk_v1(signing.USER)
    unsigned = shake_hands(authentication, replace(good, query=""))
    assert isinstance(unsigned, Refusal)
    assert unsigned.status == 403
    stranger = shake_hands(authentication, signing.changed(good, "AKIAEXAMPLE", "AKIASTRANGER"))
    assert isinstance(stranger, Refusal)
    assert stranger.message == INVALID_TOKEN
    forged = shake_hands(
        authentication, signing.changed(good, "X-Amz-Signature=", "X-Amz-Signature=f")
    )
    assert isinstance(forged, Refusal)
    assert forged.message == MISMATCH


@pytest.mark.parametrize("service", ["iotdata", "iotdevicegateway"])
def test_http_requests_sign_with_either_name(authentication: Authentication, service: str) -> None:
    """boto3 says iotdata, the documentation says iotdevicegateway."""
    request, now = signed(service)
    caller = authentication.authenticate_iot(request, now)
    assert caller is CALLERS[signing.USER.access_key_id].principal


def test_iot_takes_no_signature_for_another_service(authentication: Authentication) -> None:
    """A request signed for STS does not pass as one for IoT, and the other way it is any API's."""
    request, now = signed("sts")
    refusal = authentication.authenticate_iot(request, now)
    assert isinstance(refusal, Refusal)
    rules = Rules(wording=QUERY_WORDING, window_s=API_WINDOW_S)
    caller = authentication.authenticate_api(request, rules=rules, now=now)
    assert isinstance(caller, Principal)


def signed(service: str) -> tuple[Request, datetime]:
    """Return a request signed by botocore, and the moment it was signed."""
    made = AWSRequest(method="POST", url="http://127.0.0.1:1/topics/a", data=b"x")
    credentials = Credentials(signing.USER.access_key_id, "s3cr3t")
    SigV4Auth(credentials, service, signing.REGION).add_auth(made)
    headers = {name.lower(): str(value) for name, value in made.headers.items()}
    headers["host"] = "127.0.0.1:1"
    request = Request(method="POST", path="/topics/a", query="", headers=headers, body=b"x")
    claim = read_authorization(request, Rules(wording=QUERY_WORDING, window_s=1))
    assert not isinstance(claim, Refusal)
    return request, claim.signed_at
