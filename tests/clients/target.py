"""What the clients talk to: localaws, or AWS itself.

Owns making members, publishing and disconnecting with the rights of an operator. Does not own the
clients. Both targets do everything through AWS's own APIs, so that a test means the same on both.

Source: style guide, rule 9; docs/fidelity.md, "Against AWS".
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

from infra.policies import Place, client_role_policy, client_trust_policy
from tests.clients.member import Member
from wire.grant import Grant, grant_for
from wire.policy import compile_session_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localaws.embedded import LocalAws

SWITCH = "CLIENT_TESTS_AWS"
"""Environment variable that turns to AWS: `endpoint=…,region=…,role=…,namespace=…`."""

_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=20)
_SHORTEST_SESSION_S = 900
_CLOCK_SKEW_S = 5


@dataclass(frozen=True)
class _Claims:
    """What a token would say."""

    subject: str
    groups: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()


class Target(Protocol):
    """One of the two.

    Attributes:
        namespace: First level of every topic.
        tls_endpoint: `wss` URL for clients that only speak TLS.
        ca_file: What they must trust; None for the public authorities.
        operator: Environment variables with which the AWS CLI is the operator, who may publish
            anything and end any connection of the namespace.
    """

    namespace: str
    tls_endpoint: str
    ca_file: str | None
    operator: Mapping[str, str]

    def member(self, *, groups: Sequence[str] = (), publish: Sequence[str] = ()) -> Member:
        """Return a new client with credentials for these groups and addresses."""

    def member_from_sts(self, *, groups: Sequence[str] = (), publish: Sequence[str] = ()) -> Member:
        """Return the same, its credentials straight from AssumeRole."""

    def expired_member(self) -> Member:
        """Return one whose credentials have been right, and are over."""

    def publish(self, topic: str, payload: str) -> None:
        """Publish over HTTP at QoS 1."""

    def disconnect(self, client_id: str) -> None:
        """End a client's connection."""


class _Operator:
    """Whoever may publish and disconnect, over HTTP."""

    iot_url: str
    region: str
    keys: Mapping[str, str]

    @cached_property
    def _iot_data(self) -> Any:
        make: Any = boto3.client  # its stubs want literal arguments
        return make(
            "iot-data",
            endpoint_url=self.iot_url,
            region_name=self.region,
            config=_ONCE,
            **self.keys,
        )

    def publish(self, topic: str, payload: str) -> None:
        """Publish over HTTP at QoS 1."""
        self._iot_data.publish(topic=topic, qos=1, payload=payload.encode())

    def disconnect(self, client_id: str) -> None:
        """End a client's connection."""
        self._iot_data.delete_connection(clientId=client_id)


