"""`pulumi preview` of the program, with a local state and against localaws, where there is a CLI.

The CLI is no Python package and the AWS provider is a plugin that it downloads, so a machine may
have neither. What the test says of it is one of three sentences, each of which it has checked:

* no CLI is on PATH: nothing was tried;
* there is a CLI and no AWS provider of the version that `pulumi-aws` needs, and the CLI could not
  download it: the engine, the language host and the program ran up to the first resource;
* there are both: the preview must succeed.

Wherever it stops, the same program runs under mocks (tests/unit/infra) and is applied to localaws
(test_applied_stack, test_applied_service).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from localaws.embedded import LocalAws
from tests.unit.infra.program import MINIMAL, PROJECT, ROOT

PULUMI = shutil.which("pulumi")
CASES = ["preview"] if PULUMI else ["no Pulumi CLI on PATH"]
SERVICES = ("apigatewayv2", "cloudwatchlogs", "iam", "iot", "lambda", "ssm", "sts")
NO_PROVIDER = re.compile(
    r"(no|Could not|failed to|error|install).{0,80}\bplugin\b.{0,80}\baws\b", re.I
)
"""How the CLI says, by version and place, that it has no AWS provider and cannot get one."""


def say(request: pytest.FixtureRequest, sentence: str) -> None:
    """Write a line into the terminal, whatever becomes of the test."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture: pytest.CaptureFixture[str] = request.getfixturevalue("capsys")
    if reporter is not None:
        with capture.disabled():
            reporter.write_line(f"\npulumi preview: {sentence}")


def outcome(code: int, output: str) -> str | None:
    """Return why a preview could not be made, or None where it was.

    Raises:
        AssertionError: It failed, and not for want of the AWS provider.
    """
    if code == 0:
        assert "to create" in output, output
        return None
    reason = next((line for line in output.splitlines() if NO_PROVIDER.search(line)), None)
    assert reason is not None, output
    return f"no AWS provider {version('pulumi-aws')}, and it could not be had: {reason.strip()}"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.timeout(300)
async def test_the_cli_previews_the_program(
    case: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The real engine and provider plan the minimal stack, or the terminal says why they cannot."""
    if PULUMI is None:
        say(request, f"not tried: {case}")
        return
    async with LocalAws() as aws:
        done = await asyncio.to_thread(preview, PULUMI, aws, tmp_path)
    problem = outcome(done.returncode, done.stdout + done.stderr)
    say(request, problem or "made")


@pytest.mark.parametrize(
    ("code", "output", "said"),
    [
        (0, "    + 14 to create", None),
        (
            255,
            "error: no resource plugin 'pulumi-resource-aws' found in the workspace at v7.51.1",
            "no AWS provider",
        ),
        (
            1,
            "error: failed to download plugin: aws-7.51.1: 403 HTTP error fetching plugin",
            "no AWS provider",
        ),
    ],
)
def test_the_reason_is_told(code: int, output: str, said: str | None) -> None:
    """Success, and both ways of having no provider."""
    found = outcome(code, output)
    assert found == said or (found and said and found.startswith(said))


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (1, "error: Missing required configuration variable 'serverless-websockets:jwtAlgorithms'"),
        (1, "error: aws:iam/role:Role resource 'client' has a problem: expected a string"),
        (0, "nothing at all"),
    ],
)
def test_a_preview_that_fails_is_not_explained_away(code: int, output: str) -> None:
    """A program that the engine refuses fails the test, whatever the machine has."""
    with pytest.raises(AssertionError):
        outcome(code, output)


def preview(cli: str, aws: LocalAws, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `pulumi preview` of a new stack; project, state and configuration are thrown away.

    In a copy: the CLI writes a stack's file beside `Pulumi.yaml`.
    """
    project = folder / "project"
    for name in ("infra", "lambdas", "wire"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Pulumi.yaml", "__main__.py", "pyproject.toml"):
        shutil.copy(ROOT / name, project)
    (project / ".venv").symlink_to(Path(sys.prefix))
    (folder / "state").mkdir()
    environ = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_CONFIG_PASSPHRASE": "preview",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_ACCESS_KEY_ID": aws.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.admin.secret.reveal(),
        "AWS_REGION": "us-east-1",
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [cli, *arguments, "--non-interactive"],
            cwd=project,
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    made = run("stack", "init", "preview")
    assert made.returncode == 0, made.stderr
    # As `pulumi config set --path` would leave it; YAML reads JSON.
    file = project / "Pulumi.preview.yaml"
    salt = file.read_text() if file.exists() else ""
    config = {f"{PROJECT}:{key}": typed(value) for key, value in MINIMAL.items()}
    config |= {
        "aws:region": "us-east-1",
        "aws:endpoints": [dict.fromkeys(SERVICES, aws.endpoints.aws_url)],
    }
    file.write_text(f"{salt}\nconfig: {json.dumps(config)}\n")
    return run("preview", "--stack", "preview")


def typed(text: str) -> object:
    """Return a value as a stack's file has it: lists as lists."""
    return json.loads(text) if text.startswith("[") else text
