"""What ten thousand connected clients cost: time to connect them, memory, and a broadcast to all.

Every client has a signed URL and a session policy of its own; the server verifies the signature,
decides iot:Connect and iot:Subscribe, and iot:Receive at the first delivery. Memory is the server
process's resident set, all clients connected and subscribed, less what it was before the first one
came; a second figure counts after the broadcasts, when decisions and routes are remembered too.

    python -m bench.connections [--clients 10000]

Needs twice as many file descriptors as clients in two processes (`ulimit -n`); asks for them itself
as far as the hard limit allows.

Source: docs/performance-localaws.md has the results.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load_client import Job
from bench.servers import cpu_s, off_first_cpu, resident_bytes, running

SPARE_DESCRIPTORS = 500

console = Console()


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--broadcasts", type=int, default=20)
    options = parser.parse_args()
    clients = affordable(options.clients)
    with (
        tempfile.TemporaryDirectory(prefix="connections-") as folder,
        console.status(f"making {clients:,} credentials") as status,
        running("localaws", clients=clients, folder=Path(folder), rates="aws") as served,
    ):
        job = Job(
            kind=served.kind,
            host="127.0.0.1",
            port=served.port,
            clients=served.clients,
            publisher=served.publisher,
            topic=served.topic,
            qos=0,
            payload_bytes=200,
            window=1,
            warm_up_s=0,
            seconds=0,
            broadcasts=options.broadcasts,
        )
        before, before_cpu = resident_bytes(served.pid), cpu_s(served.pid)
        status.update(f"connecting {clients:,} clients")
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
        connected_s = json.loads(load.stdout.readline())["connected_s"]
        connect_cpu_s = cpu_s(served.pid) - before_cpu
        time.sleep(1)
        connected = resident_bytes(served.pid)
        status.update("broadcasting")
        load.stdin.write("go\n")
        load.stdin.flush()
        answer = json.loads(load.stdout.readline())
        after = resident_bytes(served.pid)
        load.wait(timeout=30)
    table = Table(title=f"{clients:,} connected, authorised, subscribed clients", show_header=False)
    rows = {
        "time to connect and subscribe all": f"{connected_s:.1f} s ({clients / connected_s:,.0f}/s)",
        "server CPU for each": f"{connect_cpu_s / clients * 1e6:,.0f} µs",
        "resident memory for each": f"{(connected - before) / clients / 1024:.1f} KB",
        "the same after the broadcasts": f"{(after - before) / clients / 1024:.1f} KB",
        **{
            f"broadcast to all, {name}": f"{answer['delays_s'][share] * 1000:,.0f} ms"
            for share, name in (("0.5", "median"), ("0.99", "p99"), ("1.0", "last"))
        },
        "the very first one, policies decided": f"{answer['first_s'] * 1000:,.0f} ms",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    if answer["failure"]:
        console.print(f"[red]{answer['failure']}[/]")
        sys.exit(1)


def affordable(clients: int) -> int:
    """Raise the limit on file descriptors as far as needed and possible; say if fewer fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = clients + SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < needed:
            fewer = max(1, soft - SPARE_DESCRIPTORS)
            console.print(
                f"[yellow]ulimit -n allows {hard:,} descriptors: {fewer:,} clients, not {clients:,}[/]"
            )
            return fewer
    return clients


if __name__ == "__main__":
    main()
