"""How much of each quota a workload uses, and which one it reaches first.

Owns pairing rates with quotas, at the busiest second. Does not: know the quotas' values.
Source: gateway/plan/figures.toml, quotas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.core.plan.figures import Figures, Quota
from gateway.core.plan.shared_outbox import outbox_load
from gateway.core.plan.traffic import Traffic
from gateway.core.plan.workload import Outbox, Workload

_SERVICES = {
    "iot": "IoT Core",
    "api": "API Gateway",
    "websocket": "API Gateway",
    "lambda": "Lambda",
    "sts": "STS",
    "sqs": "SQS",
    "dynamodb": "DynamoDB",
    "gateway": "the gateways",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much of one quota is used.

    Attributes:
        quota: The quota.
        amount: What is used of it, in its unit.
    """

    quota: Quota
    amount: float

    @property
    def share(self) -> float:
        """The part that is used; above 1 it is exceeded."""
        return self.amount / self.quota.value

    @property
    def service(self) -> str:
        """Whose quota it is."""
        return _SERVICES[self.quota.name.partition("_")[0]]


def first_limit(uses: Iterable[Use]) -> Use:
    """Return the quota that is reached first when everything grows alike."""
    return max(uses, key=lambda use: use.share)


def uses_of(workload: Workload, traffic: Traffic, figures: Figures) -> tuple[Use, ...]:
    """Compare a workload's busiest second with every quota."""
    peak = workload.peak
    out = peak * (traffic.deliveries - traffic.replays) + traffic.replays
    of_one_client = out / workload.clients
    run_s = figures.assumed("credential_run_s")
    amounts = {
        "iot_connections": float(workload.clients),
        "iot_connects_per_s": traffic.connects,
        "iot_publishes_in_per_s": traffic.events * peak,
        "iot_publishes_out_per_s": out,
        "iot_subscriptions": traffic.subscriptions,
        "iot_subscribes_per_s": traffic.filters_subscribed,
        "iot_retained_per_s": traffic.retained * peak,
        "iot_retained_per_topic_per_s": traffic.retained_on_one_topic * peak,
        "iot_retained_messages": traffic.retained_topics,
        "iot_connection_publishes_per_s": of_one_client,
        "iot_connection_bytes_per_s": of_one_client * traffic.delivery_bytes,
        "iot_connection_subscriptions": float(workload.filters),
        "api_requests_per_s": traffic.credential_requests,
        "api_gateway_requests_per_s": traffic.credential_requests,
        "lambda_concurrency": traffic.credential_requests * run_s,
        "sts_requests_per_s": traffic.credential_requests,
    }
    if workload.outbox is Outbox.SHARED:
        load = outbox_load(workload, figures, events_per_s=traffic.events * peak)
        amounts |= {
            "sqs_fifo_requests_per_s": load.busiest_sqs_call,
            "dynamodb_writes_per_s": load.writes,
            "dynamodb_index_writes_per_s": load.index_writes,
            "dynamodb_reads_per_s": load.reads,
        }
    uses = [Use(quota=figures.quotas[name], amount=amount) for name, amount in amounts.items()]
    return (*uses, Use(quota=_own_quota(workload, figures), amount=traffic.events * peak))


def websocket_uses(
    workload: Workload, *, connects: float, posts: float, figures: Figures
) -> tuple[Use, ...]:
    """Compare the API Gateway WebSocket pattern with the quotas known of it.

    Args:
        workload: The workload.
        connects: New connections per second.
        posts: Calls of @connections per second, one for each recipient, on average.
        figures: The quotas.
    """
    return (
        Use(quota=figures.quotas["websocket_connects_per_s"], amount=connects),
        Use(quota=figures.quotas["api_gateway_requests_per_s"], amount=posts * workload.peak),
    )


def _own_quota(workload: Workload, figures: Figures) -> Quota:
    assumption = figures.assumptions["gateway_events_per_vcpu_s"]
    return Quota(
        name="gateway_events_per_s",
        says=f"events that {workload.gateways} x {figures.assumed('gateway_vcpu'):g} vCPU take",
        value=workload.gateways * figures.assumed("gateway_vcpu") * assumption.value,
        hard=False,
        source=assumption.source,
    )
