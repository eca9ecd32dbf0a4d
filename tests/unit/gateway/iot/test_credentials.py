"""Keys that are in hand, get fresher beside the publishes, and are found anew when refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError

from gateway.iot.credentials import Credentials


@dataclass
class Place:
    """Where credentials are found: a provider chain and the provider it finds.

    Attributes:
        name: Access key of what is there; empty for nothing.
        searches: How often sessions searched.
        asked: How often the provider was asked.
        hang: Set while the provider does not answer.
        broken: Whether the provider fails.
    """

    name: str = "first"
    searches: int = 0
    asked: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    broken: bool = False

    def __post_init__(self) -> None:
        self.released.set()

    def session(self) -> Place:
        """Be a new session."""
        return self

    async def get_credentials(self) -> Provider | None:
        """Search."""
        self.searches += 1
        return Provider(self, self.name) if self.name else None


@dataclass
class Provider:
    """A provider that keeps what it found, or renews as its place says."""

    place: Place
    name: str
    renewed: str = ""

    async def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Answer."""
        self.place.asked += 1
        await self.place.released.wait()
        if self.place.broken:
            raise CredentialRetrievalError(provider="test", error_msg="gone")
        return ReadOnlyCredentials(self.renewed or self.name, "secret", "token")


class Clock:
    """A clock that stands."""

    now = 100.0

    def __call__(self) -> float:
        """Return seconds."""
        return self.now


def access_key(credentials: Credentials) -> str | None:
    """Return the access key in hand."""
    keys = credentials.keys
    return None if keys is None else keys.access_key


async def settle() -> None:
    """Let everything that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_searches_once() -> None:
    """Many publishes at once search once, and keys in hand are the same object for all."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    assert credentials.keys is None
    found = await asyncio.gather(*(credentials.signing_keys() for _ in range(20)))
    assert place.searches == place.asked == 1
    assert all(keys is found[0] for keys in found)


async def test_never_waits_for_fresher_keys() -> None:
    """While the provider hangs, the keys in hand are used."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    await credentials.signing_keys()
    place.released.clear()
    clock.now += 2
    assert access_key(credentials) == "first"
    await settle()
    assert place.asked == 2
    assert (await credentials.get_frozen_credentials()).access_key == "first"
    place.released.set()
    await settle()
    await credentials.close()


async def test_takes_fresher_keys() -> None:
    """Keys that the provider renewed are in hand a moment after they were asked for."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    first = await credentials.signing_keys()
    provider = credentials._provider
    assert isinstance(provider, Provider)
    provider.renewed = "second"
    clock.now += 2
    assert credentials.keys is first
    await settle()
    assert access_key(credentials) == "second"
    assert place.searches == 1


async def test_keeps_keys_when_the_provider_fails() -> None:
    """A provider that fails costs a warning, not the keys in hand."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    await credentials.signing_keys()
    place.broken = True
    clock.now += 2
    assert access_key(credentials) == "first"
    await settle()
    assert access_key(credentials) == "first"
    with pytest.raises(CredentialRetrievalError):
        await credentials.check()


async def test_says_that_there_are_none() -> None:
    """No credentials is an error of its own, and they are found once they are there."""
    place, clock = Place(name=""), Clock()
    credentials = Credentials(place.session, clock)
    with pytest.raises(NoCredentialsError):
        await credentials.get_frozen_credentials()
    assert await credentials.renew(None) is False
    place.name = "late"
    assert (await credentials.signing_keys()).access_key == "late"


async def test_renews_after_a_refusal() -> None:
    """Refused keys are searched for anew, once for all publishes that were refused with them."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    refused = await credentials.signing_keys()
    place.name = "second"
    answers = await asyncio.gather(*(credentials.renew(refused) for _ in range(20)))
    assert all(answers)
    assert access_key(credentials) == "second"
    assert place.searches == 2


async def test_does_not_search_for_every_refusal() -> None:
    """The same keys again: the refusal stands, and the next search waits a moment."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    refused = await credentials.signing_keys()
    assert not any([await credentials.renew(refused) for _ in range(20)])
    assert place.searches == 2
    clock.now += 3
    assert not await credentials.renew(refused)
    assert place.searches == 3


async def test_close_ends_what_is_under_way() -> None:
    """A question that nobody waits for any more does not outlive the gateway."""
    place, clock = Place(), Clock()
    credentials = Credentials(place.session, clock)
    await credentials.signing_keys()
    place.released.clear()
    clock.now += 2
    assert credentials.keys is not None
    await settle()
    await credentials.close()
    assert credentials._asking is not None
    assert credentials._asking.done()


def test_keys_hide_their_secret() -> None:
    """Keys in a traceback show the access key id only."""
    from gateway.core.publish_request import SigningKeys

    assert "hush" not in repr(SigningKeys(access_key="A", secret_key="hush", token="hush"))
