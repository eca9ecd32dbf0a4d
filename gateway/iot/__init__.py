"""The only place where the gateway reaches AWS: IoT Core's data plane.

Owns the aioboto3 `iot-data` client (`client`), its credentials (`credentials`), the two ways to
publish (`stock`, and `direct` with `rehearsal` and `http`), calls about connections (`connections`)
and which error means what (`failures`).
Does not: retry, pace or bound (the caller does).
Source: docs/design.md, "The gateway reaches AWS in one place".
"""

from gateway.iot.client import IotData, open_iot_data

__all__ = ["IotData", "open_iot_data"]
