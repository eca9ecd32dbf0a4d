"""One program under the supervisor: started, listened to, waited for, stopped.

Owns a child process, its prefixed output and its leash. Does not decide when to start or stop it.

The child leads a process group of its own, so that a Ctrl-C in the terminal reaches the supervisor
alone and the order of stopping is ours; and it runs on a leash, so that it ends even when the
supervisor is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Final

import aiohttp

from localaws.core.log_lines import LineSplitter
from localaws.errors import LocalAwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREFIX_WIDTH: Final = 8
HEALTH_INTERVAL_S: Final = 0.05
HEALTH_TIMEOUT_S: Final = 2.0
READ_BYTES: Final = 65_536


class ChildFailed(LocalAwsError):
    """A program under the supervisor ended, or did not become healthy.

    Attributes:
        child: Its name.
        problem: What happened, in a phrase.
    """

    def __init__(self, child: str, problem: str) -> None:
        super().__init__(child, problem)
        self.child = child
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.child} {self.problem}"


class Child:
    """A running program.

    Args:
        name: Put before its log lines.
        process: The process.
        write_line: Takes each line of its output.
    """

    def __init__(
        self, *, name: str, process: asyncio.subprocess.Process, write_line: Callable[[str], None]
    ) -> None:
        self.name = name
        self._process = process
        self._write_line = write_line
        self._reader = asyncio.create_task(self._read(), name=f"{name} output")

    @classmethod
    async def start(
        cls,
        name: str,
        module_argv: Sequence[str],
        *,
        environ: Mapping[str, str],
        write_line: Callable[[str], None],
    ) -> Child:
        """Start `python -m <module> [arg …]` on a leash."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "localaws.leash",
            *module_argv,
            env={**environ, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(name=name, process=process, write_line=write_line)

    async def healthy(self, url: str, *, timeout_s: float) -> None:
        """Wait until a GET of the URL answers 200.

        Raises:
            ChildFailed: The program ended first, or the time is up.
        """
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        limit = aiohttp.ClientTimeout(total=HEALTH_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=limit, trust_env=False) as http:
            while not await _answers(http, url):
                if self._process.returncode is not None:
                    raise self._ended()
                if loop.time() > deadline_s:
                    raise ChildFailed(self.name, f"is not healthy after {timeout_s:g} s")
                await asyncio.sleep(HEALTH_INTERVAL_S)

    async def ended(self) -> ChildFailed:
        """Wait until the program ends and say how."""
        await self._process.wait()
        return self._ended()

    async def stop(self, *, timeout_s: float) -> None:
        """Ask the program to end, wait, and kill it when the time is up; read its last lines."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(timeout_s):
                    await self._process.wait()
            except TimeoutError:
                self._write_line(f"{self.name} did not end within {timeout_s:g} s: killing it")
                self._process.kill()
                await self._process.wait()
        # A grandchild may hold the pipe open; its lines are not worth waiting for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._reader

    def _ended(self) -> ChildFailed:
        code = self._process.returncode
        if code is not None and code < 0:
            return ChildFailed(self.name, f"was ended by {signal.Signals(-code).name}")
        return ChildFailed(self.name, f"ended with status {code}")

    async def _read(self) -> None:
        splitter = LineSplitter(f"{self.name:<{PREFIX_WIDTH}} | ")
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe above
        while chunk := await self._process.stdout.read(READ_BYTES):
            for line in splitter.feed(chunk):
                self._write_line(line)
        for line in splitter.end():
            self._write_line(line)


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
