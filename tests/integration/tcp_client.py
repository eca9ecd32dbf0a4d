"""An MQTT client in a test's own hands, on plain TCP: it acknowledges only when told to.

Owns a socket and the codec. Does not answer anything by itself.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from localaws.core.mqtt.acknowledgement import Puback
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect
from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.packet import Packet, encode
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.suback import Suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.version import Version

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localaws.core.signature import AccessKey
    from localaws.embedded import LocalAws

WAIT_S = 5.0


class TcpClient:
    """A connected client.

    Attributes:
        connack: What the broker answered to CONNECT; None when it closed instead.
    """

    connack: Connack | None = None

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: Version
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._version = version
        self._decoder = Decoder(version=version)
        self._received: list[Packet] = []

    def send(self, *packets: Packet) -> None:
        """Send packets."""
        self._writer.write(b"".join(encode(one, self._version) for one in packets))

    async def next(self, wait_s: float = WAIT_S) -> Packet | None:
        """Return the next packet; None at the end of the stream."""
        while not self._received:
            try:
                data = await asyncio.wait_for(self._reader.read(65_536), wait_s)
            except ConnectionError:
                return None
            if not data:
                return None
            self._received += self._decoder.feed(data)
        return self._received.pop(0)

    async def message(self) -> Publish:
        """Return the next packet, which must be a message."""
        packet = await self.next()
        assert isinstance(packet, Publish), packet
        return packet

    async def silent(self, wait_s: float = 0.2) -> bool:
        """Tell whether nothing arrives for a while."""
        try:
            await self.next(wait_s)
        except TimeoutError:
            return True
        return False

    async def subscribe(self, *topic_filters: str, qos: int = 1) -> None:
        """Subscribe, and wait for SUBACK."""
        requests = tuple(Request(topic_filter=one, qos=qos) for one in topic_filters)
        self.send(Subscribe(packet_id=1, requests=requests))
        packet = await self.next()
        assert isinstance(packet, Suback), packet

    def acknowledge(self, message: Publish) -> None:
        """Send PUBACK for a message."""
        assert message.packet_id is not None
        self.send(Puback(packet_id=message.packet_id))

    def goodbye(self) -> None:
        """Send DISCONNECT."""
        self.send(Disconnect())

    def close(self) -> None:
        """Close the socket."""
        self._writer.close()


@asynccontextmanager
async def connected(
    aws: LocalAws,
    client_id: str,
    *,
    key: AccessKey | None = None,
    version: Version = Version.V311,
    **more: Any,
) -> AsyncIterator[TcpClient]:
    """Connect with a key, the admin's if none is given; `more` goes into CONNECT."""
    key = key or aws.admin
    assert aws.endpoints.mqtt_tcp is not None
    reader, writer = await asyncio.open_connection(*aws.endpoints.mqtt_tcp)
    client = TcpClient(reader, writer, version)
    token = f":{key.session_token.reveal()}" if key.session_token else ""
    client.send(
        Connect(
            version=version,
            client_id=client_id,
            user_name=f"{key.access_key_id}{token}",
            password=key.secret.reveal().encode(),
            **more,
        )
    )
    answer = await client.next()
    client.connack = answer if isinstance(answer, Connack) else None
    try:
        yield client
    finally:
        client.close()
