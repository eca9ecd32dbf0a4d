"""The AWS shared files, read back by botocore itself."""

from pathlib import Path

import botocore.session
import pytest

from localaws.core.signature import AccessKey
from localaws.shared_config import config_text, credentials_text
from wire.secret import Secret

PROFILES = {
    "admin": AccessKey(access_key_id="AKIAADMIN", secret=Secret("s1")),
    "gateway": AccessKey(
        access_key_id="ASIAGATEWAY", secret=Secret("s2"), session_token=Secret("t2")
    ),
}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> botocore.session.Session:
    """Return a session that reads the rendered files as the gateway profile."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text(
        config_text(PROFILES, region="eu-west-1", aws_url="http://aws:1", iot_url="http://iot:2")
    )
    credentials.write_text(credentials_text(PROFILES))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    return botocore.session.Session(profile="gateway")


def test_credentials_are_found(session: botocore.session.Session) -> None:
    """A profile has its key and, when temporary, its token."""
    held = session.get_credentials()
    assert held is not None
    found = held.get_frozen_credentials()
    assert (found.access_key, found.secret_key, found.token) == ("ASIAGATEWAY", "s2", "t2")


def test_region_and_endpoints_are_found(session: botocore.session.Session) -> None:
    """IoT data goes to the data plane, everything else to the other port."""
    clients = {name: session.create_client(name).meta for name in ("iot-data", "sts", "sns")}
    assert clients["iot-data"].endpoint_url == "http://iot:2"
    assert clients["sts"].endpoint_url == "http://aws:1"
    assert clients["sns"].endpoint_url == "http://aws:1"
    assert clients["sts"].region_name == "eu-west-1"


def test_users_keys_have_no_token() -> None:
    """The admin's key is not temporary."""
    admin = credentials_text(PROFILES).split("\n\n")[0]
    assert "aws_session_token" not in admin
