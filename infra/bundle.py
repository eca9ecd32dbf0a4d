"""Lambda bundles: one zip for each function, the same bytes wherever it is built.

Owns which files a function ships and how they are packed: our own packages under their repository
paths, third-party packages out of wheels that pip chose for the Lambda's platform and whose hashes
`requirements.txt` pins. Does not ship boto3 or botocore (the Lambda runtime has them) and does not
talk to AWS. No Pulumi import, so tests and benchmarks build the very bundle that is deployed.

The zip is stored, not deflated: zlib and zlib-ng pack the same input differently, and then the
same commit would deploy anew from another machine. Members are sorted and carry one fixed time, so
equal input gives an equal hash, and the hash AWS shows as CodeSha256 is the one computed here.

Source: AWS Lambda developer guide, "Working with .zip file archives for Python Lambda functions"
and "Lambda quotas"; PEP 427 (wheels).
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.errors import BundleFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_PACKAGES: Final = ("wire",)
"""Packages of ours that every function ships next to its own folder."""

PIP_TIMEOUT_S: Final = 300
"""Longest wait for pip: about 5 MB on a slow line."""

_MEMBER_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""Time of every member: the oldest a zip can state. Source: APPNOTE.TXT 4.4.6."""

_MEMBER_MODE: Final = 0o100644 << 16
"""A plain file that everyone may read: the Lambda sandbox user is not the owner."""

_UNUSED: Final = (
    "*.pyi",  # type stubs
    "*/py.typed",
    "*.dist-info/RECORD",  # would list what is not here
    "*.dist-info/sboms/*",
    "cffi/*",  # the C compiler's half; cryptography imports only _cffi_backend
)
"""What a wheel holds and a running function never reads; licences stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where a bundle is to run.

    Attributes:
        wheel_tags: Platform tags of acceptable wheels, best first.
        python: Version of the interpreter, such as `3.13`.
    """

    wheel_tags: tuple[str, ...]
    python: str


LAMBDA_ARM64: Final = Platform(wheel_tags=("manylinux2014_aarch64",), python="3.13")
"""Lambda's python3.13 runtime on Graviton: Amazon Linux 2023, glibc 2.34."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A built bundle.

    Attributes:
        path: The zip.
        members: Names in it, sorted.
        code_sha256: Base64 SHA-256 of the zip, as Lambda reports it.
    """

    path: Path
    members: tuple[str, ...]
    code_sha256: str


def build_bundle(root: Path, function: str, platform: Platform = LAMBDA_ARM64) -> Bundle:
    """Build the bundle of one function, below `build/`.

    Wheels are fetched once for each set of requirements and then kept.

    Args:
        root: The repository.
        function: Folder of the function under `lambdas/`.
        platform: Where it is to run.

    Raises:
        BundleFailed: A wheel cannot be had, or two files claim one name.
    """
    requirements = root / "lambdas" / function / "requirements.txt"
    members: dict[str, bytes] = {}
    for wheel in _wheels(root, function, requirements, platform):
        for name, content in _wheel_members(function, wheel):
            _add(function, members, name, content)
    for path in _own_files(root, function):
        _add(function, members, path.relative_to(root).as_posix(), path.read_bytes())
    target = root / "build" / f"{function}-{platform.wheel_tags[0]}-{platform.python}.zip"
    _write_zip(target, members)
    digest = hashlib.sha256(target.read_bytes()).digest()
    return Bundle(
        path=target,
        members=tuple(sorted(members)),
        code_sha256=base64.b64encode(digest).decode(),
    )


def _own_files(root: Path, function: str) -> list[Path]:
    """List our own sources, file by file: Python only, so no cache and no editor's leavings."""
    folders = [root / package for package in OWN_PACKAGES] + [root / "lambdas" / function]
    found = [path for folder in folders for path in folder.rglob("*.py")]
    initial = root / "lambdas" / "__init__.py"
    return sorted(found + ([initial] if initial.exists() else []))


def _wheels(root: Path, function: str, requirements: Path, platform: Platform) -> list[Path]:
    if all(line.startswith("#") or not line for line in requirements.read_text().splitlines()):
        return []  # pip refuses to download nothing
    key = hashlib.sha256(requirements.read_bytes() + repr(platform).encode()).hexdigest()[:16]
    kept = root / "build" / "wheels" / f"{function}-{key}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as fresh:
            _download(function, requirements, platform, Path(fresh) / "wheels")
            _settle(Path(fresh) / "wheels", kept)
    return sorted(kept.glob("*.whl"))


def _settle(fresh: Path, kept: Path) -> None:
    """Move a complete download into place; one that another build finished first serves as well."""
    try:
        fresh.rename(kept)
    except OSError:
        if not kept.exists():
            raise
        shutil.rmtree(fresh)


def _download(function: str, requirements: Path, platform: Platform, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(target)]
    command += ["--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", platform.python]
    for tag in platform.wheel_tags:
        command += ["--platform", tag]
    command += ["--requirement", str(requirements)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell, fixed arguments
            command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise BundleFailed(function, f"pip took longer than {PIP_TIMEOUT_S} s") from None
    if done.returncode:
        raise BundleFailed(function, f"pip download failed:\n{done.stderr.strip()}")


def _wheel_members(function: str, wheel: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if ".data/" in name:
                # Such a wheel must be installed, not unpacked (PEP 427): better said than wrong.
                raise BundleFailed(function, f"{wheel.name} holds {name}, which only pip can place")
            if not name.endswith("/") and not any(fnmatchcase(name, glob) for glob in _UNUSED):
                yield name, archive.read(name)


def _add(function: str, members: dict[str, bytes], name: str, content: bytes) -> None:
    if members.setdefault(name, content) != content:
        raise BundleFailed(function, f"two different files claim the name {name}")


def _write_zip(target: Path, members: dict[str, bytes]) -> None:
    """Write the zip beside its place and move it there: a reader never sees half of one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=target.parent, suffix=".zip")
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name in sorted(members):
                member = zipfile.ZipInfo(name, date_time=_MEMBER_TIME)
                member.create_system = 3  # Unix, or the mode is not read
                member.external_attr = _MEMBER_MODE
                archive.writestr(member, members[name], compress_type=zipfile.ZIP_STORED)
        Path(fresh).chmod(0o644)
        Path(fresh).replace(target)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
