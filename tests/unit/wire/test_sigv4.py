"""The arithmetic of SigV4 agrees with botocore's."""

from __future__ import annotations

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from wire.sigv4 import (
    EMPTY_SHA256,
    Scope,
    canonical_query,
    canonical_request,
    signature,
    signing_key,
    string_to_sign,
)

TIMESTAMP = "20260102T030405Z"
SCOPE = Scope(day="20260102", region="eu-west-1", service="iotdevicegateway")
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=8)


@given(
    st.lists(st.tuples(words.filter(bool), words), max_size=4, unique_by=lambda pair: pair[0]),
    st.text("abc123/+=", min_size=8),
)
def test_signature_is_botocores(pairs: list[tuple[str, str]], secret: str) -> None:
    """Any query and secret give the signature that botocore computes."""
    request = AWSRequest("GET", "https://example.com/mqtt", params=dict(pairs))
    request.context["timestamp"] = TIMESTAMP
    request.headers["host"] = "example.com"
    auth = SigV4Auth(Credentials("AKID", secret), SCOPE.service, SCOPE.region)
    theirs = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    ours = canonical_request(
        method="GET",
        path="/mqtt",
        query=canonical_query(pairs),
        headers={"host": "example.com"},
        signed_headers=["host"],
        payload_sha256=EMPTY_SHA256,
    )
    text = string_to_sign(timestamp=TIMESTAMP, scope=SCOPE, request=ours)
    assert signature(signing_key(secret, SCOPE), text) == theirs
