"""What the gateway makes of one CPU, beside two baselines on the same machine.

POST, durable 202, published: the load posts events to `python -m gateway serve` with its outbox on
disk, and an endpoint in another process counts the publishes. The baselines are a minimal gateway of
aiohttp and stock aioboto3 that keeps nothing, and the raw loop of the stock client's publish. Each
contender runs alone on the first CPU; load and endpoint share the others. Rounds take turns and the
best of each counts, since the machine may be shared. Compare rows of one run only.

    python -m bench.gateway [--seconds 3] [--rounds 3] [--minutes 0.3] [--plots docs/images]

Events per second are counted at the endpoint, until the last accepted event was published there.
CPU is what the contender's process used, all threads. Source: docs/performance.md has the results.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import svg
from bench.contenders import (
    LOOP,
    MINIMAL,
    OURS,
    STOCK,
    Stub,
    child,
    contender,
    stub,
)
from bench.post_load import Answers, Requests, at_rate, closed_loop
from bench.servers import cpu_s, off_first_cpu, on_first_cpu, resident_bytes

CONNECTIONS = {1: 32, 100: 8}
"""Connections of the load, by events in a request."""

console = Console()


@dataclass
class Result:
    """One measurement.

    Attributes:
        events: Events published.
        per_s: Events published each second.
        cpu_us: CPU of the contender for each event, microseconds.
        problem: What went wrong, or nothing.
        answer_ms: Quantiles of the time from POST to answer, 1,001 of them.
        publish_ms: Quantiles of the time from POST to publish.
        memory: Seconds and megabytes.
        stages: CPU for each event by stage, microseconds.
    """

    events: int = 0
    per_s: float = 0.0
    cpu_us: float = 0.0
    problem: str = ""
    answer_ms: list[float] = field(default_factory=list)
    publish_ms: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def measure(
    name: str,
    endpoint: Stub,
    *,
    batch: int,
    seconds: float,
    events_per_s: float = 0.0,
    stages: Path | None = None,
) -> Result:
    """Start a contender, load it once, and return what came of it.

    Args:
        name: Which.
        endpoint: Where it publishes to.
        batch: Events of one request.
        seconds: How long.
        events_per_s: A steady rate; 0 for as much as it takes.
        stages: Where to write CPU by stage, if it is wanted.
    """
    endpoint.reset()
    if name == LOOP:
        return _loop(endpoint, seconds)
    with contender(name, endpoint, stages) as running:
        requests = Requests(port=running.port, key=running.key, batch=batch)
        connections = CONNECTIONS[batch]
        warm = uvloop.run(closed_loop(requests, connections=connections, seconds=0.5))
        endpoint.wait_for(warm.accepted)
        endpoint.reset()
        if stages:
            os.kill(running.pid, signal.SIGUSR1)
        used, memory = cpu_s(running.pid), _Memory(running.pid)
        answers = uvloop.run(_loaded(requests, connections, seconds, events_per_s, memory))
        facts = endpoint.wait_for(answers.accepted)
        used = cpu_s(running.pid) - used
        if stages:
            os.kill(running.pid, signal.SIGUSR2)
            while not stages.exists():
                time.sleep(0.05)
    result = _result(answers, facts, used)
    result.memory = memory.seen
    if stages:
        found = json.loads(stages.read_text())
        result.stages = {
            stage: spent * 1e6 / max(answers.accepted, 1)
            for stage, spent in sorted(found["cpu_s"].items(), key=lambda item: -item[1])
        }
        result.lines = found["lines"]
    return result


async def _loaded(
    requests: Requests, connections: int, seconds: float, events_per_s: float, memory: _Memory
) -> Answers:
    watching = asyncio.create_task(memory.watch())
    try:
        if events_per_s:
            return await at_rate(
                requests, connections=connections, seconds=seconds, events_per_s=events_per_s
            )
        return await closed_loop(requests, connections=connections, seconds=seconds)
    finally:
        watching.cancel()


class _Memory:
    """Memory of a process over time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.seen: list[tuple[float, float]] = []

    async def watch(self) -> None:
        began = time.monotonic()
        while True:
            self.seen.append((time.monotonic() - began, resident_bytes(self._pid) / 1e6))
            await asyncio.sleep(1)


def _loop(endpoint: Stub, seconds: float) -> Result:
    command = ["bench.stock_loop", endpoint.url, str(CONNECTIONS[1]), str(seconds)]
    with child(command, pin=on_first_cpu) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
    return Result(
        events=facts["events"],
        per_s=facts["events"] / facts["took_s"],
        cpu_us=facts["cpu_s"] * 1e6 / facts["events"],
    )


