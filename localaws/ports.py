"""The ports a program is about to listen on, and whether something else has them.

Owns the check made before anything starts, so that a taken port is one clear line rather than a
traceback from a child. Does not reserve anything: a port can still be lost before it is used, and
the listener then fails with its own error.
"""

import errno
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from localaws.errors import LocalAwsError


class PortTaken(LocalAwsError):
    """Something else listens where we are about to.

    Attributes:
        taken: Each taken port.
    """

    def __init__(self, taken: "tuple[PlannedPort, ...]") -> None:
        super().__init__(taken)
        self.taken = taken

    def __str__(self) -> str:
        return "\n".join(
            f"port {port.port} on {port.host} ({port.purpose}) is taken: "
            f"end what listens there, or set {port.setting} to another port"
            for port in self.taken
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPort:
    """A port somebody will listen on.

    Attributes:
        purpose: What for, in the user's words, such as `the event API`.
        setting: Environment variable that moves it.
        host: Address to bind.
        port: Port number; 0 is always free.
    """

    purpose: str
    setting: str
    host: str
    port: int


def check_free(planned: Iterable[PlannedPort]) -> None:
    """Raise if any of the ports is taken.

    Raises:
        PortTaken: Names all taken ports, each with the setting that moves it.
    """
    taken = tuple(port for port in planned if not is_free(port))
    if taken:
        raise PortTaken(taken)


def is_free(planned: PlannedPort) -> bool:
    """Tell whether a listener could be opened there now."""
    family = socket.AF_INET6 if ":" in planned.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As asyncio's servers do: a port in TIME_WAIT after a restart is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((planned.host, planned.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
