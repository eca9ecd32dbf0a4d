"""`python -m gateway key new`: make a service key and show it once, or name a principal.

Owns its arguments and what it prints: the key alone on stdout, so that it can be piped; nothing
there for a principal, which has no secret.
Does not: keep the key; the file gets its SHA-256 (`gateway/keys.py`).
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.errors import KeyRefused
from gateway.key_file import read_keys, write_keys
from gateway.keys import Keyring, new_key
from gateway.principals import new_principal

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
    parser.add_argument(
        "--principal",
        metavar="ID",
        help="no key: the service sends to the inbox as the IAM role or user with this unique id",
    )
    parser.add_argument("--file", type=Path, required=True, help="the keys file; made if missing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Make a key, add it to the file, show it; or add a principal."""
    file: Path = options.file
    keyring = read_keys(file) if file.exists() else Keyring()
    if options.principal is not None:
        return _add_principal(options, keyring)
    key, kept = new_key(
        name=options.name,
        publish=options.publish,
        rate_per_s=options.rate,
        admin=options.admin,
        now=datetime.now(UTC),
    )
    write_keys(file, keyring.with_key(kept))
    sys.stdout.write(key.reveal() + "\n")
    sys.stderr.write(
        f"key {kept.service.credential_id} for {kept.service.name} is in {file}; "
        "the key above is shown this once (a running gateway takes it on SIGHUP)\n"
    )
    return 0


def _add_principal(options: argparse.Namespace, keyring: Keyring) -> int:
    if options.admin:
        raise KeyRefused("--admin is of no use with --principal: there are no admin messages")
    principal = new_principal(
        id_=options.principal,
        name=options.name,
        publish=options.publish,
        rate_per_s=options.rate,
        now=datetime.now(UTC),
    )
    write_keys(options.file, keyring.with_principal(principal))
    sys.stderr.write(
        f"principal {principal.id} is {principal.service.name} in {options.file} "
        "(a running gateway takes it on SIGHUP)\n"
    )
    return 0
