"""The Dockerfile, read: its stages, what each copies, and what the last one runs.

Owns as much of the format as ours uses: comments, lines that go on, exec forms. Laying an image's
files out in a folder is all it does of building.

Source: Docker's Dockerfile reference.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.infra.program import ROOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One COPY: from which stage (None for the repository), what, and where to."""

    stage: str | None
    sources: tuple[str, ...]
    target: str


@dataclass(slots=True, kw_only=True)
class Stage:
    """One stage.

    Attributes:
        base: Image that it begins with.
        name: What other stages call it, or empty.
        build_platform: Whether it runs on the builder's own platform.
        steps: Instruction and text of each, in order.
    """

    base: str
    name: str
    build_platform: bool
    steps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def copies(self) -> list[Copy]:
        """Every COPY."""
        return [_copy(text) for text in self.all("COPY")]

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets, `$PATH` left as it is."""
        pairs = [pair for text in self.all("ENV") for pair in shlex.split(text)]
        return dict(pair.split("=", 1) for pair in pairs)

    def all(self, instruction: str) -> list[str]:
        """Return the texts of an instruction."""
        return [text for word, text in self.steps if word == instruction]

    def one(self, instruction: str) -> str:
        """Return the text of an instruction that stands there once."""
        (text,) = self.all(instruction)
        return text

    def command(self, instruction: str) -> list[str]:
        """Return the exec form that an instruction ends with."""
        found: list[str] = json.loads(self.one(instruction)[self.one(instruction).index("[") :])
        return found


def read_dockerfile(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """Return the stages."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        word, _, text = line.partition(" ")
        if word == "FROM":
            parts = text.removeprefix("--platform=$BUILDPLATFORM ").split()
            stages.append(
                Stage(
                    base=parts[0],
                    name=parts[2] if len(parts) > 1 else "",
                    build_platform=text.startswith("--platform=$BUILDPLATFORM "),
                )
            )
        else:
            stages[-1].steps.append((word, text.strip()))
    return stages


def lay_out_image(folder: Path) -> Stage:
    """Copy what the last stage copies to where it copies it, below a folder; return that stage.

    The virtual environment is left out: whoever runs the files brings one. What the web stage builds
    comes from `web/dist`, which the same script has built.
    """
    stage = read_dockerfile()[-1]
    work = stage.one("WORKDIR")
    for copy in stage.copies:
        if copy.target == "/venv":
            continue
        target = folder / Path(work, copy.target).relative_to("/")
        for source in copy.sources:
            origin = ROOT / source
            if copy.stage == "web":
                origin = ROOT / "web" / Path(source).relative_to("/build")
            shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    return stage


def _copy(text: str) -> Copy:
    words = text.split()
    stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
    return Copy(stage=stage, sources=tuple(words[:-1]), target=words[-1])
