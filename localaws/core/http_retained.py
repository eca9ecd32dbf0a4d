"""Retained messages over HTTP: one by its topic, and a listing of all.

Owns reading `GET /retainedMessage/{topic}` and `GET /retainedMessage`, and their answers. Does not
authorize and keeps no messages (`localaws.core.retained`).

Source: the `iot-data` service model, GetRetainedMessage and ListRetainedMessages.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from localaws.core import http_parameters as read
from localaws.core.http_parameters import Unfit, invalid
from localaws.core.pages import page
from localaws.core.refusal import Refusal

if TYPE_CHECKING:
    from localaws.core.retained import RetainedMessage
    from localaws.core.signed_request import Request

PREFIX: Final = "/retainedMessage/"

MAX_RESULTS: Final = 200
"""Most topics of one page, and how many without maxResults. Source: the `iot-data` service model;
the number without maxResults is not documented."""


def read_topic(request: Request) -> str | Refusal:
    """Return the topic that a retained message is asked for, or InvalidRequestException."""
    try:
        topic = read.path_part(request, PREFIX)
    except Unfit as unfit:
        return invalid(unfit.problem)
    return topic or invalid("The topic is missing.")


def retained_body(found: RetainedMessage | None, topic: str) -> dict[str, object] | Refusal:
    """Return a retained message as the API tells it, or ResourceNotFoundException."""
    if found is None:
        return Refusal(404, "ResourceNotFoundException", "No retained message on this topic.")
    message = found.message
    body: dict[str, object] = {
        "topic": topic,
        "payload": base64.b64encode(message.payload).decode(),
        "qos": message.qos,
        "lastModifiedTime": int(found.at * 1000),
    }
    if message.user_properties:
        pairs = [{name: value} for name, value in message.user_properties]
        body["userProperties"] = base64.b64encode(json.dumps(pairs).encode()).decode()
    return body


def listing_body(
    request: Request, stored: Sequence[RetainedMessage]
) -> dict[str, object] | Refusal:
    """Return one page of all retained messages, or InvalidRequestException."""
    try:
        sent = read.query_of(request, {"nextToken", "maxResults"})
        size = read.whole(sent, "maxResults", MAX_RESULTS, least=1, most=MAX_RESULTS)
        shown, token = page(
            stored, lambda one: one.message.topic, token=sent.get("nextToken"), size=size
        )
    except Unfit as unfit:
        return invalid(unfit.problem)
    topics = [
        {
            "topic": one.message.topic,
            "payloadSize": len(one.message.payload),
            "qos": one.message.qos,
            "lastModifiedTime": int(one.at * 1000),
        }
        for one in shown
    ]
    return {"retainedTopics": topics, **({} if token is None else {"nextToken": token})}
