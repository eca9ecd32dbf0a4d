"""What the work costs over IoT Core.

Owns what of it is metered. Source: https://aws.amazon.com/iot-core/pricing/additional-details.

A publish by HTTP is metered on its body, a publish out on payload and topic, both with the MQTT 5
content type; a PUBACK from a client, a CONNECT and a SUBSCRIBE are a message each; a retained
publish is one more. Pings, PUBACKs to clients and the rest are free.
"""

from __future__ import annotations

from gateway.core.plan.bill import (
    MONTH_MIN,
    MONTH_S,
    Bill,
    line,
    lines_of_one_price,
    metered,
)
from gateway.core.plan.figures import Figures
from gateway.core.plan.intake_bill import intake_lines
from gateway.core.plan.traffic import Traffic
from gateway.core.plan.workload import Workload


def own_bill(workload: Workload, traffic: Traffic, figures: Figures) -> Bill:
    """Return the month's bill of this project."""
    prices = figures.prices
    unit = figures.metered_bytes(5)
    publish, delivery = metered(traffic.publish_bytes, unit), metered(traffic.delivery_bytes, unit)
    requests = traffic.credential_requests * MONTH_S
    gb_s = requests * figures.assumed("credential_run_s") * figures.assumed("lambda_memory_gb")
    messages = lines_of_one_price(
        [
            ("publishes in", traffic.events * publish * MONTH_S),
            ("publishes out", traffic.deliveries * delivery * MONTH_S),
            ("PUBACKs from clients (QoS 1)", traffic.acknowledgements * MONTH_S),
            ("retained publishes", traffic.retained * delivery * MONTH_S),
            ("CONNECTs", traffic.connects * MONTH_S),
            ("SUBSCRIBEs", traffic.subscribes * MONTH_S),
        ],
        prices["iot_message"],
    )
    return Bill(
        name="iot",
        says="serverless-websockets (IoT Core)",
        own=(
            line("connections", workload.clients * MONTH_MIN, prices["iot_connection"]),
            *messages,
            line("credentials: API", requests, prices["http_api_request"]),
            line("credentials: Lambda requests", requests, prices["lambda_request"]),
            line("credentials: Lambda time", gb_s, prices["lambda_gb_s"]),
        ),
        intake=intake_lines(workload, traffic, figures),
    )
