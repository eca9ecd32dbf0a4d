"""`python -m gateway key revoke`: take a key, or all keys of a service, out of the file.

Owns its arguments. Does not: reach a running gateway; SIGHUP makes it read the file again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.key_file import read_keys, write_keys

if TYPE_CHECKING:
    from gateway.commands import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("revoke", help="take a key out of the file")
    parser.add_argument("key", help="the key's id as `key list` shows it, or a service's name")
    parser.add_argument("--file", type=Path, required=True, help="the keys file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Rewrite the file without the key."""
    before = read_keys(options.file)
    after = before.without(options.key)
    write_keys(options.file, after)
    revoked = len(before) - len(after)
    sys.stderr.write(f"{revoked} revoked; a running gateway takes it on SIGHUP\n")
    return 0
