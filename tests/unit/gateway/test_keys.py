"""Service keys: made once, kept as a hash, found again, read strictly."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.errors import KeyRefused
from gateway.keys import Keyring, ServiceKey, hash_of, new_key
from wire.secret import Secret

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def made(name: str = "shop", **changes: Any) -> tuple[Secret, ServiceKey]:
    """Make a key."""
    options: dict[str, Any] = {
        "publish": ["user:*", "group:orders/*"],
        "rate_per_s": 100.0,
        "admin": False,
        "now": NOW,
    }
    return new_key(name=name, **(options | changes))


def test_a_key_is_256_random_bits_with_our_prefix() -> None:
    """It is long enough that nobody guesses it, and recognised when it leaks."""
    first, second = made()[0].reveal(), made()[0].reveal()
    assert re.fullmatch(r"swk_[A-Za-z0-9_-]{43}", first)
    assert first != second


def test_only_the_hash_is_kept() -> None:
    """A stolen keys file opens nothing."""
    key, kept = made()
    text = Keyring([kept]).dump()
    assert key.reveal() not in text
    assert hash_of(key.reveal()) in text


def test_finds_the_service_behind_a_key() -> None:
    """The right key finds its service; nothing else finds any."""
    key, kept = made()
    keyring = Keyring([kept, made("other")[1]])
    assert keyring.find(key.reveal()) == kept.service
    for wrong in ("", "swk_", key.reveal()[:-1], key.reveal() + "x", kept.sha256, "\udcff"):
        assert keyring.find(wrong) is None


def test_a_file_reads_back_as_written() -> None:
    """Every key and every right survives the file, in order."""
    keys = [made()[1], made("other", rate_per_s=None, admin=True, publish=["*"])[1]]
    assert Keyring.load(Keyring(keys).dump()).keys == tuple(keys)


def test_revokes_one_key_or_a_whole_service() -> None:
    """An id takes one key out, a name all of the service's."""
    keys = [made()[1], made()[1], made("other")[1]]
    keyring = Keyring(keys)
    assert keyring.without(keys[0].service.credential_id).keys == tuple(keys[1:])
    assert keyring.without("shop").keys == (keys[2],)
    with pytest.raises(KeyRefused, match="there is no key or service nobody"):
        keyring.without("nobody")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "Shop"}, "a service's name is"),
        ({"publish": ["nobody"]}, "publish 'nobody': an address is"),
        ({"rate_per_s": 0}, "above 0"),
        ({"rate_per_s": float("nan")}, "must be a number"),
        ({"rate_per_s": 1e9}, "at most 100000"),
    ],
)
def test_refuses_to_make(changes: dict[str, Any], says: str) -> None:
    """A key that breaks a rule is not made."""
    with pytest.raises(KeyRefused, match=says):
        made(**changes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sha256": "AB"}, "key 0: sha256"),
        ({"sha256": 1}, "key 0: sha256"),
        ({"name": 1}, "key 0: a service's name"),
        ({"publish": "*"}, "key 0: publish must be an array"),
        ({"publish": [1]}, "key 0: publish must be an array"),
        ({"rate": "1"}, "key 0: rate"),
        ({"rate": True}, "key 0: rate"),
        ({"admin": 1}, "key 0: admin"),
        ({"created": 1}, "key 0: created"),
        ({"created": "2026-01-31T12:00:00"}, "key 0: created"),
        ({"more": 1}, "key 0: it must have exactly admin, created"),
    ],
)
def test_refuses_a_file_with_a_bad_key(change: dict[str, Any], says: str) -> None:
    """The key and the field are named; nothing is read half."""
    document = json.loads(Keyring([made()[1]]).dump())
    document["keys"][0] |= change
    with pytest.raises(KeyRefused, match=says):
        Keyring.load(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "not a keys file of version 1"),
        ('{"version": 2, "keys": []}', "not a keys file of version 1"),
        ('{"version": 1}', "no array of keys"),
        ('{"version": 1, "keys": [1]}', "key 0: it must have exactly"),
    ],
)
def test_refuses_what_is_no_keys_file(text: str, says: str) -> None:
    """Another file is not taken for an empty one."""
    with pytest.raises(KeyRefused, match=says):
        Keyring.load(text)
