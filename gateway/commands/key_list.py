"""`python -m gateway key list`: show what keys there are.

Owns its table. Does not: show keys; nobody has them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.key_file import read_keys
from wire.envelope import format_time

if TYPE_CHECKING:
    from gateway.commands import Commands
    from gateway.keys import ServiceKey
    from gateway.principals import Principal


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("list", help="show the keys there are")
    parser.add_argument("--file", type=Path, required=True, help="the keys file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write one line for each key and principal: id, service, rate, rights, when made, addresses."""
    keyring = read_keys(options.file)
    entries: tuple[ServiceKey | Principal, ...] = (*keyring.keys, *keyring.principals)
    for entry in entries:
        sys.stdout.write(_line(entry) + "\n")
    return 0


def _line(entry: ServiceKey | Principal) -> str:
    service = entry.service
    rate = "any rate" if service.rate_per_s is None else f"{service.rate_per_s:g}/s"
    rights = "admin" if service.admin else "-"
    addresses = " ".join(str(pattern) for pattern in service.publish) or "-"
    columns = (service.credential_id, service.name, rate, rights, format_time(entry.created_at))
    return "\t".join((*columns, addresses))
