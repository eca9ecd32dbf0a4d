"""The image of the gateway, as far as it can be seen without building one.

That a task of it works, as its own user on files that cannot be written, is seen in
tests/integration/test_applied_service.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.bundle import LAMBDA_ARM64
from tests.unit.infra.dockerfile import Stage, lay_out_image, read_dockerfile
from tests.unit.infra.program import ROOT, Program
from tests.unit.test_layers import imported

BUILD, WEB, LAST = read_dockerfile()
MODULES = {"pyjwt": "jwt", "prometheus-client": "prometheus_client"}
"""Distributions whose module has another name."""


def test_the_image_is_small_and_unprivileged() -> None:
    """Slim, with stages of their own for what only builds; its user, its signal, its entry point."""
    assert [stage.base for stage in (BUILD, WEB, LAST)] == [
        "python:3.13-slim",
        "node:24-slim",
        "python:3.13-slim",
    ]
    assert LAST.one("USER") == "gateway"
    assert "--uid 10001" in LAST.all("RUN")[0]
    assert LAST.one("STOPSIGNAL") == "SIGTERM"
    assert LAST.command("ENTRYPOINT") == ["python", "-m", "gateway"]
    assert LAST.command("CMD") == ["serve"]
    assert LAST.command("VOLUME") == ["/run/gateway"]
    assert "/healthz" in LAST.command("HEALTHCHECK")[-1]
    # Nothing is left behind that only builds.
    assert not re.search(r"\b(pip|npm|apt-get)\b", " ".join(LAST.all("RUN")))


def test_only_what_depends_on_the_platform_is_built_for_it() -> None:
    """The page is the same everywhere; the wheels are not, and Fargate's tasks are arm64."""
    assert [stage.build_platform for stage in (BUILD, WEB, LAST)] == [False, True, False]


def test_tasks_run_on_the_platform_that_the_image_is_built_for(everything: Program) -> None:
    """The command in Dockerfile and guide, the task definition, and the Lambdas all say arm64."""
    definition = everything.one("ecs/taskDefinition:TaskDefinition").inputs
    assert definition["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    for document in (ROOT / "Dockerfile", ROOT / "docs" / "deploy.md"):
        assert "docker buildx build --platform linux/arm64" in document.read_text()
    for function in everything.all("lambda/function:Function"):
        assert function.inputs["architectures"] == ["arm64"]
    python = LAST.base.removeprefix("python:").removesuffix("-slim")
    assert python == LAMBDA_ARM64.python
    assert {one.inputs["runtime"] for one in everything.all("lambda/function:Function")} == {
        f"python{python}"
    }


@pytest.mark.parametrize("stage", [BUILD, WEB, LAST], ids=["build", "web", "last"])
def test_what_is_copied_is_there_and_let_in(stage: Stage) -> None:
    """Each source exists, and `.dockerignore`, which keeps everything out, lets it in."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    names = {other.name for other in (BUILD, WEB)}
    for copy in stage.copies:
        if copy.stage is not None:
            assert copy.stage in names
            continue
        for source in copy.sources:
            assert (ROOT / source).exists(), source
            assert f"!{source.rstrip('/')}" in ignored


def test_nothing_else_is_let_in() -> None:
    """What `.dockerignore` lets in is what some stage copies."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {
        source.rstrip("/")
        for stage in (BUILD, WEB, LAST)
        for copy in stage.copies
        if copy.stage is None
        for source in copy.sources
    }
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    assert "**/__pycache__" in ignored


def test_the_image_installs_what_the_gateway_imports(tmp_path: Path) -> None:
    """The very line that picks dependencies picks the project's without Pulumi's, all of them pinned."""
    (expression,) = re.findall(r'python -c "(import tomllib; .+?)" >', BUILD.one("RUN"))
    for name in ("pyproject.toml", "requirements.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    picked = subprocess.run(
        [sys.executable, "-c", expression],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert picked == [name for name in project["dependencies"] if not name.startswith("pulumi")]
    names = {re.split(r"[\[=;< ]", name)[0] for name in picked}
    pinned = (ROOT / "requirements.txt").read_text()
    for name in names:
        assert re.search(rf"^{name}==", pinned, re.M), f"{name} is not in requirements.txt"
    modules = {MODULES.get(name, name) for name in names}
    # What these bring along themselves.
    modules |= {"aiobotocore", "botocore", "multidict", "yarl", "opentelemetry", "cryptography"}
    # Imported only where a plot is asked for; without it the command says what to install.
    modules |= {re.split("==", name)[0] for name in project["optional-dependencies"]["plan"]}
    sources = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "wire").rglob("*.py")]
    for path in sources:
        for module in {name.partition(".")[0] for name in imported(path)}:
            known = module in modules | set(sys.stdlib_module_names) | {"gateway", "wire"}
            assert known or "types_boto3" in module, f"{path} imports {module}"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["--help"], 0, "run the gateway"), (["serve"], 2, "GATEWAY_NAMESPACE")],
)
def test_the_copied_files_are_enough_to_start(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    """In a folder that holds what the image holds, the entry point runs, and so does its compiling."""
    stage = lay_out_image(tmp_path)
    work = tmp_path / stage.one("WORKDIR").lstrip("/")
    _, compiling = stage.all("RUN")
    words = compiling.removeprefix("python ").split()
    subprocess.run([sys.executable, *words], cwd=work, check=True, timeout=60)
    assert (work / "dashboard" / "index.html").is_file()
    python, *rest = stage.command("ENTRYPOINT")
    assert python == "python"
    done = subprocess.run(
        [sys.executable, *rest, *arguments],
        cwd=work,
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "", "PYTHONPATH": str(work)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
