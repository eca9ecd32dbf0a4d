"""The state folder: the few files that outlive a run of localaws.

Owns the folder's layout, and the modes and atomic writing of its files (all may hold secrets).
Does not know what stands in the key file: that format is the gateway's.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from wire.secret import Secret


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The files below one folder.

    Attributes:
        root: The folder; made with mode 0700 when something is first written.
    """

    root: Path

    @property
    def jwt_secret(self) -> Path:
        """The secret that demo tokens are signed with."""
        return self.root / "jwt-secret"

    @property
    def service_key(self) -> Path:
        """The demo service key in plain text."""
        return self.root / "service-key"

    @property
    def admin_key(self) -> Path:
        """Plain text of a service key with the admin right, for the dashboard."""
        return self.root / "dashboard-key"

    @property
    def key_file(self) -> Path:
        """The gateway's service keys, hashed."""
        return self.root / "keys.json"

    @property
    def outbox(self) -> Path:
        """The gateway's outbox: events outlive a restart here as they do in production."""
        return self.root / "outbox.db"

    @property
    def aws_config(self) -> Path:
        """AWS shared config file."""
        return self.root / "aws" / "config"

    @property
    def aws_credentials(self) -> Path:
        """AWS shared credentials file."""
        return self.root / "aws" / "credentials"

    def read_or_make_jwt_secret(self) -> Secret:
        """Return the demo's secret, making one of 256 bits at first."""
        if not self.jwt_secret.exists():
            write_private(self.jwt_secret, secrets.token_hex(32))
        return Secret(self.jwt_secret.read_text().strip())

    def read_service_key(self) -> Secret | None:
        """Return the demo service key, or None before one was made."""
        if not self.service_key.exists():
            return None
        return Secret(self.service_key.read_text().strip())


def write_private(path: Path, text: str) -> None:
    """Write a whole file that only its owner can read; a reader never sees half of it."""
    make_private_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter, unless it is there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
