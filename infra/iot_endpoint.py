"""The IoT endpoint: one per account and region, looked up, never created.

Owns the two URLs that browsers and the gateway use. Asks for `iot:Data-ATS`: the older `iot:Data`
endpoint has a certificate that browsers no longer trust.

Source: AWS IoT developer guide, "Device communication protocols"; aws-iot API, DescribeEndpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, slots=True, kw_only=True)
class IotEndpoint:
    """How to reach IoT Core.

    Attributes:
        websocket_url: For MQTT over WebSocket, with the path `/mqtt`.
        https_url: For the `iot-data` API.
    """

    websocket_url: pulumi.Output[str]
    https_url: pulumi.Output[str]


def look_up_iot_endpoint() -> IotEndpoint:
    """Return the endpoint of the account and region that the stack is deployed to."""
    host = aws.iot.get_endpoint_output(endpoint_type="iot:Data-ATS").endpoint_address
    return IotEndpoint(
        websocket_url=pulumi.Output.concat("wss://", host, "/mqtt"),
        https_url=pulumi.Output.concat("https://", host),
    )
