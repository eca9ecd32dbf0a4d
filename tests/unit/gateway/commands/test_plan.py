"""`python -m gateway plan`: tables, JSON and a picture from the command line."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.commands import plan

DOCS = Path(__file__).resolve().parents[4] / "docs"


@pytest.fixture(autouse=True)
def width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tables be as wide as in docs/planning.md."""
    monkeypatch.setenv("COLUMNS", "110")


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command and return what it wrote."""
    assert main(["plan", *arguments]) == 0
    return capsys.readouterr().out


def test_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """Quotas with the first limit, both storms, three bills, and what is not known."""
    shown = planned(capsys, "--outbox", "shared", "--clients", "20000")
    for part in (
        "20,000 clients, 100 groups",
        "Quotas at the busiest second",
        "The first limit is",
        "Until everybody is back",
        "A month of serverless-websockets (IoT Core)",
        "A month of API Gateway WebSockets + DynamoDB",
        "A month of AppSync Events",
        "The same work, a month",
        "with QoS 0",
        "What this does not know",
        "? not confirmed",
    ):
        assert part in shown
    assert sum(line.rstrip().endswith("first limit") for line in shown.splitlines()) == 1
    assert max(map(len, shown.splitlines())) <= 110


def test_quotas_that_nothing_uses_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """No rows of zeros: neither retained messages nor a queue where there are none."""
    shown = planned(capsys, "--qos", "0")
    for part in ("retained", "DynamoDB write", "SQS", "with QoS 0", "PUBACK"):
        assert part not in shown


def test_a_load_that_does_not_fit_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Ours and the rival's quota, with how many times."""
    shown = planned(capsys, "--to", "everyone", "--events-per-s", "10", "--clients", "10000")
    assert (
        "This does not fit: publishes out, one for each subscriber (IoT Core) is 5 times" in shown
    )
    assert "up to 2,000 (publishes out" in " ".join(shown.split())
    assert "API Gateway WebSockets do not fit: API requests, whole account is 10 times" in shown


def test_an_account_with_raised_quotas_and_its_own_prices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They are used, and marked as the operator's."""
    own = ("--quota", "iot_publishes_out_per_s=100000", "--price", "iot_message=0.5")
    assumed = ("--assume", "appsync_ping_s=60")
    document = json.loads(planned(capsys, "--json", *own, *assumed))
    out = next(use for use in document["quotas"] if use["name"] == "iot_publishes_out_per_s")
    assert (out["quota"], out["standing"]) == (100_000, "yours")
    line = next(line for line in document["bills"][0]["lines"] if line["what"] == "publishes out")
    assert line["usd"] == pytest.approx(1_000 * 2_628_000 / 1e6 * 0.5)
    pings = next(line for line in document["bills"][2]["lines"] if line["what"] == "pings")
    assert pings["amount"] == pytest.approx(10_000 * 43_800)
    assert "0.50/M!" in planned(capsys, *own)


def test_another_regions_prices_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Stockholm's quotas, N. Virginia's prices, and a sentence that says so."""
    shown = planned(capsys, "--region", "eu-north-1", "--prices-of", "us-east-1")
    assert "eu-north-1 (Europe (Stockholm))" in shown
    assert "Prices are those of us-east-1, not of eu-north-1." in shown


def test_shares_of_several_audiences(capsys: pytest.CaptureFixture[str]) -> None:
    """A tenth to everyone, the rest to users; a part of them retained."""
    arguments = ("--to", "everyone=0.1", "--to", "user=0.9", "--retained", "0.05")
    shown = planned(capsys, *arguments)
    assert "to everyone 10 %, user 90 %, 5 % retained" in shown


def test_gateways_come_with_the_outbox(capsys: pytest.CaptureFixture[str]) -> None:
    """One with the embedded outbox, two with the shared one, or as many as asked for."""
    found = [
        json.loads(planned(capsys, "--json", *arguments))["workload"]["gateways"]
        for arguments in ((), ("--outbox", "shared"), ("--outbox", "shared", "--gateways", "5"))
    ]
    assert found == [1, 2, 5]


def test_a_picture_beside_the_tables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The file is a PNG; the tables are shown all the same."""
    file = tmp_path / "plan.png"
    assert "The first limit" in planned(capsys, "--plot", str(file))
    assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--clients", "0", "--qos", "3"], "--clients is 0, but must be 1 to 100,000,000; --qos"),
        (["--region", "eu-north-1"], "--prices-of us-east-1 takes them instead"),
        (["--region", "moon"], "region moon is not known; known are us-east-1"),
        (["--quota", "iot_connections"], "--quota iot_connections: it must be NAME=NUMBER"),
        (["--quota", "iot_connections=many"], "it must be NAME=NUMBER"),
        (["--quota", "connections=5"], "did you mean iot_connections?"),
        (["--price", "iot_message=nan"], "it must be NAME=NUMBER"),
        (["--to", "nobody"], "--to nobody: it must be one of client, user, group, everyone"),
        (["--to", "user=half"], "--to user=half: it must be one of"),
        (["--to", "user", "--to", "user"], "--to user was given twice"),
        (["--to", "user", "--to", "group"], "shares must be above 0 and add up to 1"),
        (["--plot", "plan.gif"], "must end in .svg or .png"),
    ],
)
def test_a_mistake_ends_in_one_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, no trace, nothing on stdout."""
    assert main(["plan", *arguments]) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.err.startswith("gateway: no plan: ")
    assert not shown.out


def test_what_is_no_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Argparse says which option."""
    with pytest.raises(SystemExit, match="2"):
        main(["plan", "--clients", "many"])
    assert "--clients: invalid int value: 'many'" in capsys.readouterr().err


def test_the_documentation_shows_what_the_command_shows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The example of docs/planning.md, line for line, but for the picture it writes."""
    text = (DOCS / "planning.md").read_text()
    found = re.search(r"```console\n\$ python -m gateway (.*?)\n(.*?)```", text, re.DOTALL)
    assert found
    arguments = shlex.split(found[1])
    picture = arguments.index("--plot")
    assert (DOCS.parent / arguments[picture + 1]).is_file()
    assert main([*arguments[:picture], *arguments[picture + 2 :]]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.rstrip() for line in shown] == found[2].splitlines()


def test_the_documentation_has_every_option() -> None:
    """No option is a secret, and none is made up."""
    parser = argparse.ArgumentParser()
    plan.add_to(parser.add_subparsers())
    commands = next(
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    options = {
        name for action in commands.choices["plan"]._actions for name in action.option_strings
    }
    rows = set(re.findall(r"^\| `(--[a-z-]+)", (DOCS / "planning.md").read_text(), re.M))
    assert rows == options - {"-h", "--help"}
