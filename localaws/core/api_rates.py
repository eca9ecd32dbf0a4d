"""How often the HTTP data plane may be called, by operation.

Owns the numbers. Publish is bounded by the broker's own quotas (`localaws.core.quotas`).

Source: aws-iot-facts 8. The four operations on connections have rates in AWS whose numbers are not
known: they are off unless set.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRates:
    """Requests per second in the account. None switches a rate off.

    Attributes:
        get_retained_per_s: GetRetainedMessage.
        list_retained_per_s: ListRetainedMessages.
        delete_connection_per_s: DeleteConnection; AWS has a rate that is not known.
        get_connection_per_s: GetConnection; AWS has a rate that is not known.
        list_subscriptions_per_s: ListSubscriptions; AWS has a rate that is not known.
        send_direct_per_s: SendDirectMessage; AWS has a rate that is not known.
    """

    get_retained_per_s: int | None = 500
    list_retained_per_s: int | None = 10
    delete_connection_per_s: int | None = None
    get_connection_per_s: int | None = None
    list_subscriptions_per_s: int | None = None
    send_direct_per_s: int | None = None
