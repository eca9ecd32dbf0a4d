"""How many deliveries a second localaws makes, beside Mosquitto and nchan on the same machine.

One publisher, many WebSocket subscribers of one topic, QoS 0 and 1. localaws checks signatures and
session policies and has a principal of its own for each subscriber; the other two let everybody in
(they are programs in C). The same load client drives all of them in a process of its own, on another
CPU. Rounds take turns, and the best round of each counts, since the machine may be shared. Compare
rows of one run only.

    python -m bench.fanout [--subscribers 200 1000] [--seconds 3] [--rounds 3]

Source: docs/performance-localaws.md has the results.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.load_client import Job
from bench.servers import absent, cpu_s, off_first_cpu, running

SERVERS = ("localaws", "mosquitto", "nchan")

console = Console()


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    server: str
    subscribers: int
    qos: int


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement.

    Attributes:
        server_cpu: Share of one CPU the server used.
    """

    rate: float
    server_cpu: float
    problem: str


def measure(case: Case, options: argparse.Namespace, tell: Any) -> Result:
    """Start the server and the load, and measure once."""
    with (
        tempfile.TemporaryDirectory(prefix="fanout-") as folder,
        running(case.server, clients=case.subscribers, folder=Path(folder)) as served,
    ):
        job = Job(
            kind=served.kind,
            host="127.0.0.1",
            port=served.port,
            clients=served.clients,
            publisher=served.publisher,
            topic=served.topic,
            qos=case.qos,
            payload_bytes=options.payload,
            window=options.window,
            warm_up_s=0.5,
            seconds=options.seconds,
        )
        load = subprocess.Popen(
            [sys.executable, "-m", "bench.load_client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=off_first_cpu,
        )
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(json.dumps(asdict(job)) + "\n")
        load.stdin.flush()
        answer: dict[str, Any] = {}
        began_cpu = used = after = 0.0
        for line in load.stdout:
            answer = json.loads(line)
            if "after_s" in answer:
                began_cpu = began_cpu or cpu_s(served.pid)
                used, after = cpu_s(served.pid) - began_cpu, answer["after_s"]
                tell(answer["deliveries"] / answer["after_s"])
        load.wait(timeout=30)
    if "rate" not in answer:
        return Result(0, 0, "the load client failed")
    problem = answer["failure"] or ("" if answer["complete"] else f"{answer['missing']} missing")
    return Result(answer["rate"], used / max(after - 0.25, 0.1), problem)


def cases(options: argparse.Namespace) -> list[Case]:
    """Return what can be measured here, and say what cannot."""
    servers = []
    for server in options.servers:
        why = absent(server)
        if why:
            console.print(f"[yellow]skipped:[/] {why}")
        else:
            servers.append(server)
    return [
        Case(server, subscribers, qos)
        for subscribers in options.subscribers
        for qos in options.qos
        for server in servers
        if not (server == "nchan" and qos)  # nchan has no acknowledgements
    ]


def table(results: dict[Case, list[Result]], options: argparse.Namespace) -> Table:
    """Return the best round of each case, and how it compares with localaws."""
    made = Table(title=f"deliveries per second, best of {options.rounds}")
    heads = (
        "subscribers",
        "QoS",
        "server",
        "deliveries/s",
        "CPU",
        "CPU µs each",
        "localaws is",
        "",
    )
    for name in heads:
        made.add_column(name, justify="left" if name in ("server", "") else "right")
    for case, rounds in results.items():
        best = max(rounds, key=lambda one: one.rate)
        own = results.get(Case("localaws", case.subscribers, case.qos))
        own_rate = max(one.rate for one in own) if own else 0
        made.add_row(
            f"{case.subscribers:,}",
            str(case.qos),
            case.server,
            f"{best.rate:,.0f}",
            f"{best.server_cpu:.0%}",
            f"{best.server_cpu / best.rate * 1e6:.1f}" if best.rate else "",
            f"{own_rate / best.rate:.2f} x" if best.rate and case.server != "localaws" else "",
            best.problem,
        )
    return made


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--subscribers", type=int, nargs="+", default=[200, 1_000])
    parser.add_argument("--qos", type=int, nargs="+", default=[0, 1], choices=[0, 1])
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=SERVERS)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all measurements")
    parser.add_argument("--window", type=int, default=16, help="messages under way at a time")
    parser.add_argument("--payload", type=int, default=200, help="bytes")
    options = parser.parse_args()
    todo = cases(options)
    results: dict[Case, list[Result]] = {case: [] for case in todo}
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )
    with bars as progress:
        task = progress.add_task("starting", total=len(todo) * options.rounds)
        for _ in range(options.rounds):
            for case in todo:
                name = f"{case.server} {case.subscribers} QoS {case.qos}"

                def tell(rate: float, name: str = name) -> None:
                    progress.update(task, description=f"{name}: {rate:,.0f}/s")

                progress.update(task, description=name)
                results[case].append(measure(case, options, tell))
                progress.advance(task)
    # A file or a pipe has no width of its own, and the default would cut the table.
    (console if console.is_terminal else Console(width=110)).print(table(results, options))


if __name__ == "__main__":
    main()
