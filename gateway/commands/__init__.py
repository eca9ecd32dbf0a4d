"""The commands of `python -m gateway`, one file each.

Each file has `add_to(commands)`, which adds its parser, and `run(options)`, which does it and
returns the exit code.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
    """What `add_subparsers` returns; argparse gives the type no public name."""
