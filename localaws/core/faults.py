"""Faults on request: what goes wrong, how often, and for whom.

Owns reading faults, and deciding each time whether one strikes. Does not carry any out
(`localaws.faults` does) and makes no random numbers of its own: it is given dice.

Theory of operation: each fault has dice of its own, made from one seed and the fault's number since
the last `clear`. The same seed, faults and traffic strike the same way again, and one fault's draws
never change another's.

Source: none in AWS; these are localaws' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Final

from localaws.core.refusal import Refusal
from localaws.errors import PeerMisbehaved

MAX_FAULTS: Final = 100
"""Faults in force at a time."""

MAX_DELAY_S: Final = 60.0
"""Longest latency and longest time an event is held back."""


class FaultKind(StrEnum):
    """What can go wrong."""

    LATENCY = "latency"
    """The IoT HTTP API answers `seconds` later."""
    THROTTLE = "throttle"
    """The IoT HTTP API answers 429."""
    ERROR = "error"
    """The IoT HTTP API answers `status`, 500 to 504, having done what was asked if `performed`."""
    DROP_PUBACK = "drop_puback"
    """A PUBACK is lost on its way `to` or `from` the client, or both."""
    DUPLICATE_LIFECYCLE = "duplicate_lifecycle"
    """A lifecycle event is published twice."""
    REORDER_LIFECYCLE = "reorder_lifecycle"
    """A lifecycle event is held back until the next one, or for `seconds`."""
    KILL_SOCKETS = "kill_sockets"
    """Now: sockets are cut, without a goodbye."""
    EXPIRE_CREDENTIALS = "expire_credentials"
    """Now: temporary credentials end."""
    CLOCK_OFFSET = "clock_offset"
    """From now on: the clock that signatures are judged by is `seconds` ahead."""


AT_ONCE: Final = frozenset(
    {FaultKind.KILL_SOCKETS, FaultKind.EXPIRE_CREDENTIALS, FaultKind.CLOCK_OFFSET}
)
"""Faults that are done when they are asked for, and strike nothing later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault.

    Attributes:
        kind: What goes wrong.
        rate: Probability of each strike, above 0 and at most 1.
        next: Strike so many times, then no more; None for ever.
        operation: Only this operation of the HTTP API, e.g. ``Publish``; None for all.
        client_id: Only this client; None for all.
        access_key_id: Only this key's credentials; None for all.
        seconds: Length of a latency, offset of the clock, longest time an event is held back.
        status: Status of an error.
        performed: Whether an error comes after the operation was carried out.
        direction: Which PUBACKs are lost: ``to`` the client, ``from`` it, or ``both``.
    """

    kind: FaultKind
    rate: float = 1.0
    next: int | None = None
    operation: str | None = None
    client_id: str | None = None
    access_key_id: str | None = None
    seconds: float = 1.0
    status: int = 500
    performed: bool = False
    direction: str = "both"


class FaultRefused(PeerMisbehaved):
    """A fault that makes no sense; `problem` says why."""


def read_fault(document: object) -> Fault:
    """Return a fault as JSON has it: `{"fault": "latency", "seconds": 0.2, "next": 3}`.

    Raises:
        FaultRefused: A member is unknown, missing or out of bounds.
    """
    if not isinstance(document, Mapping):
        raise FaultRefused("a fault must be an object")
    kind = document.get("fault")
    if kind not in list(FaultKind):
        raise FaultRefused(f"fault must be one of {', '.join(FaultKind)}")
    found: dict[str, object] = {"kind": FaultKind(kind)}
    for name, value in document.items():
        if name == "fault" or value is None:
            continue
        check = _CHECKS.get(name)
        if check is None:
            raise FaultRefused(f"{name} is not a member of a fault")
        if not check[0](value):
            raise FaultRefused(f"{name} must be {check[1]}")
        found[name] = value
    fault = Fault(**found)  # type: ignore[arg-type] # each was checked by name
    if fault.kind is not FaultKind.CLOCK_OFFSET and not 0 <= fault.seconds <= MAX_DELAY_S:
        raise FaultRefused(f"seconds must be between 0 and {MAX_DELAY_S:g}")
    return fault


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFault:
    """What happens to one request of the HTTP API.

    Attributes:
        delay_s: Wait before anything else.
        refusal: Answer with it; None for the true answer.
        performed: Carry out the operation before.
    """

    delay_s: float = 0.0
    refusal: Refusal | None = None
    performed: bool = False


NO_FAULT: Final = HttpFault()

Dice = Callable[[], float]
"""Returns the next number of a sequence, from 0 up to but not including 1."""


class _InForce:
    """A fault, its dice and how often it may still strike."""

    __slots__ = ("_dice", "fault", "left", "struck")

    def __init__(self, fault: Fault, dice: Dice) -> None:
        self.fault = fault
        self.left = fault.next
        self.struck = 0
        self._dice = dice

    def strikes(self) -> bool:
        """Draw; a fault that is used up draws no more."""
        if self.left == 0 or self._dice() >= self.fault.rate:
            return False
        self.struck += 1
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The faults in force.

    Args:
        seed: What all dice come from.
        make_dice: Returns dice for a text; the same text must give the same sequence.

    Attributes:
        seed: To be noted by whoever wants the same run again.
    """

    __slots__ = ("_in_force", "_made", "_make_dice", "seed")

    def __init__(self, seed: int, make_dice: Callable[[str], Dice]) -> None:
        self.seed = seed
        self._make_dice = make_dice
        self._in_force: list[_InForce] = []
        self._made = 0

    def add(self, fault: Fault) -> None:
        """Put a fault into force.

        Raises:
            FaultRefused: There are too many.
        """
        if len(self._in_force) >= MAX_FAULTS:
            raise FaultRefused(f"there are {MAX_FAULTS} faults already")
        dice = self._make_dice(f"{self.seed}/{self._made}/{fault.kind}")
        self._made += 1
        self._in_force.append(_InForce(fault, dice))

    def clear(self, seed: int | None = None) -> None:
        """End all faults, and begin with a new seed if one is given."""
        self._in_force = []
        self._made = 0
        if seed is not None:
            self.seed = seed

    def http(self, operation: str) -> HttpFault:
        """Return what happens to one request: at most one error, and all latencies together."""
        if not self._in_force:
            return NO_FAULT
        delay_s = sum(
            one.fault.seconds
            for one in self._of(FaultKind.LATENCY)
            if one.fault.operation in (None, operation) and one.strikes()
        )
        for one in self._in_force:
            fault = one.fault
            if fault.kind not in (FaultKind.THROTTLE, FaultKind.ERROR):
                continue
            if fault.operation in (None, operation) and one.strikes():
                refusal = _refusal(fault)
                return HttpFault(delay_s=delay_s, refusal=refusal, performed=fault.performed)
        return HttpFault(delay_s=delay_s)

    def loses_puback(self, direction: str, client_id: str) -> bool:
        """Tell whether one PUBACK, ``to`` or ``from`` a client, is lost."""
        return any(
            one.fault.direction in (direction, "both")
            and one.fault.client_id in (None, client_id)
            and one.strikes()
            for one in self._of(FaultKind.DROP_PUBACK)
        )

    def strikes(self, kind: FaultKind, client_id: str) -> Fault | None:
        """Return the fault of a kind that strikes a client now, if one does."""
        for one in self._of(kind):
            if one.fault.client_id in (None, client_id) and one.strikes():
                return one.fault
        return None

    def listing(self) -> list[dict[str, object]]:
        """Return the faults in force as JSON, with how often each struck."""
        return [
            {"fault": one.fault.kind, **_told(one.fault), "left": one.left, "struck": one.struck}
            for one in self._in_force
        ]

    def _of(self, kind: FaultKind) -> list[_InForce]:
        return [one for one in self._in_force if one.fault.kind is kind]


