"""The keys file is private, and replaced whole."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import KeyFileError
from gateway.key_file import read_keys, write_keys
from gateway.keys import Keyring, new_key


def a_keyring() -> Keyring:
    """Return a keyring with one key."""
    now = datetime(2026, 1, 31, tzinfo=UTC)
    _, kept = new_key(name="shop", publish=["*"], rate_per_s=None, admin=False, now=now)
    return Keyring([kept])


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    """Folders are made, and the file replaced by the next writing."""
    path = tmp_path / "new" / "keys.json"
    for keyring in (a_keyring(), a_keyring()):
        write_keys(path, keyring)
        assert read_keys(path).keys == keyring.keys


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    """It is private even where it replaces a file that was not."""
    path = tmp_path / "keys.json"
    path.write_text("{}")
    path.chmod(0o644)
    write_keys(path, a_keyring())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_leaves_nothing_else_behind(tmp_path: Path) -> None:
    """The draft is gone, whether it took the place or not."""
    write_keys(tmp_path / "keys.json", a_keyring())
    (tmp_path / "taken").mkdir()
    with pytest.raises(KeyFileError, match="taken"):
        write_keys(tmp_path / "taken", a_keyring())
    assert {path.name for path in tmp_path.iterdir()} == {"keys.json", "taken"}


def test_says_why_it_cannot_be_read(tmp_path: Path) -> None:
    """A missing and a broken file name themselves."""
    path = tmp_path / "keys.json"
    with pytest.raises(KeyFileError, match=r"keys\.json: No such file"):
        read_keys(path)
    path.write_bytes(b"\xff")
    with pytest.raises(KeyFileError, match=r"keys\.json: .*decode"):
        read_keys(path)
    path.write_text("[]")
    with pytest.raises(KeyFileError, match="not a keys file"):
        read_keys(path)
