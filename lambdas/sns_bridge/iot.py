"""The one place where the bridge reaches AWS: publishing over IoT Core's HTTP data plane.

Owns the botocore client and what its failures mean. Imports botocore only, not boto3: a cold start
pays for every module.

Source: IoT data plane API reference, Publish.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.sns_bridge.errors import PublishFailed
from lambdas.sns_bridge.settings import PUBLISH_TRIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambdas.sns_bridge.publication import Publication
    from lambdas.sns_bridge.settings import Settings

_NO_FILES: Any = {"profile": (None, None, None, None), "config_file": (None, None, None, None)}
"""Session variables without their environment names: a container has no profiles."""

# At DEBUG botocore logs whole requests, and with them payloads.
logging.getLogger("botocore").setLevel(logging.INFO)


def publisher(environ: Mapping[str, str], settings: Settings) -> Callable[[Publication], None]:
    """Return what publishes once, at QoS 1.

    Args:
        environ: Holds the role's credentials, as Lambda sets them.
        settings: Endpoint, region and time-out.
    """
    session = botocore.session.Session(session_vars=_NO_FILES)
    client: Any = session.create_client(
        "iot-data",
        region_name=settings.region,
        endpoint_url=settings.iot_endpoint,
        aws_access_key_id=environ.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=environ.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=environ.get("AWS_SESSION_TOKEN"),
        config=Config(
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.timeout_s,
            retries={"mode": "standard", "total_max_attempts": PUBLISH_TRIES},
            max_pool_connections=1,
        ),
    )

    def publish(publication: Publication) -> None:
        request: dict[str, object] = {
            "topic": publication.topic,
            "payload": publication.payload,
            "qos": 1,
            "userProperties": json.dumps(
                [{name: value} for name, value in publication.user_properties.items()]
            ),
        }
        if publication.content_type is not None:
            request["contentType"] = publication.content_type
        try:
            client.publish(**request)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise PublishFailed("iot_refused", f"IoT Core answered {code}") from None
        except BotoCoreError as error:
            raise PublishFailed("iot_unavailable", type(error).__name__) from None

    return publish
