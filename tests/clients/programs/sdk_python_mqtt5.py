"""awsiotsdk, its MQTT 5 client: signs itself. Argument: a CA file or none."""

import sys
from concurrent.futures import Future
from typing import Any

from awscrt import mqtt5
from awscrt.auth import AwsCredentialsProvider
from awsiot import mqtt5_client_builder
from lines import obey, place, tell

CA_FILE = sys.argv[1] if len(sys.argv) > 1 else None


class Client:
    """A client of `awscrt.mqtt5`."""

    def __init__(self, connect: dict[str, Any]) -> None:
        host, port = place(connect["endpoint"])
        behaviour = mqtt5.ClientSessionBehaviorType
        self._client = mqtt5_client_builder.websockets_with_default_aws_signing(
            region=connect["region"],
            credentials_provider=AwsCredentialsProvider.new_static(
                connect["accessKeyId"], connect["secretAccessKey"], connect["sessionToken"]
            ),
            endpoint=host,
            port=port,
            ca_filepath=CA_FILE,
            client_id=connect["clientId"],
            session_expiry_interval_sec=None if connect["clean"] else 3600,
            session_behavior=behaviour.CLEAN if connect["clean"] else behaviour.REJOIN_ALWAYS,
            min_reconnect_delay_ms=500,
            max_reconnect_delay_ms=2000,
            on_publish_received=_received,
            on_lifecycle_connection_success=_connected,
            on_lifecycle_connection_failure=_failed,
            on_lifecycle_disconnection=_lost,
            on_lifecycle_stopped=lambda _: tell("disconnected"),
        )
        self._client.start()

    def subscribe(self, topic_filter: str) -> None:
        """Ask for a topic filter."""
        subscription = mqtt5.Subscription(topic_filter=topic_filter, qos=mqtt5.QoS.AT_LEAST_ONCE)
        packet = mqtt5.SubscribePacket(subscriptions=[subscription])
        self._client.subscribe(packet).add_done_callback(_subscribed)

    def publish(self, topic: str, payload: str) -> None:
        """Publish at QoS 1."""
        packet = mqtt5.PublishPacket(topic=topic, payload=payload, qos=mqtt5.QoS.AT_LEAST_ONCE)
        self._client.publish(packet).add_done_callback(_published)

    def disconnect(self) -> None:
        """Say goodbye."""
        self._client.stop()


def _connected(data: mqtt5.LifecycleConnectSuccessData) -> None:
    tell("connected", sessionPresent=data.connack_packet.session_present)


def _failed(data: mqtt5.LifecycleConnectFailureData) -> None:
    code = data.connack_packet.reason_code if data.connack_packet else None
    tell("failed", why=str(data.exception), code=code)


def _lost(data: mqtt5.LifecycleDisconnectData) -> None:
    code = data.disconnect_packet.reason_code if data.disconnect_packet else None
    tell("lost", why=str(data.exception), code=code)


def _received(data: mqtt5.PublishReceivedData) -> None:
    packet = data.publish_packet
    tell("message", topic=packet.topic, payload=(packet.payload or b"").decode())


def _subscribed(future: "Future[mqtt5.SubackPacket]") -> None:
    error = future.exception()
    if error:
        tell("subscribed", refused=True, why=str(error))
    else:
        code = future.result().reason_codes[0]
        tell("subscribed", refused=code >= 128, code=code)


def _published(future: "Future[mqtt5.PublishCompletionData]") -> None:
    error = future.exception()
    if error:
        tell("published", refused=True, why=str(error))
    else:
        code = future.result().puback.reason_code
        tell("published", refused=code >= 128, code=code)


obey(Client)