class Localaws(_Operator):
    """localaws in this process.

    Args:
        aws: Running, in a thread of its own.
        tls_endpoint: TLS in front of its IoT port.
        ca_file: The authority of that.
    """

    def __init__(self, aws: LocalAws, *, tls_endpoint: str, ca_file: str) -> None:
        self._aws = aws
        self.namespace = aws.stack.place.namespace
        self.region = aws.stack.place.region
        self.iot_url = aws.endpoints.iot_url
        self.tls_endpoint = tls_endpoint
        self.ca_file: str | None = ca_file
        self.keys = {
            "aws_access_key_id": aws.admin.access_key_id,
            "aws_secret_access_key": aws.admin.secret.reveal(),
        }
        self.operator: Mapping[str, str] = {
            "AWS_ACCESS_KEY_ID": aws.admin.access_key_id,
            "AWS_SECRET_ACCESS_KEY": aws.admin.secret.reveal(),
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL_IOT_DATA_PLANE": self.iot_url,
        }

    def member(self, *, groups: Sequence[str] = (), publish: Sequence[str] = ()) -> Member:
        """Ask `POST /credentials` with a token of the demo's issuer."""
        user = _new_user()
        request = urllib.request.Request(  # noqa: S310 (http)
            self._aws.endpoints.credentials_url,
            data=b'{"device": "d"}',
            headers={
                "Authorization": "Bearer "
                + self._aws.demo_token(user, groups=groups, publish=publish),
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 (http)
            answer = json.load(response)
        keys = answer["credentials"]
        return Member(
            client_id=answer["clientId"],
            endpoint=answer["endpoint"],
            url=answer["url"],
            region=answer["region"],
            access_key_id=keys["accessKeyId"],
            secret_access_key=keys["secretAccessKey"],
            session_token=keys["sessionToken"],
        )

    def member_from_sts(self, *, groups: Sequence[str] = (), publish: Sequence[str] = ()) -> Member:
        """Assume a role with the client role's rights, which trusts the operator."""
        grant = _grant(self.namespace, groups, publish)
        return Member.of_session(
            _assume(self._client("sts"), self._role_arn, grant),
            client_id=grant.client_id,
            endpoint=self._aws.endpoints.mqtt_url,
            region=self.region,
        )

    def expired_member(self) -> Member:
        """Make time pass for one client's credentials."""
        member = self.member()
        assert self._aws.moto.directory.expire(member.access_key_id)
        return member

    @cached_property
    def _role_arn(self) -> str:
        sts, iam = self._client("sts"), self._client("iam")
        place: Place = self._aws.stack.place
        name = f"{place.namespace}-test-client"
        trust = client_trust_policy(sts.get_caller_identity()["Arn"])
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(
            RoleName=name, PolicyName="client", PolicyDocument=json.dumps(client_role_policy(place))
        )
        return str(role["Role"]["Arn"])

    def _client(self, service: str) -> Any:
        make: Any = boto3.client  # its stubs want literal arguments
        return make(
            service,
            endpoint_url=self._aws.endpoints.aws_url,
            region_name=self.region,
            config=_ONCE,
            **self.keys,
        )


@dataclass
class Aws(_Operator):
    """AWS, with the caller's own credentials.

    Attributes:
        endpoint: Host of the account's IoT data endpoint (ATS).
        region: Its region.
        role: ARN of a client role (`infra.policies.client_role_policy`) that trusts the caller.
        namespace: The namespace that role is for.
    """

    endpoint: str
    region: str
    role: str
    namespace: str
    ca_file: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str) -> Aws:
        """Read the switch.

        Raises:
            TypeError: A part is missing or unknown.
        """
        parts: dict[str, Any] = dict(part.split("=", 1) for part in text.split(","))
        return cls(**parts)

    def __post_init__(self) -> None:
        self.tls_endpoint = f"wss://{self.endpoint}/mqtt"
        self.iot_url = f"https://{self.endpoint}"
        self.operator: Mapping[str, str] = {
            **{name: value for name, value in os.environ.items() if name.startswith("AWS_")},
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL_IOT_DATA_PLANE": self.iot_url,
        }
        # Made first of all, so that the tests that want it wait as little as can be.
        self._to_expire = self.member()
        self._expires_at = time.time() + _SHORTEST_SESSION_S + _CLOCK_SKEW_S

    def member(self, *, groups: Sequence[str] = (), publish: Sequence[str] = ()) -> Member:
        """Assume the client role as the credential Lambda does."""
        grant = _grant(self.namespace, groups, publish)
        return Member.of_session(
            _assume(boto3.client("sts", region_name=self.region), self.role, grant),
            client_id=grant.client_id,
            endpoint=self.tls_endpoint,
            region=self.region,
        )

    member_from_sts = member

    def expired_member(self) -> Member:
        """Wait until the first credentials are over: a quarter of an hour, once."""
        time.sleep(max(0.0, self._expires_at - time.time()))
        return self._to_expire


def _new_user() -> str:
    """Return a user id nobody else has: two tests never share a client id."""
    return f"test-{uuid.uuid4().hex[:12]}"


def _grant(namespace: str, groups: Sequence[str], publish: Sequence[str]) -> Grant:
    return grant_for(_Claims(_new_user(), tuple(groups), tuple(publish)), "d", namespace)


def _assume(sts: Any, role_arn: str, grant: Grant) -> Mapping[str, object]:
    answer = sts.assume_role(
        RoleArn=role_arn,
        RoleSessionName=grant.user_id,
        DurationSeconds=_SHORTEST_SESSION_S,
        Policy=compile_session_policy(grant),
    )
    credentials: Mapping[str, object] = answer["Credentials"]
    expires_at = credentials["Expiration"]
    assert isinstance(expires_at, datetime)
    assert expires_at > datetime.now(UTC)
    return credentials