def _result(answers: Answers, facts: dict[str, Any], used: float) -> Result:
    events = facts["count"]
    problem = answers.said[:80]
    if events != answers.accepted:
        problem = problem or f"{answers.accepted:,} accepted, {events:,} published"
    waits = sorted(answers.waits_ms)
    return Result(
        events=events,
        per_s=events / max((facts["last_ns"] - answers.began_ns) / 1e9, 0.001),
        cpu_us=used * 1e6 / max(events, 1),
        problem=problem,
        answer_ms=[waits[(len(waits) - 1) * index // 1_000] for index in range(1_001)],
        publish_ms=facts["ages_ms"],
    )


def throughput(results: dict[tuple[str, int], list[Result]]) -> Table:
    """Return the best round of each contender, and how it compares with the minimal gateway."""
    made = Table(title="as fast as it goes, on one CPU")
    for name in ("events in a request", "contender", "events/s", "x minimal", "CPU µs/event", "x minimal", ""):  # fmt: skip
        made.add_column(name, justify="left" if name in ("contender", "") else "right")
    for (name, batch), rounds in results.items():
        best = max(rounds, key=lambda one: one.per_s)
        base = max(results[MINIMAL, batch], key=lambda one: one.per_s)
        made.add_row(
            str(batch),
            name,
            f"{best.per_s:,.0f}",
            f"{best.per_s / base.per_s:.2f}",
            f"{best.cpu_us:,.0f}",
            f"1/{base.cpu_us / best.cpu_us:.2f}",
            best.problem,
        )
    return made


def latencies(results: dict[str, Result]) -> Table:
    """Return quantiles at a steady rate."""
    made = Table(title="at half of what it can, from POST, milliseconds")
    for name in ("load", "events/s", "answer p50", "p99", "published p50", "p99", "p99.9", ""):
        made.add_column(name, justify="left" if name in ("load", "") else "right")
    for name, one in results.items():
        made.add_row(
            name,
            f"{one.per_s:,.0f}",
            *(f"{one.answer_ms[index]:.1f}" for index in (500, 990)),
            *(f"{one.publish_ms[index]:.1f}" for index in (500, 990, 999)),
            one.problem,
        )
    return made


def stage_table(results: dict[str, Result]) -> Table:
    """Return CPU for each event by stage."""
    made = Table(title="CPU for each event by stage, µs")
    made.add_column("stage")
    for name in results:
        made.add_column(name, justify="right")
    stages = dict.fromkeys(stage for one in results.values() for stage in one.stages)
    for stage in stages:
        made.add_row(stage, *(f"{one.stages.get(stage, 0):.1f}" for one in results.values()))
    made.add_section()
    made.add_row("all", *(f"{sum(one.stages.values()):.1f}" for one in results.values()))
    return made


def draw(
    folder: Path,
    rates: dict[tuple[str, int], list[Result]],
    steady: dict[str, Result],
    split: dict[str, Result],
) -> None:
    """Write the plots."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for (name, batch), rounds in rates.items():
        base = max(one.per_s for one in rates[MINIMAL, batch])
        label = name if batch == 1 else f"{name}, batches"
        rows[label] = max(one.per_s for one in rounds) / base
    note = "the minimal gateway keeps nothing; the gateway answers 202 from a synced disk"
    title = "Events per second on one CPU, as multiples of the minimal gateway"
    (folder / "gateway-throughput.svg").write_text(svg.bars(title, rows, unit="x", note=note))
    for one in steady.values():
        top = one.publish_ms[999] * 1.2
        series = {
            "published": [(age, index / 10) for index, age in enumerate(one.publish_ms)][::5],
            "answered 202": [(age, index / 10) for index, age in enumerate(one.answer_ms)][::5],
        }
        plot = svg.lines(
            "Time from POST, at half of what the gateway can",
            series,
            x_unit="milliseconds",
            y_unit="percent of events",
            x_top=top,
            y_top=100,
        )
        (folder / "gateway-latency.svg").write_text(plot)
        memory = svg.lines(
            "Memory of the gateway at half load",
            {"resident": one.memory},
            x_unit="seconds",
            y_unit="megabytes",
        )
        (folder / "gateway-memory.svg").write_text(memory)
    stages = {name: one.stages for name, one in split.items()}
    title = "CPU for each event by stage"
    (folder / "gateway-cpu.svg").write_text(svg.stacked(title, stages, unit="µs"))


def main() -> None:
    """Measure everything, print the tables, write the plots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seconds", type=float, default=3.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all measurements")
    parser.add_argument("--minutes", type=float, default=0.3, help="at half load, for memory")
    parser.add_argument("--plots", type=Path, help="folder for the plots")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    options = parser.parse_args()
    off_first_cpu()
    cases = [(LOOP, 1), (MINIMAL, 1), (STOCK, 1), (OURS, 1), (MINIMAL, 100), (OURS, 100)]
    rates: dict[tuple[str, int], list[Result]] = {case: [] for case in cases}
    steady: dict[str, Result] = {}
    split: dict[str, Result] = {}
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), refresh_per_second=2
    )
    with bars as progress, stub() as endpoint, tempfile.TemporaryDirectory() as folder:
        task = progress.add_task("starting", total=len(cases) * options.rounds + 3)
        for _ in range(options.rounds):
            for name, batch in cases:
                progress.update(task, description=f"{name}, {batch} at a time")
                one = measure(name, endpoint, batch=batch, seconds=options.seconds)
                rates[name, batch].append(one)
                progress.advance(task)
        for batch, label in ((1, "single events"), (100, "batches of 100")):
            progress.update(task, description=f"CPU by stage, {label}")
            file = Path(folder) / f"stages-{batch}.json"
            split[label] = measure(OURS, endpoint, batch=batch, seconds=options.seconds, stages=file)  # fmt: skip
            progress.advance(task)
        half = max(one.per_s for one in rates[OURS, 1]) / 2
        progress.update(task, description=f"half load: {half:,.0f} events/s")
        steady["single events"] = measure(
            OURS, endpoint, batch=1, seconds=options.minutes * 60, events_per_s=half
        )
        progress.advance(task)
    for table in (throughput(rates), latencies(steady), stage_table(split)):
        console.print(table)
    seen = [megabytes for _, megabytes in steady["single events"].memory]
    console.print(f"memory at half load: {seen[0]:.0f} MB at first, {seen[-1]:.0f} MB at the end")
    if options.plots:
        draw(options.plots, rates, steady, split)
    if options.json:
        named = {f"{name}, {batch}": [asdict(one) for one in all_] for (name, batch), all_ in rates.items()}  # fmt: skip
        named |= {f"split, {name}": [asdict(one)] for name, one in split.items()}
        named |= {f"half, {name}": [asdict(one)] for name, one in steady.items()}
        options.json.write_text(json.dumps(named))


if __name__ == "__main__":
    main()
