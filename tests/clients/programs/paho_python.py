"""paho-mqtt for Python with a presigned URL. First argument: protocol level 4 or 5."""

import sys
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from lines import obey, place, tell
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

LEVEL = int(sys.argv[1])


class Client:
    """paho-mqtt."""

    def __init__(self, connect: dict[str, Any]) -> None:
        self._connected = False
        settings: dict[str, Any] = {"client_id": connect["clientId"], "protocol": LEVEL}
        options: dict[str, Any] = {}
        if LEVEL == 4:
            settings["clean_session"] = connect["clean"]
        else:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if connect["clean"] else 3600
            options = {"clean_start": connect["clean"], "properties": properties}
        self._client = paho.Client(CallbackAPIVersion.VERSION2, transport="websockets", **settings)
        url = urlsplit(connect["url"])
        if url.scheme == "wss":
            self._client.tls_set()
        self._client.ws_set_options(path=f"{url.path}?{url.query}")
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = lambda *_: tell("failed", why="no connection")
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = lambda _client, _data, message: tell(
            "message", topic=message.topic, payload=message.payload.decode()
        )
        self._client.connect_async(*place(connect["url"]), keepalive=60, **options)
        self._client.loop_start()

    def subscribe(self, topic_filter: str) -> None:
        """Ask for a topic filter."""
        self._client.subscribe(topic_filter, qos=1)

    def publish(self, topic: str, payload: str) -> None:
        """Publish at QoS 1."""
        self._client.publish(topic, payload, qos=1)

    def disconnect(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()
        tell("disconnected")

    def _on_connect(self, *facts: Any) -> None:
        _client, _data, flags, code, _properties = facts
        self._connected = not code.is_failure
        if code.is_failure:
            tell("failed", why=str(code), code=code.value)
        else:
            tell("connected", sessionPresent=flags.session_present)

    def _on_disconnect(self, *facts: Any) -> None:
        _client, _data, _flags, code, _properties = facts
        tell("lost" if self._connected else "failed", why=str(code), code=code.value)
        self._connected = False

    def _on_subscribe(self, *facts: Any) -> None:
        codes: list[ReasonCode] = facts[3]
        tell("subscribed", refused=codes[0].is_failure, code=codes[0].value)

    def _on_publish(self, *facts: Any) -> None:
        code: ReasonCode = facts[3]
        tell("published", refused=code.is_failure, code=code.value)


obey(Client)
