"""`python -m gateway key new`: make a service key and show it once.

Owns its arguments and what it prints: the key alone on stdout, so that it can be piped.
Does not: keep the key; the file gets its SHA-256 (`gateway/keys.py`).
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.key_file import read_keys, write_keys
from gateway.keys import Keyring, new_key

if TYPE_CHECKING:
    from gateway.commands import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("new", help="make a key; it is shown once and not kept")
    parser.add_argument("--name", required=True, help="the service's name, e.g. shop")
    parser.add_argument(
        "--publish",
        action="append",
        default=[],
        metavar="PATTERN",
        help="addresses it may publish to, e.g. 'user:*' or 'group:orders/*'; repeat for more",
    )
    parser.add_argument("--rate", type=float, help="events per second (default: no bound)")
    parser.add_argument("--admin", action="store_true", help="may use the admin routes")
    parser.add_argument("--file", type=Path, required=True, help="the keys file; made if missing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make a key, add it to the file, show it."""
    key, kept = new_key(
        name=options.name,
        publish=options.publish,
        rate_per_s=options.rate,
        admin=options.admin,
        now=datetime.now(UTC),
    )
    file: Path = options.file
    keyring = read_keys(file) if file.exists() else Keyring()
    write_keys(file, keyring.with_key(kept))
    sys.stdout.write(key.reveal() + "\n")
    sys.stderr.write(
        f"key {kept.service.credential_id} for {kept.service.name} is in {file}; "
        "the key above is shown this once (a running gateway takes it on SIGHUP)\n"
    )
    return 0
