"""The actions of a rule: as `CreateTopicRule` gives them, and as values ready to be carried out.

Owns which actions and fields there are, their checks, and filling them in for one message. Does not
carry anything out (`localaws.rules_engine`). Four of AWS's actions are supported: sns, sqs, lambda
and republish; every other one is refused by its name.

Source: the `iot` service model, Action; aws-iot-facts 6.3; IoT developer guide, "Republish", "SNS".
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from localaws.core.message import Message, expiry
from localaws.core.rules.errors import ActionRefused, RuleRefused
from localaws.core.rules.scope import Scope
from localaws.core.rules.template import Template
from localaws.core.rules.value import UNDEFINED, read_json
from wire.errors import InvalidTopic
from wire.topic import check_topic

_ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


class Unfit(RuleRefused):
    """What was selected cannot be handed to this action, e.g. bytes that are no text."""


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """Publish to an SNS topic.

    Attributes:
        is_structure: The body is JSON with one text per protocol (messageFormat JSON).
    """

    target_arn: str
    role_arn: str
    body: str
    is_structure: bool


@dataclass(frozen=True, slots=True)
class SqsMessage:
    """Send to an SQS queue."""

    queue_url: str
    role_arn: str
    body: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """Invoke a Lambda function, asynchronously."""

    function_arn: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Republication:
    """Publish to an MQTT topic."""

    role_arn: str
    message: Message


Effect = SnsMessage | SqsMessage | Invocation | Republication
"""One thing to do, with everything filled in."""


class Action(Protocol):
    """One action of a rule."""

    @property
    def name(self) -> str:
        """Its name in error messages, e.g. ``SnsAction``."""

    @property
    def resource(self) -> str:
        """What it acts on, as the rule has it."""

    @property
    def role_arn(self) -> str | None:
        """The role it is carried out with; None for an action that needs none."""

    def effect(self, selected: bytes, scope: Scope) -> Effect:
        """Return what to do for one message.

        Args:
            selected: What the rule's SELECT made, or the error document.
            scope: The message, for substitution templates.

        Raises:
            RuleRefused: A template has no value, or the selected bytes do not fit the action.
        """


@dataclass(frozen=True, slots=True)
class SnsAction:
    """The action `sns`."""

    target_arn: Template
    role_arn: str
    is_structure: bool
    name: str = "SnsAction"

    @property
    def resource(self) -> str:
        """The topic's ARN."""
        return self.target_arn.written

    def effect(self, selected: bytes, scope: Scope) -> Effect:
        """Publish what was selected."""
        return SnsMessage(
            self.target_arn.fill(scope), self.role_arn, _text(selected), self.is_structure
        )


@dataclass(frozen=True, slots=True)
class SqsAction:
    """The action `sqs`."""

    queue_url: Template
    role_arn: str
    use_base64: bool
    name: str = "SqsAction"

    @property
    def resource(self) -> str:
        """The queue's URL."""
        return self.queue_url.written

    def effect(self, selected: bytes, scope: Scope) -> Effect:
        """Send what was selected."""
        body = base64.b64encode(selected).decode() if self.use_base64 else _text(selected)
        return SqsMessage(self.queue_url.fill(scope), self.role_arn, body)


