"""What the operator must put right: the program does not start.

Owns these errors' facts and sentences. Does not: print them (`gateway/__main__.py`).
Source: the drawing in `gateway/errors/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.errors.root import GatewayError


class OperatorError(GatewayError):
    """The program cannot do what it was started for."""


class KeyFileError(OperatorError):
    """The keys file cannot be read, understood or written.

    Attributes:
        path: The file.
        why: A phrase.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"keys file {self.path}: {self.why}"


class KeyRefused(OperatorError):
    """A key cannot be made or found as asked; the text says why."""


class NobodyMayPublish(OperatorError):
    """There is no key, and nothing says to run without."""

    def __str__(self) -> str:
        return (
            "there is no service key, so nobody could publish: make one with "
            "`python -m gateway key new --name <service> --publish '*' --file keys.json` and set "
            "GATEWAY_KEYS_FILE=keys.json (or GATEWAY_INSECURE_NO_AUTH=1 to let everybody publish)"
        )


class PlanRefused(OperatorError):
    """No plan can be made of what was asked.

    Attributes:
        problems: Everything that is wrong, a phrase each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(tuple(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "no plan: " + "; ".join(self.problems)


class AddressInUse(OperatorError):
    """Another program listens there already.

    Attributes:
        host: Where we wanted to listen.
        port: The TCP port.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return f"port {self.port} on {self.host} is taken; GATEWAY_PORT moves it"
