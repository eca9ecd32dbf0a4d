"""The credentials benchmark runs, compares like with like, and sees what is wanted when warm."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from rich.console import Console

from bench.credentials import ROOT, Start, report


@pytest.mark.timeout(120)
def test_a_short_run_measures_both() -> None:
    """One cold start and a few warm requests of each, against a localaws in a third process."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.credentials", "--starts", "1", "--requests", "10"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    found = re.search(r"warm ratio (\d\.\d+)", done.stdout)
    assert found, done.stdout
    assert float(found[1]) <= 1 / 3, done.stdout


@pytest.mark.parametrize(("import_ms", "ours_ms", "code"), [(249, 3, 0), (251, 3, 1), (10, 3.5, 1)])
def test_the_exit_code_tells_what_was_seen(import_ms: float, ours_ms: float, code: int) -> None:
    """Both wishes must hold: the import in time, warm at most a third."""
    start = Start(import_ms=import_ms, build_ms=1, first_ms=1)
    starts = {"ours": [start], "seed": [start]}
    warm = {"ours": [ours_ms] * 3, "seed": [9.0] * 3}
    console = Console(quiet=True)
    assert report(console, starts, warm) == code
