"""STS's answer is read back as botocore reads it."""

from __future__ import annotations

from typing import Any

from botocore.parsers import create_parser
from botocore.session import Session

from localaws.core.assumed_role import assumed_answer
from tests.unit.localaws.core import signing
from tests.unit.localaws.core.callers import SESSION


def parsed(body: bytes) -> Any:
    """Return the answer as botocore's own parser sees it."""
    shape = Session().get_service_model("sts").operation_model("AssumeRole").output_shape
    assert shape is not None
    return create_parser("query").parse({"status_code": 200, "headers": {}, "body": body}, shape)


def test_every_element_is_there() -> None:
    """Credentials, user and PackedPolicySize arrive as they were given."""
    answer = assumed_answer(
        signing.SESSION, arn=SESSION, user_id="AROA:a&b", packed_percent=42, request_id="r"
    )
    found = parsed(answer.body)
    assert answer.status == 200
    assert found["AssumedRoleUser"] == {"AssumedRoleId": "AROA:a&b", "Arn": SESSION}
    assert found["PackedPolicySize"] == 42
    assert found["Credentials"]["AccessKeyId"] == "ASIAEXAMPLE"
    assert found["Credentials"]["SecretAccessKey"] == "s3cr3t"
    assert found["Credentials"]["SessionToken"] == signing.TOKEN
    assert found["Credentials"]["Expiration"] == signing.SESSION.expires_at


def test_without_a_session_policy_there_is_no_packed_size() -> None:
    """AWS leaves the element out."""
    answer = assumed_answer(
        signing.USER, arn=SESSION, user_id="AROA:s", packed_percent=0, request_id="r"
    )
    assert b"PackedPolicySize" not in answer.body
