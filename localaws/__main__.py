"""The command line: `python -m localaws serve` and `python -m localaws up`.

Owns arguments, exit statuses and what reaches the terminal. Everything else is settings
(`LOCALAWS_…`, see docs/configuration.md).

Exit status: 0 after a signal, 1 when something failed or a port is taken, 2 for wrong settings.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from localaws.errors import LocalAwsError
from localaws.log_format import set_up_logging
from localaws.settings import Settings
from localaws.supervisor import Supervisor
from wire.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.welcome import Welcome


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m localaws", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (
        ("up", "start localaws and the gateway, and show where they are"),
        ("serve", "start localaws alone and serve until told to stop"),
    ):
        command = commands.add_parser(name, help=words)
        command.add_argument(
            "--mqtt-tcp-port", metavar="PORT", help="serve MQTT on plain TCP, too (loopback only)"
        )
        command.add_argument(
            "--allow-anonymous",
            action="store_true",
            help="let clients on plain TCP do everything without credentials",
        )
    wanted = parser.parse_args()
    environ = _with_options(os.environ, wanted)
    try:
        settings = Settings.from_env(environ)
        return _up(settings, environ) if wanted.command == "up" else _serve(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except LocalAwsError as error:
        for line in str(error).splitlines():
            print(f"localaws: {line}", file=sys.stderr)
        return 1


def _with_options(environ: Mapping[str, str], wanted: argparse.Namespace) -> dict[str, str]:
    """Return the environment with the options in it, so that a child sees them, too."""
    options = {}
    if wanted.mqtt_tcp_port is not None:
        options["LOCALAWS_MQTT_TCP_PORT"] = wanted.mqtt_tcp_port
    if wanted.allow_anonymous:
        options["LOCALAWS_INSECURE_ALLOW_ANONYMOUS"] = "1"
    return {**environ, **options}


def _serve(settings: Settings) -> int:
    set_up_logging(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_until_told(settings))
    return 0


async def _serve_until_told(settings: Settings) -> None:
    # moto takes a second to import, which `up` need not wait for.
    from localaws.embedded import LocalAws  # noqa: PLC0415

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with LocalAws(settings):
        await told.wait()


def _up(settings: Settings, environ: Mapping[str, str]) -> int:
    supervisor = Supervisor(settings, environ, write_line=_write_line, greet=_greet)
    asyncio.run(supervisor.run())
    return 0


def _write_line(line: str) -> None:
    print(line, flush=True)


def _greet(welcome: Welcome) -> None:
    # Lines to paste are printed plainly: no wrapping, no markup, colour only on a terminal.
    console = Console(highlight=False, soft_wrap=True)
    console.print()
    console.print("[bold green]Everything is up.[/] Ctrl-C stops it.")
    console.print()
    console.print("  demo page  ", welcome.demo_url, style="bold")
    console.print("  event API  ", welcome.gateway_url, style="bold")
    console.print("  dashboard  ", welcome.dashboard_url, style="bold")
    console.print("             its key:", f"cat {welcome.state.admin_key}", markup=False)
    console.print()
    console.print("Post an event to …")
    for title, line in welcome.examples():
        console.print(f"\n  [dim]# {title}[/]")
        console.print(line, markup=False)
    console.print()


if __name__ == "__main__":
    sys.exit(main())
