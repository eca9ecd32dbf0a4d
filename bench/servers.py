"""The servers that are compared: how each is started, and what a client must know of it.

Owns finding, configuring, starting and ending them. Each runs on the first CPU, the load on the others.

Mosquitto and nchan come from Debian (`apt-get install mosquitto libnginx-mod-nchan`). Debian's
Mosquitto has no WebSocket listener ("Unable to start any listening sockets"), so it is measured over
plain TCP: that spares it the framing, which is in its favour.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT_S = 30.0

CPUS = frozenset(os.sched_getaffinity(0))
"""What the benchmark was given, noted before it binds itself to a part of it."""

NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

MOSQUITTO_CONF = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages 100
max_queued_messages 10000
log_type none
"""

NCHAN_CONF = """
load_module {module};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  nchan_shared_memory_size 256m;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    tcp_nodelay on;
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id bench;
                       nchan_message_buffer_length 1000; }}
    location = /pub {{ nchan_publisher websocket; nchan_channel_id bench;
                       nchan_message_buffer_length 1000; nchan_message_timeout 10s; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running server.

    Attributes:
        kind: What the load client speaks: `mqtt`, `mqtt-tcp` or `nchan`.
        pid: The process that does the work.
        publisher: Path and client id of the publisher.
        clients: Path and client id of each subscriber.
    """

    kind: str
    port: int
    pid: int
    topic: str
    publisher: tuple[str, str]
    clients: list[tuple[str, str]]


def absent(server: str) -> str:
    """Return why a server cannot be measured here, or nothing."""
    if server == "mosquitto" and not shutil.which("mosquitto", path=_path()):
        return "mosquitto is not installed (apt-get install mosquitto)"
    if server == "nchan" and not (NCHAN_MODULE.exists() and shutil.which("nginx", path=_path())):
        return "nchan is not installed (apt-get install libnginx-mod-nchan)"
    return ""


@contextmanager
def running(server: str, *, clients: int, folder: Path, rates: str = "none") -> Iterator[Served]:
    """Run a server in an empty folder until the block ends; rates `aws` are localaws's default."""
    if server == "localaws":
        process, served = _localaws(clients, folder, rates)
    else:
        start = {"mosquitto": _mosquitto, "nchan": _nchan}[server]
        process, served = start(clients, folder)
    try:
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=START_TIMEOUT_S)


def cpu_s(pid: int) -> float:
    """Return the CPU time a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Return the memory a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def on_first_cpu() -> None:
    """Bind this process to the first CPU of the benchmark's, whatever its parent is bound to."""
    os.sched_setaffinity(0, {min(CPUS)})


def off_first_cpu() -> None:
    """Bind this process to all CPUs but the first, if there are several."""
    os.sched_setaffinity(0, CPUS - {min(CPUS)} or CPUS)


def _localaws(clients: int, folder: Path, rates: str) -> tuple[subprocess.Popen[str], Served]:
    with (folder / "localaws.log").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.localaws_server", str(clients), rates],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=on_first_cpu,
        )
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    return process, Served(kind="mqtt", pid=process.pid, **facts)


def _mosquitto(clients: int, folder: Path) -> tuple[subprocess.Popen[str], Served]:
    port = _free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(MOSQUITTO_CONF.format(port=port))
    process = _started(["mosquitto", "-c", str(conf)], port)
    return process, Served(
        kind="mqtt-tcp",
        port=port,
        pid=process.pid,
        topic="bench/group/orders/eu",
        publisher=("", "publisher"),
        clients=[("", f"user-{one}") for one in range(clients)],
    )


def _nchan(clients: int, folder: Path) -> tuple[subprocess.Popen[str], Served]:
    port = _free_port()
    conf = folder / "nginx.conf"
    conf.write_text(NCHAN_CONF.format(port=port, folder=folder, module=NCHAN_MODULE))
    process = _started(["nginx", "-c", str(conf), "-p", str(folder)], port)
    return process, Served(
        kind="nchan",
        port=port,
        pid=_worker(process.pid),
        topic="",
        publisher=("/pub", ""),
        clients=[("/sub", "")] * clients,
    )


def _worker(master: int) -> int:
    """Return the process that nginx's master has made for the work."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise TimeoutError("nginx has no worker")


def _started(command: list[str], port: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=on_first_cpu,
        env={**os.environ, "PATH": _path()},
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                process.kill()
                raise
            time.sleep(0.05)
        else:
            return process


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        number: int = one.getsockname()[1]
        return number
