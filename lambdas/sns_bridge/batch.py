"""One invocation: a batch of messages, published one after the other.

Owns order and partial failure. SQS takes back every message reported in `batchItemFailures` and
deletes the rest. From a FIFO queue, a message group stops at its first failure and all its later
messages are reported too, untried; other groups go on. Near the end of its time the function reports
what it has not tried rather than be killed, which would bring back what it has published.

Source: Lambda developer guide, "Implementing partial batch responses" (FIFO queues).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from lambdas.sns_bridge.errors import BridgeError, MessageRefused, UnexpectedEvent
from lambdas.sns_bridge.publication import publication_of
from lambdas.sns_bridge.sqs_record import read_records

if TYPE_CHECKING:
    from lambdas.sns_bridge.publication import Publication
    from lambdas.sns_bridge.route import Route
    from lambdas.sns_bridge.settings import Settings
    from lambdas.sns_bridge.sqs_record import Incoming

log = logging.getLogger(__name__)

RESERVE_MS: Final = 1_000
"""Time kept for the answer, beyond the longest wait for one publish."""


class Bridge:
    """The function of one container.

    Args:
        settings: What the container is told.
        publish: Publishes once; raises PublishFailed.
    """

    def __init__(self, settings: Settings, publish: Callable[[Publication], None]) -> None:
        self._settings = settings
        self._publish = publish

    def __call__(self, event: Mapping[str, object], context: object = None) -> dict[str, object]:
        """Publish a batch and return what SQS shall bring again.

        Raises:
            UnexpectedEvent: It is no batch of this stack's; SQS brings all of it again.
        """
        messages = read_records(event)
        failed: list[str] = []
        stopped: set[tuple[str, str]] = set()
        counts = {"published": 0, "echoes": 0, "failed": 0, "untried": 0}
        for message in messages:
            route = self._route(message)
            lane = (message.queue_arn, message.group or "") if route.ordered else None
            if lane in stopped or self._short_of_time(context):
                outcome = "untried"
            else:
                outcome = self._cross(message, route)
            counts[outcome] += 1
            if outcome in {"failed", "untried"}:
                failed.append(message.receipt)
                if lane is not None:
                    stopped.add(lane)
        log.info("sns bridge batch", extra={"messages": len(messages), **counts})
        return {"batchItemFailures": [{"itemIdentifier": receipt} for receipt in failed]}

    def _route(self, message: Incoming) -> Route:
        route = self._settings.routes.get(message.queue_arn)
        if route is None:
            raise UnexpectedEvent("no_route", f"no route for {message.queue_arn}")
        return route

    def _cross(self, message: Incoming, route: Route) -> str:
        try:
            publication = publication_of(message, route, self._settings.namespace)
            if publication is None:
                return "echoes"
            self._publish(publication)
        except BridgeError as error:
            level = logging.WARNING if isinstance(error, MessageRefused) else logging.ERROR
            facts = {"sns_topic": route.topic_name, "message_id": message.id}
            facts |= {"reason": error.reason, "detail": error.detail}
            log.log(level, "message not bridged", extra=facts)
            return "failed"
        return "published"

    def _short_of_time(self, context: object) -> bool:
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return callable(remaining) and remaining() < self._settings.longest_publish_ms + RESERVE_MS
