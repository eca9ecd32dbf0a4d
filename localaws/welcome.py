"""What `make run` prints once everything is healthy.

Owns the text: addresses to open and lines to paste. Does not print, and holds no secret: the lines
read the service key from its file, so that it ends up in no log and no shell history.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from localaws.state import StateFolder

EXAMPLE_USER: Final = "ada"
EXAMPLE_DEVICE: Final = "laptop"
EXAMPLE_GROUP: Final = "orders/eu"
"""Whom the demo page offers to connect as, so that the lines reach somebody there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Where everything runs.

    Attributes:
        demo_url: The demo page.
        gateway_url: The event API.
        namespace: First level of every topic.
        state: Folder with the service key and the AWS files.
        python: Interpreter whose `awscli` the last line uses.
    """

    demo_url: str
    gateway_url: str
    namespace: str
    state: StateFolder
    python: str

    @property
    def dashboard_url(self) -> str:
        """The gateway's dashboard, which asks for the service key."""
        return f"{self.gateway_url}/"

    def examples(self) -> list[tuple[str, str]]:
        """Return a title and a shell line for each kind of address."""
        client = f"{self.namespace}.{EXAMPLE_USER}.{EXAMPLE_DEVICE}"
        return [
            ("one client (its card on the demo page shows its id)", self.curl(f"client:{client}")),
            ("a user", self.curl(f"user:{EXAMPLE_USER}")),
            ("a group", self.curl(f"group:{EXAMPLE_GROUP}")),
            ("everyone", self.curl("everyone")),
            ("one client, past the gateway", self.iot_data(f"{self.namespace}/client/{client}")),
        ]

    def curl(self, address: str) -> str:
        """Return the line that posts an event to an address."""
        event = json.dumps({"to": address, "type": "greeting", "data": {"text": "Hi!"}})
        key = shlex.quote(str(self.state.service_key.resolve()))
        return (
            f"curl -sS {self.gateway_url}/v1/events "
            f'-H "Authorization: Bearer $(cat {key})" '
            f"-H 'Content-Type: application/json' -d {shlex.quote(event)}"
        )

    def iot_data(self, topic: str) -> str:
        """Return the line that publishes with the AWS CLI, as any AWS user would."""
        config = shlex.quote(str(self.state.aws_config.resolve()))
        credentials = shlex.quote(str(self.state.aws_credentials.resolve()))
        return (
            f"AWS_CONFIG_FILE={config} AWS_SHARED_CREDENTIALS_FILE={credentials} "
            f"{shlex.quote(self.python)} -m awscli --profile admin iot-data publish "
            f"--topic {shlex.quote(topic)} --payload 'Hi!'"
        )
