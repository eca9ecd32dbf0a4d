"""The gateway's command line: `python -m gateway serve`, `plan`, `key new`, `key list`, `key revoke`.

Owns the tree of commands and how errors reach the operator: one sentence on stderr, exit code 2.
Does not: do anything itself; each command has a file in `gateway/commands/`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gateway.commands import key_list, key_new, key_revoke, plan, serve
from gateway.errors import OperatorError
from wire.errors import SettingsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program; that of the process if None.

    Returns:
        The exit code: 0, or 2 with one sentence on stderr.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (OperatorError, SettingsError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway", description="The event gateway.")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve.add_to(commands)
    plan.add_to(commands)
    key = commands.add_parser("key", help="make, list and revoke service keys")
    keys = key.add_subparsers(required=True, metavar="command")
    key_new.add_to(keys)
    key_list.add_to(keys)
    key_revoke.add_to(keys)
    return parser


if __name__ == "__main__":
    sys.exit(main())
