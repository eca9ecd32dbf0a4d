"""The demo's service key: made once by the gateway's own command, its plain text kept for the demo.

Owns when a key is made and where its plain text lies. Does not know the key's format or the key
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


async def make_service_key(
    state: StateFolder, *, environ: Mapping[str, str], timeout_s: float
) -> None:
    """Have the gateway make a key that may publish anywhere, unless there is one.

    Raises:
        ChildFailed: The command failed or took too long; its own words are in the text.
    """
    if state.service_key.exists() and state.key_file.exists():
        return
    make_private_folder(state.root)
    # Without its plain text the old key is of no use, and its name would be taken.
    state.key_file.unlink(missing_ok=True)
    command = ["gateway", "key", "new", "--name", KEY_NAME, "--publish", "*"]
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
    write_private(state.service_key, key.decode().strip() + "\n")
