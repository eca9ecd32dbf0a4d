"""What an account holds before the stack comes: all that the configuration names and does not make.

Owns making it through boto3, as the operator did long before: a VPC, certificates, a DNS zone, SNS
topics, the secret with the hashes of the gateway's keys. Does not own what else the configuration
says (`applied_stack`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.keys import Keyring, new_key

if TYPE_CHECKING:
    from tests.integration.applied_account import AppliedAccount
    from wire.secret import Secret

DOMAIN = "push.example.com"
GATEWAY = "gateway.example.com"
NETWORK = "10.20.0.0/16"
SUBNETS = {"a": "10.20.1.0/24", "b": "10.20.2.0/24"}
"""By the last letter of their zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What was there before.

    Attributes:
        config: The settings that name it.
        service_key: A key that the gateway knows the hash of; it may publish anything.
    """

    config: dict[str, str]
    service_key: Secret


def lay_out(account: AppliedAccount) -> Premises:
    """Make it; blocks for some calls."""
    key, known = new_key(
        name="shop", publish=["*"], rate_per_s=None, admin=False, now=datetime.now(UTC)
    )
    secret = account.client("secretsmanager").create_secret(
        Name="push-keys", SecretString=Keyring([known]).dump()
    )
    vpc, subnets = _network(account)
    topics = account.client("sns")
    audit = topics.create_topic(Name="audit")["TopicArn"]
    on_call = topics.create_topic(Name="on-call")["TopicArn"]
    dns = account.client("route53").create_hosted_zone(
        Name="example.com", CallerReference="applied"
    )["HostedZone"]["Id"]
    zone = dns.rpartition("/")[2]
    config = {
        "apiDomain": DOMAIN,
        "apiCertificateArn": _certificate(account, DOMAIN),
        "apiZoneId": zone,
        "alarmTopicArn": on_call,
        "iotToSns": json.dumps(
            ["group:chat -> chat", "group:support/* -> support", f"user:audited -> {audit} raw"]
        ),
        "gatewayVpcId": vpc,
        "gatewaySubnetIds": json.dumps(subnets),
        "gatewayAllowedCidrs": json.dumps([NETWORK]),
        "gatewayImage": f"{account.account_id}.dkr.ecr.{account.region}.amazonaws.com/gateway:1",
        "gatewayKeysSecretArn": secret["ARN"],
        "gatewayDomain": GATEWAY,
        "gatewayZoneId": zone,
        "gatewayCertificateArn": _certificate(account, GATEWAY),
    }
    return Premises(config=config, service_key=key)


def _certificate(account: AppliedAccount, name: str) -> str:
    made = account.client("acm").request_certificate(DomainName=name, ValidationMethod="DNS")
    return str(made["CertificateArn"])


def _network(account: AppliedAccount) -> tuple[str, list[str]]:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=NETWORK)["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{account.region}{letter}")[
            "Subnet"
        ]["SubnetId"]
        for letter, cidr in SUBNETS.items()
    ]
    return vpc, subnets
