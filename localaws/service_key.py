"""The local service keys: made once by the gateway's own command, their plain text kept.

One is the demo page's and may publish; one is for the dashboard, with the admin right, which no page
is ever given. Owns when a key is made and where its plain text lies. Does not know the key's format or the key
file's: both are the gateway's, met through its command line.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from localaws.child import ChildFailed
from localaws.state import make_private_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.state import StateFolder

KEY_NAME: Final = "demo"
ADMIN_NAME: Final = "dashboard"


async def make_service_key(
    state: StateFolder, *, environ: Mapping[str, str], timeout_s: float
) -> None:
    """Have the gateway make a key that may publish anywhere, and one for its dashboard.

    A key that is there stays.

    Raises:
        ChildFailed: The command failed or took too long; its own words are in the text.
    """
    make_private_folder(state.root)
    if not (state.service_key.exists() and state.key_file.exists()):
        # Without its plain text the old key is of no use, and its name would be taken.
        state.key_file.unlink(missing_ok=True)
        state.admin_key.unlink(missing_ok=True)
        rights = ["--name", KEY_NAME, "--publish", "*"]
        key = await _new_key(rights, state, environ=environ, timeout_s=timeout_s)
        write_private(state.service_key, key)
    if not state.admin_key.exists():
        rights = ["--name", ADMIN_NAME, "--publish", "*", "--admin"]
        key = await _new_key(rights, state, environ=environ, timeout_s=timeout_s)
        write_private(state.admin_key, key)


async def _new_key(
    rights: list[str], state: StateFolder, *, environ: Mapping[str, str], timeout_s: float
) -> str:
    command = ["gateway", "key", "new", *rights]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *command,
        "--file",
        str(state.key_file),
        env=environ,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    name = " ".join(command[:3])
    try:
        async with asyncio.timeout(timeout_s):
            key, words = await process.communicate()
    except TimeoutError:
        raise ChildFailed(name, f"did not end within {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = words.decode("utf-8", "replace").strip()
        raise ChildFailed(name, f"ended with status {process.returncode}: {said}")
    return key.decode().strip() + "\n"
