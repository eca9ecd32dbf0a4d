"""Where a process spends its CPU, by stage: a sampler, and the gateway run under it.

Theory of operation: the system's profiling timer interrupts the process once for every millisecond
of CPU it uses; the handler walks the main thread's stack outwards from where it stands, and counts
the first frame whose file belongs to a stage. So C code counts for who called it, library code for
who asked for it, and the cost is about one in a hundred. CPU of other threads (the outbox's writer)
is read from the system, thread by thread. cProfile was not used: it taxes each call, and so shifts
the blame from C to Python.

    python -m bench.stages <file for the result>       runs `gateway serve` until SIGTERM
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from gateway.__main__ import main

ELSEWHERE = "event loop (uvloop)"

STAGES = {
    "/gateway/commands/": ELSEWHERE,
    "/gateway/iot/": "publish: sign, send, read the answer",
    "/gateway/core/publish_request.py": "publish: sign, send, read the answer",
    "/wire/sigv4.py": "publish: sign, send, read the answer",
    "/gateway/readiness.py": "publish: sign, send, read the answer",
    "/wire/envelope.py": "envelope",
    "/gateway/core/kept_event.py": "envelope",
    "/gateway/metrics": "metrics, traces, log lines",
    "/gateway/request_line.py": "metrics, traces, log lines",
    "/gateway/tracing": "metrics, traces, log lines",
    "/gateway/logs.py": "metrics, traces, log lines",
    "/gateway/instruments.py": "metrics, traces, log lines",
    "/prometheus_client/": "metrics, traces, log lines",
    "/opentelemetry/": "metrics, traces, log lines",
    "/gateway/outbox/": "outbox",
    "/gateway/engine": "delivery engine",
    "/gateway/intake.py": "delivery engine",
    "/gateway/core/lanes.py": "delivery engine",
    "/gateway/core/backlog.py": "delivery engine",
    "/gateway/core/pacing.py": "delivery engine",
    "/gateway/core/retry.py": "delivery engine",
    "/gateway/core/schedule.py": "delivery engine",
    "/gateway/core/collapse.py": "delivery engine",
    "/gateway/core/settlement.py": "delivery engine",
    "/gateway/front/": "HTTP server",
    "/gateway/": "event API: keys, parse, check, answer",
    "/wire/": "event API: keys, parse, check, answer",
    "/aiohttp/": "HTTP server",
    "/multidict/": "HTTP server",
    "/yarl/": "HTTP server",
}
"""Stage by a part of the file's path; of several parts that fit, the first in this order."""

OTHER_THREADS = "outbox: writer thread (SQLite)"


class Sampler:
    """Counts samples by stage."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self._stages: dict[str, str | None] = {}

    def sample(self, _number: int, frame: FrameType | None) -> None:
        """Count where the main thread stands."""
        while frame is not None:
            stage = self._stage(frame.f_code.co_filename)
            if stage is not None:
                self.counts[stage] += 1
                code = frame.f_code
                self.lines[f"{Path(code.co_filename).name}:{code.co_name}"] += 1
                return
            frame = frame.f_back
        self.counts[ELSEWHERE] += 1

    def _stage(self, name: str) -> str | None:
        if name not in self._stages:
            found = (stage for part, stage in STAGES.items() if part in name)
            self._stages[name] = next(found, None)
        return self._stages[name]


def threads_cpu_s() -> tuple[float, float]:
    """Return the CPU time of the main thread and of all others."""
    tick = os.sysconf("SC_CLK_TCK")
    main_s = others_s = 0.0
    for task in Path("/proc/self/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        used = (int(fields[11]) + int(fields[12])) / tick
        if task.name == str(os.getpid()):
            main_s += used
        else:
            others_s += used
    return main_s, others_s


def run(result: Path) -> int:
    """Run the gateway under the sampler, from SIGUSR1 to SIGUSR2."""
    sampler = Sampler()
    started = (0.0, 0.0)

    def start(*_: object) -> None:
        nonlocal started
        started = threads_cpu_s()
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)

    def stop(*_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        main_s, others_s = (now - then for now, then in zip(threads_cpu_s(), started, strict=True))
        total = sum(sampler.counts.values()) or 1
        shares = {stage: main_s * seen / total for stage, seen in sampler.counts.items()}
        shares[OTHER_THREADS] = others_s
        facts = {"cpu_s": shares, "lines": dict(sampler.lines.most_common(60)), "at": time.time()}
        result.write_text(json.dumps(facts))

    signal.signal(signal.SIGPROF, sampler.sample)
    signal.signal(signal.SIGUSR1, start)
    signal.signal(signal.SIGUSR2, stop)
    return main(["serve"])


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
