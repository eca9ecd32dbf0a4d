"""Runs of the program and bundles that several tests look at."""

from __future__ import annotations

import pytest

from tests.unit.infra.program import EVERYTHING, MINIMAL, Program, run_program


@pytest.fixture(scope="session")
def minimal() -> Program:
    """The program with nothing configured but what has no default."""
    return run_program(MINIMAL)


@pytest.fixture(scope="session")
def everything() -> Program:
    """The program with every setting away from its default."""
    return run_program(EVERYTHING)


@pytest.fixture(params=["minimal", "everything"])
def program(request: pytest.FixtureRequest) -> Program:
    """Each of the two in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Program)
    return found
