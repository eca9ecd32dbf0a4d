"""The state folder."""

import stat
from pathlib import Path

import pytest

from localaws.state import StateFolder, write_private
from wire.secret import Secret


def mode_of(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_jwt_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    """Tokens of yesterday are still good today."""
    state = StateFolder(tmp_path / "new" / "state")
    secret = state.read_or_make_jwt_secret()
    assert len(secret) == 64
    assert state.read_or_make_jwt_secret() == secret


def test_files_and_folder_are_the_owners_alone(tmp_path: Path) -> None:
    """Other users of the machine cannot read a secret."""
    state = StateFolder(tmp_path / "state")
    state.read_or_make_jwt_secret()
    assert mode_of(state.root) == 0o700
    assert mode_of(state.jwt_secret) == 0o600


def test_service_key_may_be_missing(tmp_path: Path) -> None:
    """Before a key was made there is none, and no error."""
    state = StateFolder(tmp_path)
    assert state.read_service_key() is None
    write_private(state.service_key, "swk_1\n")
    assert state.read_service_key() == Secret("swk_1")


def test_writing_replaces_the_whole_file(tmp_path: Path) -> None:
    """A longer old text leaves nothing behind, nor does a draft stay."""
    path = tmp_path / "file"
    write_private(path, "long text")
    write_private(path, "short")
    assert path.read_text() == "short"
    assert list(tmp_path.iterdir()) == [path]


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """What cannot be written whole is not written."""
    path = tmp_path / "file"
    write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "new \udc00")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
