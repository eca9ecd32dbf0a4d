"""The environments of the two programs under the supervisor.

Owns how the gateway is pointed at localaws: by its settings alone, as a deployment would.
Does not start anything or read files.

What the user set wins over the defaults here, with one exception: the AWS variables of the user's
own account reach neither program, so that a local stack can never touch a real one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from localaws.core.loopback import page_origins
from wire.settings import EnvReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.settings import Settings
    from localaws.state import StateFolder

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlace:
    """Where the gateway will listen; it checks the rest of its settings itself.

    Attributes:
        host: Address to bind.
        port: Port number.
    """

    host: str = "127.0.0.1"
    port: int = 8080

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> GatewayPlace:
        """Read the two settings of the gateway that the supervisor needs.

        Raises:
            SettingsError: The port is no port number.
        """
        names = ("GATEWAY_HOST", "GATEWAY_PORT")
        env = EnvReader("GATEWAY_", {name: environ[name] for name in names if name in environ})
        place = cls(
            host=env.text("HOST", cls().host),
            port=env.integer("PORT", cls().port, least=1, most=65_535),
        )
        env.finish()
        return place

    @property
    def url(self) -> str:
        """Origin under which this machine reaches the gateway."""
        return f"http://{reachable(self.host)}:{self.port}"


def localaws_environ(environ: Mapping[str, str], *, gateway: GatewayPlace) -> dict[str, str]:
    """Return the environment of `localaws serve`."""
    return {"LOCALAWS_GATEWAY_URL": gateway.url, **_inherited(environ)}


def gateway_environ(
    environ: Mapping[str, str], *, gateway: GatewayPlace, settings: Settings, state: StateFolder
) -> dict[str, str]:
    """Return the environment of `gateway serve`."""
    defaults = {
        "GATEWAY_HOST": gateway.host,
        "GATEWAY_PORT": str(gateway.port),
        "GATEWAY_NAMESPACE": settings.namespace,
        "GATEWAY_REGION": settings.region,
        "GATEWAY_IOT_ENDPOINT": f"http://{reachable(settings.host)}:{settings.iot_port}",
        "GATEWAY_KEYS_FILE": str(state.key_file.resolve()),
        "GATEWAY_OUTBOX": f"sqlite:///{state.outbox.resolve()}",
        "GATEWAY_CORS_ORIGINS": ",".join(sorted(page_origins(settings.api_port))),
        "GATEWAY_DASHBOARD_DIR": str((settings.web_dir / "dashboard").resolve()),
        "GATEWAY_LOG_FORMAT": "pretty",
        # The supervisor kills after stop_timeout_s: the drain must be over by then.
        "GATEWAY_DRAIN_S": f"{settings.stop_timeout_s / 2:g}",
    }
    aws = {
        "AWS_CONFIG_FILE": str(state.aws_config.resolve()),
        "AWS_SHARED_CREDENTIALS_FILE": str(state.aws_credentials.resolve()),
        "AWS_PROFILE": "gateway",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return {**defaults, **_inherited(environ), **aws}


def reachable(host: str) -> str:
    """Return, for an address that is bound to, the one to connect to, ready for a URL."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def _inherited(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    # A proxy of the user's network has no way to this machine's loopback.
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [environ.get(name), *LOOPBACK_NAMES]))
    return kept
