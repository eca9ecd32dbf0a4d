"""AWS shared config and credentials files that point the AWS CLI and SDKs at localaws.

Owns their text. Does not write them (`localaws.state`) or make the keys (`localaws.stack`).

Source: AWS SDKs and Tools reference guide, "Shared config and credentials files" and
"Service-specific endpoints" (`iot_data_plane` is the service id of `iot-data`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.core.signature import AccessKey


def config_text(
    profiles: Mapping[str, AccessKey], *, region: str, aws_url: str, iot_url: str
) -> str:
    """Render the config file: for each profile the region and both endpoints."""
    blocks = [
        f"[profile {name}]\n"
        f"region = {region}\n"
        f"output = json\n"
        # AWS CLI 2 would take a payload for base64; version 1 does not know the name.
        f"cli_binary_format = raw-in-base64-out\n"
        f"endpoint_url = {aws_url}\n"
        f"services = localaws\n"
        for name in profiles
    ]
    blocks.append(f"[services localaws]\niot_data_plane =\n  endpoint_url = {iot_url}\n")
    return "\n".join(blocks)


def credentials_text(profiles: Mapping[str, AccessKey]) -> str:
    """Render the credentials file. It holds secrets."""
    blocks = []
    for name, key in profiles.items():
        lines = [
            f"[{name}]",
            f"aws_access_key_id = {key.access_key_id}",
            f"aws_secret_access_key = {key.secret.reveal()}",
        ]
        if key.session_token is not None:
            lines.append(f"aws_session_token = {key.session_token.reveal()}")
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)
