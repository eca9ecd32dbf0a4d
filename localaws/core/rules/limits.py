"""What rules may cost.

Owns the numbers. What happens at a limit is decided where it is enforced (`localaws.rules_engine`).

Source: aws-iot-facts 6.7 and 8.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLimits:
    """Limits of the rules engine. None switches a limit off.

    Attributes:
        evaluations_per_s: Rules called per second in the account; more are dropped.
        queue: Calls that may wait; more are dropped.
        workers: Calls worked on at a time.
        action_timeout_s: Longest time for one action.
    """

    evaluations_per_s: int | None = 20_000
    queue: int = 10_000
    workers: int = 8
    action_timeout_s: float = 5.0
