"""`pulumi preview` of the program, with a local state and against localaws, where there is a CLI.

The CLI is no Python package and the AWS provider is a plugin that it downloads, so a machine may
have neither. Then the test says so in the terminal, and the rest is proven by running the same
program under mocks (tests/unit/infra) and against localaws (test_applied_stack).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from localaws.embedded import LocalAws
from tests.unit.infra.program import MINIMAL, ROOT

PULUMI = shutil.which("pulumi")
CASES = ["preview"] if PULUMI else ["no Pulumi CLI on PATH"]
SERVICES = ("apigatewayv2", "cloudwatchlogs", "iam", "iot", "lambda", "ssm", "sts")


def say(request: pytest.FixtureRequest, sentence: str) -> None:
    """Write a line into the terminal, whatever becomes of the test."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture: pytest.CaptureFixture[str] = request.getfixturevalue("capsys")
    if reporter is not None:
        with capture.disabled():
            reporter.write_line(f"\npulumi preview: {sentence}")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.timeout(300)
async def test_the_cli_previews_the_program(
    case: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The real engine and provider plan the minimal stack, or the terminal says why they cannot."""
    if PULUMI is None:
        assert shutil.which("pulumi") is None
        say(request, f"not tried: {case}")
        return
    async with LocalAws() as aws:
        done = await asyncio.to_thread(preview, PULUMI, aws, tmp_path)
    if done.returncode and "plugin" in done.stderr + done.stdout:
        say(request, f"the AWS provider cannot be had: {done.stderr.strip().splitlines()[-1]}")
        return
    assert done.returncode == 0, done.stdout + done.stderr
    assert "to create" in done.stdout


def preview(cli: str, aws: LocalAws, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `pulumi preview` of a new stack whose state and configuration are thrown away."""
    environ = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{folder}",
        "PULUMI_CONFIG_PASSPHRASE": "preview",
        "PULUMI_HOME": str(folder / "home"),
        "AWS_ACCESS_KEY_ID": aws.admin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.admin.secret.reveal(),
        "AWS_REGION": "us-east-1",
    }
    stack_file = folder / "Pulumi.preview.yaml"
    options = ["--stack", "preview", "--config-file", str(stack_file), "--non-interactive"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [cli, *arguments],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    run("stack", "init", "preview", "--non-interactive")
    endpoints = json.dumps([dict.fromkeys(SERVICES, aws.endpoints.aws_url)])
    values = {**MINIMAL, "aws:region": "us-east-1", "aws:endpoints": endpoints}
    for key, value in values.items():
        run("config", "set", key, value, *options)
    return run("preview", *options)
