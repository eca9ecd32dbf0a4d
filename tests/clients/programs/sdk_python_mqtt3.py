"""awsiotsdk, its MQTT 3.1.1 client: signs itself. Argument: a CA file or none."""

import sys
from concurrent.futures import Future
from typing import Any

from awscrt import mqtt
from awscrt.auth import AwsCredentialsProvider
from awsiot import mqtt_connection_builder
from lines import obey, place, tell

CA_FILE = sys.argv[1] if len(sys.argv) > 1 else None


class Client:
    """A connection of `awscrt.mqtt`."""

    def __init__(self, connect: dict[str, Any]) -> None:
        host, port = place(connect["endpoint"])
        self._connection = mqtt_connection_builder.websockets_with_default_aws_signing(
            region=connect["region"],
            credentials_provider=AwsCredentialsProvider.new_static(
                connect["accessKeyId"], connect["secretAccessKey"], connect["sessionToken"]
            ),
            endpoint=host,
            port=port,
            ca_filepath=CA_FILE,
            client_id=connect["clientId"],
            clean_session=connect["clean"],
            reconnect_min_timeout_secs=1,
            reconnect_max_timeout_secs=2,
            on_connection_interrupted=lambda error, **_: tell("lost", why=str(error)),
            on_connection_resumed=lambda session_present, **_: tell(
                "connected", sessionPresent=session_present
            ),
        )
        self._connection.on_message(
            lambda topic, payload, **_: tell("message", topic=topic, payload=payload.decode())
        )
        self._connection.connect().add_done_callback(_connected)

    def subscribe(self, topic_filter: str) -> None:
        """Ask for a topic filter."""
        future, _ = self._connection.subscribe(topic_filter, mqtt.QoS.AT_LEAST_ONCE)
        future.add_done_callback(_subscribed)

    def publish(self, topic: str, payload: str) -> None:
        """Publish at QoS 1."""
        future, _ = self._connection.publish(topic, payload, mqtt.QoS.AT_LEAST_ONCE)
        future.add_done_callback(lambda done: tell("published", refused=bool(done.exception())))

    def disconnect(self) -> None:
        """Say goodbye."""
        self._connection.disconnect().add_done_callback(lambda _: tell("disconnected"))


def _connected(future: "Future[dict[str, Any]]") -> None:
    error = future.exception()
    if error:
        tell("failed", why=str(error))
    else:
        tell("connected", sessionPresent=future.result()["session_present"])


def _subscribed(future: "Future[dict[str, Any]]") -> None:
    error = future.exception()
    if error:
        tell("subscribed", refused=True, why=str(error))
    else:
        tell("subscribed", refused=future.result()["qos"] is None)


obey(Client)
