"""One live connection: a stream of bytes in, a list of bytes out, and who is behind it.

Owns the state that ends with the connection. Does not do I/O: the shell feeds bytes to the broker,
writes `outbox` and closes when `ending` is set.

Source: aws-iot-facts 3.4, 3.10 to 3.15.
"""

from dataclasses import dataclass
from enum import StrEnum

from localaws.core.allowance import Allowance
from localaws.core.authorizer import Authorizer, Decision, Decisions, ResourceKind
from localaws.core.login import Login
from localaws.core.mqtt.connect import Will
from localaws.core.mqtt.decoder import Decoder
from localaws.core.mqtt.version import Version
from localaws.core.session import Session
from localaws.errors import Misuse


class DisconnectReason(StrEnum):
    """Why a connection ended, as lifecycle events say it. Source: aws-iot-facts 5.3."""

    AUTH_ERROR = "AUTH_ERROR"
    CLIENT_INITIATED_DISCONNECT = "CLIENT_INITIATED_DISCONNECT"
    CLIENT_ERROR = "CLIENT_ERROR"
    CONNECTION_LOST = "CONNECTION_LOST"
    DUPLICATE_CLIENTID = "DUPLICATE_CLIENTID"
    FORBIDDEN_ACCESS = "FORBIDDEN_ACCESS"
    MQTT_KEEP_ALIVE_TIMEOUT = "MQTT_KEEP_ALIVE_TIMEOUT"
    SERVER_ERROR = "SERVER_ERROR"
    SERVER_INITIATED_DISCONNECT = "SERVER_INITIATED_DISCONNECT"
    API_INITIATED_DISCONNECT = "API_INITIATED_DISCONNECT"
    THROTTLED = "THROTTLED"
    WEBSOCKET_TTL_EXPIRATION = "WEBSOCKET_TTL_EXPIRATION"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection is over.

    Attributes:
        detail: A phrase for the log, without payloads.
    """

    reason: DisconnectReason
    detail: str


class Connection:
    """One transport connection and, after CONNECT, the client behind it.

    Attributes:
        authorizer: Who signed the handshake, or has logged in.
        login: Tells who the client is by its CONNECT, where no handshake was signed.
        address: The peer's IP address.
        source_port: The peer's port; 0 if unknown.
        target: IP address and port the peer connected to.
        opened_at: Epoch seconds.
        heard_at: Epoch seconds when the client last sent a packet.
        decoder: The stream's decoder; its version is the connection's.
        outbox: Bytes to write, in order; the shell takes them and leaves the list empty.
        ending: Set once; the shell writes what is left and closes.
        peer: The shell's own object for this connection; the core never looks at it.
        session: None before CONNECT was accepted.
        decisions: Policy answers, remembered; None before CONNECT was read.
        keep_alive_s: As clamped; silence of 1.5 times as much ends the connection.
        will: What to publish unless the client says goodbye.
        aliases: Topic aliases this client has set (5).
        largest_packet_bytes: What the client takes (5), or None.
        allowance: Messages per second in and out, or None when unlimited.
        throughput: Bytes per second in and out, or None when unlimited.
        connected_at: Epoch seconds of the accepted CONNECT.
        session_identifier: UUID of this connection in lifecycle events.
        version_number: Of this connection in lifecycle events.
    """

    __slots__ = (
        "address",
        "aliases",
        "allowance",
        "authorizer",
        "connected_at",
        "decisions",
        "decoder",
        "ending",
        "heard_at",
        "keep_alive_s",
        "largest_packet_bytes",
        "login",
        "opened_at",
        "outbox",
        "peer",
        "session",
        "session_identifier",
        "source_port",
        "target",
        "throughput",
        "version_number",
        "will",
    )

    def __init__(
        self,
        authorizer: Authorizer,
        *,
        address: str,
        now: float,
        source_port: int = 0,
        target: tuple[str, int] = ("", 0),
        login: Login | None = None,
    ) -> None:
        self.authorizer = authorizer
        self.login = login
        self.address = address
        self.source_port = source_port
        self.target = target
        self.opened_at = self.heard_at = now
        self.decoder = Decoder()
        self.outbox: list[bytes] = []
        self.ending: Ending | None = None
        self.peer: object = None
        self.session: Session | None = None
        self.decisions: Decisions | None = None
        self.keep_alive_s = 0
        self.will: Will | None = None
        self.aliases: dict[int, str] | None = None
        self.largest_packet_bytes: int | None = None
        self.allowance: Allowance | None = None
        self.throughput: Allowance | None = None
        self.connected_at: float | None = None
        self.session_identifier = ""
        self.version_number = 0

    @property
    def version(self) -> Version:
        """The MQTT version; 3.1.1 before the client has said it."""
        return self.decoder.version or Version.V311

    def may(self, action: str, kind: ResourceKind, name: str) -> Decision:
        """Ask what the client may do."""
        if self.decisions is None:
            raise Misuse("asked for a decision before CONNECT")
        return self.decisions.decide(action, kind, name)
