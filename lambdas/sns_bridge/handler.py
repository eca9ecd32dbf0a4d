"""Entry point of the SNS bridge.

Owns making the function once for each container. What happens to a batch is in
`lambdas.sns_bridge.batch`. Importing this module loads no botocore; building does.

A failure to build is raised: Lambda then reports the invocation as failed, SQS brings the batch
again, and the alarm on errors tells. Source: Lambda developer guide, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TypeAlias

Handler: TypeAlias = Callable[[Mapping[str, object], object], dict[str, object]]
"""A Lambda handler: an SQS event and its context in, a partial batch response out."""


def build(environ: Mapping[str, str]) -> Handler:
    """Return the handler that an environment describes.

    Args:
        environ: Settings (`SNS_BRIDGE_…`), and AWS's own names for credentials.

    Raises:
        SettingsError: The settings are wrong.
    """
    # Here and not above: an import of this module stays cheap.
    from lambdas.sns_bridge.batch import Bridge  # noqa: PLC0415
    from lambdas.sns_bridge.iot import publisher  # noqa: PLC0415
    from lambdas.sns_bridge.settings import Settings  # noqa: PLC0415

    settings = Settings.from_env(environ)
    return Bridge(settings, publisher(environ, settings))


_built: list[Handler] = []


def handler(event: Mapping[str, object], context: object) -> dict[str, object]:
    """Answer one batch; the function's configuration names this."""
    if not _built:
        _built.append(build(os.environ))
    return _built[0](event, context)
