"""How long it takes until everybody is back after all connections were lost.

Owns two storms, what each asks of AWS, and which quota it waits for. Clients spread themselves
(full jitter), so nothing is lost by refusals; the time is what the quotas allow at best.
Source: web/client/backoff.js; docs/decisions/0005-browser-client.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.plan.figures import Figures, Quota
from gateway.core.plan.traffic import Traffic
from gateway.core.plan.workload import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One quota in a storm.

    Attributes:
        quota: The quota.
        work: What must get through it.
        per_s: How much of that gets through per second.
    """

    quota: Quota
    work: float
    per_s: float

    @property
    def seconds(self) -> float:
        """How long that takes, if it has the whole quota to itself."""
        return self.work / self.per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """All clients coming back at once.

    Attributes:
        name: Which storm, one word.
        says: What has happened.
        bounds: What it waits for.
    """

    name: str
    says: str
    bounds: tuple[Bound, ...]

    @property
    def bound(self) -> Bound:
        """What bounds it."""
        return max(self.bounds, key=lambda bound: bound.seconds)


def storms_of(workload: Workload, traffic: Traffic, figures: Figures) -> tuple[Storm, Storm]:
    """Work out both storms.

    A short cut leaves sessions and credentials as they are, so clients only connect. After that
    everything starts anew: credentials, connection, every subscription.
    """
    clients = float(workload.clients)
    quotas = figures.quotas

    def bound(name: str, work: float, *, run_s: float = 1.0) -> Bound:
        quota = quotas[name]
        return Bound(quota=quota, work=work, per_s=quota.value / run_s)

    connects = bound("iot_connects_per_s", clients)
    anew: tuple[Bound, ...] = (
        bound("api_requests_per_s", clients),
        bound("api_gateway_requests_per_s", clients),
        bound("lambda_concurrency", clients, run_s=figures.assumed("credential_run_s")),
        bound("sts_requests_per_s", clients),
        connects,
        bound("iot_subscribes_per_s", clients * workload.filters),
    )
    if traffic.replays:
        replays = clients * traffic.replays / traffic.sessions
        anew = (*anew, bound("iot_publishes_out_per_s", replays))
    return (
        Storm(name="short", says="a cut of some minutes", bounds=(connects,)),
        Storm(name="anew", says="an hour, or new pages everywhere", bounds=anew),
    )
