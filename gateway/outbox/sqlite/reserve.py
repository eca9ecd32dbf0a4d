"""The reserve: disk space held back for the day the disk is full.

Owns one file beside the outbox. Does not: decide when the disk is full (`writer.py`).
Source: docs/decisions/0007-outbox.md, "A full disk".

Settling an event frees space inside the outbox, but needs a little space first, to write that down.
On a disk that is full to the last byte a gateway could deliver and never note it. So a file of
nothing is kept; when the disk is full it goes, settlements have room, and additions are refused
until there is room for the file again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from gateway.outbox.sqlite.trouble import DiskFull

RESERVE_BYTES: Final = 12 * 1024 * 1024
"""Three times what SQLite's log holds before it is put into the file (1,000 pages)."""


WORKING_BYTES: Final = 2 * 1024 * 1024
"""What must be free beside the reserve: otherwise the next events would fill the disk again."""


class Reserve:
    """Space beside an outbox.

    Args:
        file: The outbox's file.
        size: How much, bytes.
    """

    def __init__(self, file: Path, size: int = RESERVE_BYTES) -> None:
        self._path = file.with_name(f"{file.name}-reserve")
        self._size = size

    def hold(self) -> None:
        """Take the space, if it is not taken.

        Raises:
            DiskFull: It is not there, or nothing would be left beside it.
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
                disk = os.fstatvfs(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            self.release()
            raise DiskFull(f"no room for {self._path.name}: {error.strerror}") from error
        if disk.f_bavail * disk.f_frsize < WORKING_BYTES:
            self.release()
            raise DiskFull("nothing would be left beside the reserve")

    def release(self) -> None:
        """Give the space to whoever needs it."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