def _refusal(fault: Fault) -> Refusal:
    if fault.kind is FaultKind.THROTTLE:
        return Refusal(429, "ThrottlingException", "Rate exceeded", "a fault on request")
    code, message = _ERRORS.get(fault.status, ("InternalFailureException", "Internal Failure"))
    return Refusal(fault.status, code, message, "a fault on request")


def _told(fault: Fault) -> dict[str, object]:
    defaults = {field.name: field.default for field in fields(Fault)}
    return {
        name: value
        for name, value in asdict(fault).items()
        if name not in ("kind", "next") and value != defaults[name]
    }


_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    503: ("ServiceUnavailableException", "Service Unavailable"),
    504: ("GatewayTimeoutException", "Gateway Timeout"),
}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


_CHECKS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "rate": (lambda value: _is_number(value, 1e-9, 1), "above 0 and at most 1"),
    "next": (
        lambda value: isinstance(value, int) and _is_number(value, 1, 1_000_000),
        "a whole number from 1",
    ),
    "operation": (_is_text, "the name of an operation"),
    "client_id": (_is_text, "a client id"),
    "access_key_id": (_is_text, "an access key id"),
    "seconds": (lambda value: _is_number(value, -1e6, 1e6), "a number of seconds"),
    "status": (
        lambda value: isinstance(value, int) and _is_number(value, 500, 504),
        "between 500 and 504",
    ),
    "performed": (lambda value: isinstance(value, bool), "true or false"),
    "direction": (lambda value: value in ("to", "from", "both"), "to, from or both"),
}
