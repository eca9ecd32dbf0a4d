"""`python -m gateway serve`: run the gateway.

Owns reading the process's environment and choosing the event loop.
Does not: start or stop anything itself (`gateway/server.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.logs import set_up_logging
from gateway.server import serve
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.commands import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("serve", help="run the gateway; settings come as GATEWAY_* names")
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> int:
    """Run until a signal."""
    settings = Settings.from_env(os.environ)
    set_up_logging(log_format=settings.log_format, log_level=settings.log_level)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(settings))
    finally:
        # What the operator is told about a failed start is the last line, not in their midst.
        for handler in logging.getLogger().handlers:
            handler.flush()
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    # uvloop does not exist on Windows; everything works without it, more slowly.
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop
