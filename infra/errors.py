"""Every error that `infra` raises, under one root.

    InfraError
    ├── ConfigInvalid    the operator's stack configuration is wrong; all problems at once
    └── BundleFailed     a Lambda bundle cannot be built: a wheel is missing, pip failed

Both are the operator's to mend, so their texts say how. Bad ids in a policy are `wire.errors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class InfraError(Exception):
    """Root of every error in `infra`."""


class ConfigInvalid(InfraError):
    """The stack configuration does not make valid settings.

    Attributes:
        problems: One sentence for each problem, all of them; never a value that may be secret.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "invalid stack configuration:\n" + "\n".join(f"  - {p}" for p in self.problems)


class BundleFailed(InfraError):
    """A Lambda bundle cannot be built.

    Attributes:
        function: Folder of the function under `lambdas/`.
        problem: What went wrong, with pip's own words where it was pip.
    """

    def __init__(self, function: str, problem: str) -> None:
        super().__init__(function, problem)
        self.function = function
        self.problem = problem

    def __str__(self) -> str:
        return f"cannot bundle lambdas/{self.function}: {self.problem}"
