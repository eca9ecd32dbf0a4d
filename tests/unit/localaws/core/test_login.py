"""Who a client on plain TCP is: access key id, session token and secret in its CONNECT."""

from datetime import UTC, datetime

import pytest

from localaws.core.authentication import KnownKey
from localaws.core.connection import DisconnectReason
from localaws.core.login import Anonymous, KeyLogin, Nobody
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.reason import ReasonCode, ReturnCode
from localaws.core.principal import Principal
from localaws.core.signature import AccessKey
from tests.unit.localaws.core.mqtt_world import START, V5, V311, Client, World
from wire.secret import Secret

PRINCIPAL = Principal(
    arn="arn:aws:sts::123456789012:assumed-role/r/s",
    user_id="AROA:s",
    account="123456789012",
    region="us-east-1",
    identity=(),
)


class OneKey:
    """A directory with one temporary key and one user's key."""

    def known_key(self, access_key_id: str) -> KnownKey | None:
        """Return the key."""
        if access_key_id == "AKIA":
            return KnownKey(AccessKey(access_key_id="AKIA", secret=Secret("s")), PRINCIPAL)
        if access_key_id != "ASIA":
            return None
        key = AccessKey(
            access_key_id="ASIA",
            secret=Secret("s"),
            session_token=Secret("to/k+en=="),
            expires_at=datetime.fromtimestamp(START, UTC),
        )
        return KnownKey(key, PRINCIPAL)


@pytest.mark.parametrize("user_name", ["AKIA", "ASIA:to/k+en=="])
def test_the_right_words_let_in(user_name: str) -> None:
    """A user's key needs no token, a temporary one its own."""
    assert KeyLogin(OneKey())(user_name, b"s", START - 1) is PRINCIPAL


@pytest.mark.parametrize(
    ("user_name", "password", "why"),
    [
        (None, None, "no user name"),
        ("", b"", "no user name"),
        ("AKIB", b"s", "unknown"),
        ("AKIA", b"t", "wrong"),
        ("AKIA", None, "wrong"),
        ("AKIA:token", b"s", "wrong"),
        ("ASIA", b"s", "wrong"),
        ("ASIA:to/k+en=", b"s", "wrong"),
        ("ASIA:ö", b"s", "wrong"),
    ],
)
def test_anything_else_is_refused(user_name: str | None, password: bytes | None, why: str) -> None:
    """With the reason, which goes to the log only."""
    answer = KeyLogin(OneKey())(user_name, password, START - 1)
    assert isinstance(answer, str)
    assert why in answer


def test_expired_credentials_are_refused() -> None:
    """As in a handshake."""
    assert KeyLogin(OneKey())("ASIA:to/k+en==", b"s", START) == "the credentials have expired"


def test_anonymous_clients_need_the_switch() -> None:
    """They may then do everything; wrong credentials are still refused."""
    login = KeyLogin(OneKey(), allow_anonymous=True)
    caller = login(None, None, START)
    assert isinstance(caller, Anonymous)
    assert caller.decide("iot:Publish", "topic", "t", {}).allowed
    assert login("AKIB", b"s", START) == "an unknown access key"


def test_nobody_may_do_nothing() -> None:
    """Who has not logged in."""
    assert not Nobody().decide("iot:Connect", "client", "c", {}).allowed


def connect(world: World, version: int, user_name: str | None, password: bytes | None) -> Client:
    """Connect over a transport without a handshake."""
    client = world.transport()
    connection = client.connection
    connection.authorizer, connection.login = Nobody(), KeyLogin(OneKey(), allow_anonymous=True)
    client.send(
        Connect(
            version=V5 if version == 5 else V311,
            client_id="c",
            user_name=user_name,
            password=password,
        )
    )
    return client


@pytest.mark.parametrize(
    ("version", "code"),
    [(4, ReturnCode.BAD_USER_NAME_OR_PASSWORD), (5, ReasonCode.BAD_USER_NAME_OR_PASSWORD)],
)
def test_a_refused_login_is_told(version: int, code: int) -> None:
    """CONNACK says bad user name or password, and the connection ends."""
    client = connect(World(), version, "AKIA", b"no")
    assert client.take(Connack).code == code
    assert client.ending is DisconnectReason.AUTH_ERROR


def test_policies_apply_behind_a_login() -> None:
    """The key's principal has no policy that lets it connect."""
    world = World()
    assert connect(world, 5, "AKIA", b"s").take(Connack).code == ReasonCode.NOT_AUTHORIZED
    (denial,) = world.watcher.denials
    assert (denial.action, denial.principal) == ("iot:Connect", "AROA:s")
    assert connect(world, 5, None, None).take(Connack).code == 0
