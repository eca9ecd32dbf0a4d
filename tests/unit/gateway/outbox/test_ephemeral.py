"""The warning about disks that go with their container."""

from __future__ import annotations

from pathlib import Path

from gateway.outbox.ephemeral import file_system_of, on_ephemeral_disk

MOUNTS = [
    "overlay / overlay rw,relatime 0 0",
    "tmpfs /dev/shm tmpfs rw 0 0",
    "/dev/nvme1n1 /data ext4 rw 0 0",
    "/dev/nvme2n1 /my\\040disk xfs rw 0 0",
]


def test_the_nearest_mount_counts() -> None:
    """A volume inside a container's layer is no layer."""
    found = {
        folder: file_system_of(Path(folder), MOUNTS)
        for folder in ("/app", "/data/outbox", "/database", "/dev/shm/x", "/my disk")  # noqa: S108
    }
    assert list(found.values()) == ["overlay", "ext4", "overlay", "tmpfs", "xfs"]


def test_only_what_is_known_is_warned_about(tmp_path: Path) -> None:
    """A machine without such a list is left in peace."""
    mounts = tmp_path / "mounts"
    assert not on_ephemeral_disk(Path("/app/outbox.db"), mounts)
    mounts.write_text("\n".join(MOUNTS))
    assert on_ephemeral_disk(Path("/app/outbox.db"), mounts)
    assert not on_ephemeral_disk(Path("/data/outbox.db"), mounts)
