"""The Lambda functions of this machine: handlers in this process, and who may invoke them.

Owns their names, their ARNs and their resource policies. Does not run them
(`localaws.functions.Function` does). moto's Lambda is not involved: it needs Docker.

Source: Lambda developer guide, "Using resource-based policies for Lambda" (AddPermission).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from localaws.errors import Misuse
from localaws.functions import Function
from wire.iam.pattern import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from localaws.functions import Handler

TIMEOUT_S: Final = 3.0
"""Longest run of a function. Source: Lambda developer guide, default of Timeout."""

RECYCLE_S: Final = 6 * 3_600.0
"""Age at which an execution environment is made again."""


@dataclass(slots=True)
class _Registered:
    """A function and its resource policy: principals, each with a source ARN or any."""

    function: Function
    permissions: list[tuple[str, Pattern | None]] = field(default_factory=list)


class FunctionRegistry:
    """Functions by name.

    Args:
        arn_prefix: How ARNs of the Lambda service begin here, up to the last colon.
    """

    def __init__(self, arn_prefix: str) -> None:
        self._prefix = f"{arn_prefix}function:"
        self._functions: dict[str, _Registered] = {}

    def register(
        self,
        name: str,
        build: Callable[[], Handler],
        *,
        timeout_s: float = TIMEOUT_S,
        concurrency: int = 10,
    ) -> str:
        """Make a function and return its ARN.

        Args:
            name: Function name; one that exists is an error.
            build: Makes one handler, once for each execution environment.
            timeout_s: Longest run.
            concurrency: Most runs at a time.

        Raises:
            Misuse: There is a function of that name.
        """
        if name in self._functions:
            raise Misuse(f"there is a function {name} already")
        arn = self._prefix + name
        self._functions[name] = _Registered(
            Function(
                name=name,
                arn=arn,
                build=build,
                timeout_s=timeout_s,
                concurrency=concurrency,
                recycle_s=RECYCLE_S,
            )
        )
        return arn

    def permit(self, name: str, *, principal: str, source_arn: str | None = None) -> None:
        """Let a service invoke a function, as AddPermission does.

        Args:
            name: Function name or ARN.
            principal: The service, e.g. ``iot.amazonaws.com``.
            source_arn: Only for this resource, e.g. a rule's ARN (`*` and `?` are wildcards).

        Raises:
            Misuse: There is no such function.
        """
        registered = self._find(name)
        if registered is None:
            raise Misuse(f"there is no function {name}")
        pattern = None if source_arn is None else Pattern.parse(source_arn)
        registered.permissions.append((principal, pattern))

    def function(self, name: str) -> Function | None:
        """Return a function by name or ARN, with or without a version or alias."""
        registered = self._find(name)
        return registered.function if registered else None

    def may_invoke(self, name: str, *, principal: str, source_arn: str) -> bool:
        """Tell whether a function's resource policy lets a service invoke it for a resource."""
        registered = self._find(name)
        return registered is not None and any(
            allowed == principal and (pattern is None or pattern.matches(source_arn, {}))
            for allowed, pattern in registered.permissions
        )

    async def close(self, grace_s: float) -> None:
        """Let running functions end, at most so long."""
        while self._functions:
            _, registered = self._functions.popitem()
            await registered.function.close(grace_s)

    def _find(self, name: str) -> _Registered | None:
        if name.startswith(self._prefix):
            name = name.removeprefix(self._prefix).partition(":")[0]
        return self._functions.get(name)
