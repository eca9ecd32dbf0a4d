"""The environments of the two programs."""

from pathlib import Path

import pytest

from localaws.child_environ import GatewayPlace, gateway_environ, localaws_environ, reachable
from localaws.settings import Settings
from localaws.state import StateFolder
from wire.errors import SettingsError

PLACE = GatewayPlace(host="127.0.0.1", port=8080)
SETTINGS = Settings(state_dir=Path("/state"))


def gateway_of(**environ: str) -> dict[str, str]:
    """Return the gateway's environment for one of the user's."""
    return gateway_environ(
        environ, gateway=PLACE, settings=SETTINGS, state=StateFolder(SETTINGS.state_dir)
    )


def test_gateway_is_pointed_at_localaws_by_settings_alone() -> None:
    """The gateway needs no code for localaws."""
    environ = gateway_of()
    assert environ["GATEWAY_IOT_ENDPOINT"] == "http://127.0.0.1:8081"
    assert environ["GATEWAY_NAMESPACE"] == "local"
    assert environ["GATEWAY_KEYS_FILE"] == "/state/keys.json"
    assert environ["GATEWAY_OUTBOX"] == "sqlite:////state/outbox.db"
    assert environ["GATEWAY_DASHBOARD_DIR"] == str(Path("web/dist/dashboard").resolve())
    assert environ["AWS_PROFILE"] == "gateway"
    assert "http://localhost:8082" in environ["GATEWAY_CORS_ORIGINS"].split(",")


def test_what_the_user_sets_wins() -> None:
    """A gateway setting in the environment is left alone."""
    assert gateway_of(GATEWAY_LOG_LEVEL="debug", GATEWAY_DRAIN_S="3") == {
        **gateway_of(),
        "GATEWAY_LOG_LEVEL": "debug",
        "GATEWAY_DRAIN_S": "3",
    }


def test_the_users_own_aws_account_is_kept_out() -> None:
    """No credential, profile or endpoint of a real account reaches a local program."""
    own = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_PROFILE": "prod", "HOME": "/home/a"}
    for environ in (gateway_of(**own), localaws_environ(own, gateway=PLACE)):
        assert "AWS_ACCESS_KEY_ID" not in environ
        assert environ.get("AWS_PROFILE") != "prod"
        assert environ["HOME"] == "/home/a"


def test_proxies_are_kept_away_from_loopback() -> None:
    """A proxy setting of the user's network does not break the local stack."""
    environ = gateway_of(NO_PROXY="corp.example", HTTP_PROXY="http://proxy:1")
    assert environ["NO_PROXY"] == "corp.example,127.0.0.1,localhost,::1"
    assert environ["no_proxy"] == "127.0.0.1,localhost,::1"
    assert environ["HTTP_PROXY"] == "http://proxy:1"


def test_localaws_learns_where_the_gateway_is() -> None:
    """The demo page needs the event API's address."""
    place = GatewayPlace.from_env({"GATEWAY_PORT": "9", "GATEWAY_DRAIN_S": "ignored here"})
    assert localaws_environ({}, gateway=place)["LOCALAWS_GATEWAY_URL"] == "http://127.0.0.1:9"


def test_wrong_gateway_port_is_named() -> None:
    """The supervisor needs a port it can check and wait for, so 0 will not do."""
    with pytest.raises(SettingsError, match="GATEWAY_PORT must be between 1 and 65535"):
        GatewayPlace.from_env({"GATEWAY_PORT": "0"})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
    ],
)
def test_bound_address_becomes_one_to_connect_to(host: str, address: str) -> None:
    """All interfaces are reached through loopback."""
    assert reachable(host) == address
