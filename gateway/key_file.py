"""The keys file on disk.

Owns reading it and replacing it whole: a reader sees the old file or the new one, never half.
Does not: know what stands in it (`gateway/keys.py`).
One writer at a time: the command line of the operator.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gateway.errors import KeyFileError, KeyRefused
from gateway.keys import Keyring


def read_keys(path: Path) -> Keyring:
    """Read a keys file.

    Raises:
        KeyFileError: It is not there, not readable, or no keys file.
    """
    try:
        return Keyring.load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyFileError(str(path), error.strerror or "cannot be read") from None
    except (KeyRefused, UnicodeDecodeError) as error:
        raise KeyFileError(str(path), str(error)) from None


def write_keys(path: Path, keyring: Keyring) -> None:
    """Replace a keys file atomically; only its owner may read it (0600).

    The new text is on disk (synced) before it takes the old one's place, so a crash or a full
    disk leaves the old file.

    Raises:
        KeyFileError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(keyring.dump())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise KeyFileError(str(path), error.strerror or "cannot be written") from None
