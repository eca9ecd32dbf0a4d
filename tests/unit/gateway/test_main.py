"""The command line: keys are made, listed and revoked; mistakes end in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.key_file import read_keys


def new_key_in(path: Path, *more: str, name: str = "shop") -> int:
    """Run `key new`."""
    return main(["key", "new", "--name", name, "--file", str(path), *more])


def test_a_new_key_is_shown_alone_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It can be piped, and opens the gateway that has the file."""
    path = tmp_path / "keys.json"
    assert (
        new_key_in(path, "--publish", "group:orders/*", "--publish", "user:*", "--rate", "5") == 0
    )
    shown = capsys.readouterr()
    service = read_keys(path).find(shown.out.removesuffix("\n"))
    assert service is not None
    assert [str(pattern) for pattern in service.publish] == ["group:orders/*", "user:*"]
    assert (service.name, service.rate_per_s, service.admin) == ("shop", 5, False)
    assert service.credential_id in shown.err
    assert shown.out.strip() not in shown.err


def test_keys_are_added_listed_and_revoked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list line shows who may do what; revoking by service takes all its keys."""
    path = tmp_path / "keys.json"
    new_key_in(path, "--publish", "*", "--admin")
    new_key_in(path)
    new_key_in(path, name="other")
    capsys.readouterr()
    assert main(["key", "list", "--file", str(path)]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(line[1], line[2], line[3], line[5]) for line in lines] == [
        ("shop", "any rate", "admin", "*"),
        ("shop", "any rate", "-", "-"),
        ("other", "any rate", "-", "-"),
    ]
    assert main(["key", "revoke", lines[0][0], "--file", str(path)]) == 0
    assert main(["key", "revoke", "shop", "--file", str(path)]) == 0
    assert [key.service.name for key in read_keys(path).keys] == ["other"]


def test_a_principal_has_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown on stdout; it is listed and revoked as keys are."""
    path = tmp_path / "keys.json"
    principal = "AROAJ2UCCR6DPCEXAMPLE"
    assert new_key_in(path, "--principal", principal, "--publish", "user:*", "--rate", "5") == 0
    shown = capsys.readouterr()
    assert not shown.out
    assert principal in shown.err
    assert main(["key", "list", "--file", str(path)]) == 0
    line = capsys.readouterr().out.rstrip().split("\t")
    assert (line[:4], line[5]) == ([principal, "shop", "5/s", "-"], "user:*")
    assert main(["key", "revoke", principal, "--file", str(path)]) == 0
    assert len(read_keys(path)) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["key", "new", "--name", "Shop", "--file", "k"], "a service's name is"),
        (
            ["key", "new", "--name", "s", "--principal", "AROAEXAMPLE", "--admin", "--file", "k"],
            "--admin is of no use",
        ),
        (["key", "new", "--name", "s", "--principal", "arn", "--file", "k"], "unique id of a role"),
        (["key", "list", "--file", "nowhere/keys.json"], "No such file"),
    ],
)
def test_a_mistake_ends_in_one_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, no trace, nothing on stdout."""
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.startswith("gateway: ")
    assert not shown.out


def test_serve_names_every_missing_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing starts on half a configuration."""
    for name in ("GATEWAY_NAMESPACE", "GATEWAY_IOT_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert main(["serve"]) == 2
    shown = capsys.readouterr().err
    assert "GATEWAY_NAMESPACE is required" in shown
    assert "GATEWAY_IOT_ENDPOINT is required" in shown
