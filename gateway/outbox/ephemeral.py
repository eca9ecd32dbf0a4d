"""Whether a file is on a disk that goes when its container does.

Owns reading the mounts of this machine for the warning at start. Does not: know outboxes, or fail:
where nothing can be told, nothing is said.
Source: docs/decisions/0011-shared-outbox.md; proc(5), /proc/self/mounts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mounts")

_EPHEMERAL: Final = frozenset({"overlay", "aufs", "tmpfs", "ramfs"})
"""File systems of container layers and of memory."""


def on_ephemeral_disk(file: Path, mounts: Path = MOUNTS) -> bool:
    """Tell whether a file looks like it will be lost with the container it is in."""
    try:
        lines = mounts.read_text().splitlines()
        folder = file.absolute().parent
    except OSError:
        return False
    return file_system_of(folder, lines) in _EPHEMERAL


def file_system_of(folder: Path, lines: list[str]) -> str | None:
    """Return the type of the file system that a folder is on, or None.

    Args:
        folder: An absolute path.
        lines: Lines of `/proc/self/mounts`; of two mounts at one place the later one counts.
    """
    found: tuple[int, str] | None = None
    for line in lines:
        match line.split():
            case [_, place, kind, *_]:
                # Spaces in paths stand there as octal escapes.
                place = place.replace("\\040", " ")
                if folder.is_relative_to(place) and (found is None or len(place) >= found[0]):
                    found = (len(place), kind)
    return found[1] if found is not None else None
