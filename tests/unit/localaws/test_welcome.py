"""The lines `make run` prints."""

import json
import shlex
from pathlib import Path

import pytest

from localaws.state import StateFolder, write_private
from localaws.welcome import Welcome
from wire.address import Address


@pytest.fixture
def welcome(tmp_path: Path) -> Welcome:
    """Return a welcome with a service key and a blank in its folder's name."""
    state = StateFolder(tmp_path / "my state")
    write_private(state.service_key, "swk_secret\n")
    return Welcome(
        demo_url="http://127.0.0.1:8082/",
        gateway_url="http://127.0.0.1:8080",
        namespace="local",
        state=state,
        python="/a b/python",
    )


def test_there_is_a_line_for_each_kind_of_address(welcome: Welcome) -> None:
    """Client, user, group, everyone, and the way without the gateway."""
    addresses = []
    for _, line in welcome.examples()[:4]:
        words = shlex.split(line)
        event = json.loads(words[words.index("-d") + 1])
        addresses.append(event["to"])
        assert words[2] == "http://127.0.0.1:8080/v1/events"
        Address.parse(event["to"]).topic("local")
    assert addresses == ["client:local.ada.laptop", "user:ada", "group:orders/eu", "everyone"]


def test_the_dashboard_is_the_gateways(welcome: Welcome) -> None:
    """It stands at the gateway's root."""
    assert welcome.dashboard_url == "http://127.0.0.1:8080/"


def test_no_line_holds_a_secret(welcome: Welcome) -> None:
    """The key is read from its file by the shell."""
    text = "\n".join(line for _, line in welcome.examples())
    assert "swk_secret" not in text
    assert str(welcome.state.service_key) in text


def test_last_line_uses_the_aws_files(welcome: Welcome) -> None:
    """The AWS CLI is pointed at localaws by its own files."""
    words = shlex.split(welcome.examples()[-1][1])
    assert words[0] == f"AWS_CONFIG_FILE={welcome.state.aws_config}"
    assert words[2:5] == ["/a b/python", "-m", "awscli"]
    assert "local/client/local.ada.laptop" in words
