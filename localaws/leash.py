"""Ties a program's life to the one that started it: `python -m localaws.leash <module> [arg …]`.

Owns the watch on standard input: when the parent's end of that pipe closes, for whatever reason
(even `kill -9` of the parent), this process gets SIGTERM, and SIGKILL if it has not gone by then.
Does not know what it runs: the module runs in this very process, as `python -m` would run it.

Why not `PR_SET_PDEATHSIG`: Linux only, tied to the thread that forked, and it never escalates.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE_S = 10.0
"""Time to end cleanly after the parent is gone; nobody is left to configure a better one."""


def main(argv: list[str]) -> None:
    """Run a module until it ends or the parent does."""
    threading.Thread(target=_watch, args=(sys.stdin.fileno(),), name="leash", daemon=True).start()
    sys.argv = argv
    # The watch keeps the descriptor; the program must not read from the leash.
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - lives as long as the process
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
