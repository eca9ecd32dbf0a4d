"""Who sent an SQS message: what AWS stamps as `SenderId`, where moto stamps the same on all.

Owns the stamp of messages sent through the AWS port, and of those that rules of EventBridge send:
these take on the target's role first, as AWS does, and send nothing if they may not.
Does not: know who calls (`localaws.aws_front` verified that, and says so in a header).

Known differences: what SNS and rules without a role send has one made-up sender, since the ids of
AWS's own services are not documented; a queue's own policy is not evaluated.

Source: SQS API, ReceiveMessage, `SenderId`; EventBridge user guide, "Sending events to an AWS
service in another account" (execution role of a queue target).
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import flask
from moto.events import models as events
from moto.sqs import models as sqs

from localaws.service_roles import RoleNotAssumable, ServiceRoles

if TYPE_CHECKING:
    from localaws.key_directory import KeyDirectory

log = logging.getLogger(__name__)

SENDER_HEADER: Final = "x-localaws-sender"
"""The caller's unique id on its way from the front to moto; a client's own is not passed on."""

EVENTS_SERVICE: Final = "events.amazonaws.com"
"""The name that roles of EventBridge's targets trust."""

_SESSION: Final = "eventbridge"
_role_sender: ContextVar[str | None] = ContextVar("role_sender", default=None)
_roles: dict[str, ServiceRoles] = {}
_moto_send: Final = events.Rule._send_to_sqs_queue  # noqa: SLF001 - moto has no seam for this


class StampedMessage(sqs.Message):
    """A message that knows who sent it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        sender = _role_sender.get() or _caller()
        if sender:
            self.sender_id = sender


def stamp_senders(directory: KeyDirectory, *, account: str) -> None:
    """Have moto stamp every message of this account from now on, for as long as it runs."""
    _roles[account] = ServiceRoles(directory, service=EVENTS_SERVICE, session_name=_SESSION)
    sqs.Message = StampedMessage  # type: ignore[misc]
    events.Rule._send_to_sqs_queue = _send_as_role  # type: ignore[assignment, method-assign]  # noqa: SLF001


def _caller() -> str | None:
    if not flask.has_request_context():
        return None
    headers = flask.request.headers
    # What SNS or EventBridge send on behalf of a caller, the caller did not send.
    own_call = "/sqs/aws4_request" in headers.get("Authorization", "")
    return headers.get(SENDER_HEADER) if own_call else None


def _send_as_role(
    rule: events.Rule, resource_id: str, event: dict[str, Any], group_id: str | None = None
) -> None:
    target = next(
        (
            one
            for one in rule.targets
            if one["Arn"].rpartition(":")[2] == resource_id
            and one.get("SqsParameters", {}).get("MessageGroupId") == group_id
        ),
        {},
    )
    role_arn, roles = target.get("RoleArn"), _roles.get(rule.account_id)
    if role_arn is None or roles is None:
        _moto_send(rule, resource_id, event, group_id)
        return
    try:
        principal = roles.assume(role_arn, datetime.now(UTC), source_arn=rule.arn).principal
    except RoleNotAssumable as problem:
        log.warning("rule sent nothing", extra={"rule": rule.name, "why": str(problem)})
        return
    if not principal.allows("sqs:SendMessage", target["Arn"], {}).allowed:
        why = f"{role_arn} may not send to {target['Arn']}"
        log.warning("rule sent nothing", extra={"rule": rule.name, "why": why})
        return
    token = _role_sender.set(principal.user_id)
    try:
        _moto_send(rule, resource_id, event, group_id)
    finally:
        _role_sender.reset(token)
