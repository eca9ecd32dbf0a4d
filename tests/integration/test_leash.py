"""A program on a leash ends with its parent's pipe."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_S = 20.0


def python(*arguments: str) -> subprocess.Popen[str]:
    """Start Python in the project with a pipe to its standard input."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def test_module_runs_as_if_started_by_itself() -> None:
    """It has its own arguments, name and status, and nothing to read."""
    with python("-m", "localaws.leash", "json.tool", "--sort-keys") as process:
        assert process.stderr is not None
        errors = process.stderr.read()
        assert process.wait(LIMIT_S) == 1
    assert "Expecting value" in errors


def test_end_of_the_pipe_is_a_sigterm() -> None:
    """The parent need not say goodbye."""
    with python("-m", "localaws.leash", "http.server", "0", "--bind", "127.0.0.1") as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(LIMIT_S) == -signal.SIGTERM


def test_program_that_ignores_sigterm_is_killed() -> None:
    """No program outlives its parent by more than the grace."""
    program = (
        "import signal, localaws.leash as leash;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); leash.GRACE_S = 0.1; leash._watch(0)"
    )
    with python("-c", program) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(LIMIT_S) == -signal.SIGKILL