@dataclass(frozen=True, slots=True)
class LambdaAction:
    """The action `lambda`."""

    function_arn: Template
    role_arn: None = None
    name: str = "LambdaAction"

    @property
    def resource(self) -> str:
        """The function's ARN."""
        return self.function_arn.written

    def effect(self, selected: bytes, scope: Scope) -> Effect:
        """Invoke with what was selected, which must be JSON."""
        if read_json(selected) is UNDEFINED:
            raise Unfit("a function takes JSON only: encode(*, 'base64') makes a text of bytes")
        return Invocation(self.function_arn.fill(scope), selected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """MQTT 5 properties of a republished message."""

    payload_format_indicator: Template | None = None
    content_type: Template | None = None
    response_topic: Template | None = None
    correlation_data: Template | None = None
    message_expiry: Template | None = None
    user_properties: tuple[tuple[Template, Template], ...] = ()


@dataclass(frozen=True, slots=True)
class RepublishAction:
    """The action `republish`."""

    topic: Template
    role_arn: str
    qos: int
    headers: Headers
    name: str = "RepublishAction"

    @property
    def resource(self) -> str:
        """The topic."""
        return self.topic.written

    def effect(self, selected: bytes, scope: Scope) -> Effect:
        """Publish what was selected to another topic; `$$` stands for `$`."""
        topic = self.topic.fill(scope)
        topic = topic[1:] if topic.startswith("$$") else topic
        try:
            check_topic(topic)
        except InvalidTopic as problem:
            raise Unfit(f"the topic to republish to is invalid: {problem.problem}") from None
        return Republication(self.role_arn, self._message(topic, selected, scope))

    def _message(self, topic: str, selected: bytes, scope: Scope) -> Message:
        headers = self.headers

        def filled(template: Template | None) -> str | None:
            return None if template is None else template.fill(scope)

        interval = filled(headers.message_expiry)
        if interval is not None and not (interval.isascii() and interval.isdecimal()):
            raise Unfit("messageExpiry is not a number of seconds")
        data = filled(headers.correlation_data)
        return Message(
            topic=topic,
            payload=selected,
            qos=self.qos,
            expires_at=expiry(None if interval is None else int(interval), scope.firing.now),
            payload_format_indicator=_indicator(filled(headers.payload_format_indicator)),
            content_type=filled(headers.content_type),
            response_topic=filled(headers.response_topic),
            correlation_data=None if data is None else _bytes(data),
            user_properties=tuple(
                (key.fill(scope), value.fill(scope)) for key, value in headers.user_properties
            ),
        )


def read_action(written: object, *, where: str, version: str) -> Action:
    """Return an action as CreateTopicRule gives it.

    Args:
        written: An object with one member, the action's name.
        where: Where it stands, for error messages.
        version: The rule's SQL version.

    Raises:
        RuleRefused: It is malformed, or outside the subset; the text names what.
    """
    if not isinstance(written, Mapping):
        raise ActionRefused(f"{where} must be an object")
    named = {name: body for name, body in written.items() if body is not None}
    if len(named) != 1:
        raise ActionRefused(f"{where} must hold exactly one action")
    ((name, body),) = named.items()
    reader = _READERS.get(name)
    if reader is None:
        raise ActionRefused(f"localaws does not support the action {name} ({where})")
    if not isinstance(body, Mapping):
        raise ActionRefused(f"{where}.{name} must be an object")
    return reader(_Fields(body, f"{where}.{name}", version))


class _Fields:
    """The fields of one action, each to be asked for before `finish`."""

    def __init__(self, body: Mapping[str, object], where: str, version: str) -> None:
        self._left = dict(body)
        self.where = where
        self._version = version

    def template(self, name: str) -> Template:
        """Return a text that must be there and may hold templates."""
        return Template.parse(self._text(name), version=self._version)

    def optional(self, name: str) -> Template | None:
        """Return a text that may hold templates, or None."""
        return None if self._left.get(name) is None else self.template(name)

    def role(self) -> str:
        """Return the role's ARN."""
        arn = self._text("roleArn")
        if not _ROLE.fullmatch(arn):
            raise ActionRefused(f"{self.where}.roleArn is not the ARN of a role")
        return arn

    def choice(self, name: str, choices: Mapping[object, object]) -> object:
        """Return what one of a few values stands for; None among them stands for "absent"."""
        value = self._left.pop(name, None)
        if isinstance(value, list | dict) or value not in choices:
            raise ActionRefused(f"{self.where}.{name} has an unknown value")
        return choices[value]

    def other(self, name: str) -> object:
        """Return a member as it is, or None."""
        return self._left.pop(name, None)

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for name in self._left:
            raise ActionRefused(f"localaws does not support {self.where}.{name}")

    def _text(self, name: str) -> str:
        value = self._left.pop(name, None)
        if not isinstance(value, str) or not value:
            raise ActionRefused(f"{self.where}.{name} must be a text")
        return value


def _sns(fields: _Fields) -> Action:
    is_structure = fields.choice("messageFormat", {None: False, "RAW": False, "JSON": True})
    action = SnsAction(fields.template("targetArn"), fields.role(), bool(is_structure))
    fields.finish()
    return action


def _sqs(fields: _Fields) -> Action:
    use_base64 = fields.choice("useBase64", {None: False, False: False, True: True})
    action = SqsAction(fields.template("queueUrl"), fields.role(), bool(use_base64))
    fields.finish()
    return action


def _lambda(fields: _Fields) -> Action:
    action = LambdaAction(fields.template("functionArn"))
    fields.finish()
    return action


def _republish(fields: _Fields) -> Action:
    qos = fields.choice("qos", {None: 0, 0: 0, 1: 1})
    headers = Headers()
    written = fields.other("headers")
    if isinstance(written, Mapping):
        headers = _headers(_Fields(written, f"{fields.where}.headers", fields._version))  # noqa: SLF001 (the same module)
    elif written is not None:
        raise ActionRefused(f"{fields.where}.headers must be an object")
    action = RepublishAction(
        fields.template("topic"), fields.role(), qos if isinstance(qos, int) else 0, headers
    )
    fields.finish()
    return action


def _headers(fields: _Fields) -> Headers:
    pairs: list[tuple[Template, Template]] = []
    written = fields.other("userProperties")
    for one in written if isinstance(written, list) else []:
        if not isinstance(one, Mapping):
            raise ActionRefused(f"{fields.where}.userProperties must hold objects")
        pair = _Fields(one, f"{fields.where}.userProperties", fields._version)  # noqa: SLF001
        pairs.append((pair.template("key"), pair.template("value")))
        pair.finish()
    headers = Headers(
        payload_format_indicator=fields.optional("payloadFormatIndicator"),
        content_type=fields.optional("contentType"),
        response_topic=fields.optional("responseTopic"),
        correlation_data=fields.optional("correlationData"),
        message_expiry=fields.optional("messageExpiry"),
        user_properties=tuple(pairs),
    )
    fields.finish()
    return headers


_READERS: Final[Mapping[str, Callable[[_Fields], Action]]] = {
    "sns": _sns,
    "sqs": _sqs,
    "lambda": _lambda,
    "republish": _republish,
}


def _text(selected: bytes) -> str:
    try:
        return selected.decode()
    except UnicodeDecodeError:
        raise Unfit("the payload is not text: encode(*, 'base64') makes a text of bytes") from None


def _indicator(name: str | None) -> int | None:
    if name is None:
        return None
    found = {"UNSPECIFIED_BYTES": 0, "UTF8_DATA": 1}.get(name)
    if found is None:
        raise Unfit("payloadFormatIndicator is neither UNSPECIFIED_BYTES nor UTF8_DATA")
    return found


def _bytes(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        raise Unfit("correlationData is not base64") from None
