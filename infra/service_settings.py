"""The gateway service as the operator asks for it, read and checked.

Owns the `gateway…` settings that make a service; without `gatewayVpcId` there is none and the
others must be left out. `gatewayPrincipals` is not among them: it serves gateways run elsewhere.

Source: docs/deploy.md, "The gateway service"; ECS developer guide, "Task CPU and memory".
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.config_reader import ConfigReader

TASK_SIZES: Final = {
    256: range(512, 2_049, 512),
    512: range(1_024, 4_097, 1_024),
    1_024: range(2_048, 8_193, 1_024),
    2_048: range(4_096, 16_385, 1_024),
    4_096: range(8_192, 30_721, 1_024),
}
"""Memory in MB that Fargate offers for each CPU size (1,024 is one vCPU)."""

_VPC: Final = re.compile(r"vpc-[0-9a-f]{8,17}")
_SUBNET: Final = re.compile(r"subnet-[0-9a-f]{8,17}")
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII)
_CERTIFICATE: Final = re.compile(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+")
_KEPT: Final = re.compile(
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:|ssm:[a-z0-9-]+:\d{12}:parameter/)"
    r"[\w/+=.@-]+",
    re.ASCII,
)
_IMAGE: Final = re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]*(:[\w.-]{1,128}|@sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayServiceSettings:
    """A gateway service.

    Attributes:
        vpc_id: Where it runs.
        subnet_ids: Private subnets, two or more, that reach AWS.
        allowed_cidrs: Who may call it: IPv4 ranges of the callers.
        image: The image, with a tag or digest.
        keys_secret_arn: Where its keys file is kept: a secret or parameter with the file's text.
        domain: Host name of its own, which the certificate is for; empty without one.
        zone_id: Route 53 zone that gets its record, or empty: it is made elsewhere.
        certificate_arn: ACM certificate of the listener; empty listens for plain HTTP.
        cpu: CPU units of a task; 1,024 is one vCPU.
        memory_mb: Memory of a task.
        min_tasks: Fewest tasks.
        max_tasks: Most tasks.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    allowed_cidrs: tuple[str, ...]
    image: str
    keys_secret_arn: str
    domain: str
    zone_id: str
    certificate_arn: str
    cpu: int
    memory_mb: int
    min_tasks: int
    max_tasks: int


def read_gateway_service(reader: ConfigReader) -> GatewayServiceSettings | None:
    """Read the service's settings, or None where no VPC is named; problems go to the reader."""
    found = GatewayServiceSettings(
        vpc_id=reader.text("gatewayVpcId"),
        subnet_ids=reader.listing("gatewaySubnetIds"),
        allowed_cidrs=reader.listing("gatewayAllowedCidrs"),
        image=reader.text("gatewayImage"),
        keys_secret_arn=reader.text("gatewayKeysSecretArn"),
        domain=reader.text("gatewayDomain"),
        zone_id=reader.text("gatewayZoneId"),
        certificate_arn=reader.text("gatewayCertificateArn"),
        cpu=reader.integer("gatewayCpu", 512, least=256, most=4_096),
        memory_mb=reader.integer("gatewayMemoryMb", 1_024, least=512, most=30_720),
        min_tasks=reader.integer("gatewayMinTasks", 2, least=1, most=100),
        max_tasks=reader.integer("gatewayMaxTasks", 6, least=1, most=100),
    )
    if not found.vpc_id:
        _refuse_the_rest(reader, found)
        return None
    _check(reader, found)
    return found


def _refuse_the_rest(reader: ConfigReader, found: GatewayServiceSettings) -> None:
    given = {
        "gatewaySubnetIds": found.subnet_ids,
        "gatewayAllowedCidrs": found.allowed_cidrs,
        "gatewayImage": found.image,
        "gatewayKeysSecretArn": found.keys_secret_arn,
        "gatewayDomain": found.domain,
        "gatewayZoneId": found.zone_id,
        "gatewayCertificateArn": found.certificate_arn,
    }
    for key, value in given.items():
        if value:
            reader.problem(key, "is of no use without gatewayVpcId: there is no service")


def _check(reader: ConfigReader, found: GatewayServiceSettings) -> None:
    def need(key: str, *, fit: bool, sentence: str) -> None:
        if not fit:
            reader.problem(key, sentence)

    need("gatewayVpcId", fit=bool(_VPC.fullmatch(found.vpc_id)), sentence="must be a VPC id, vpc-…")
    need(
        "gatewaySubnetIds",
        fit=len(set(found.subnet_ids)) > 1 and all(map(_SUBNET.fullmatch, found.subnet_ids)),
        sentence="must be two or more subnet ids, subnet-…: a load balancer stands in two zones",
    )
    need(
        "gatewayAllowedCidrs",
        fit=bool(found.allowed_cidrs) and all(map(_is_range, found.allowed_cidrs)),
        sentence="must be the IPv4 ranges of the callers, such as 10.0.0.0/16, and not everybody",
    )
    need(
        "gatewayImage",
        fit=bool(_IMAGE.fullmatch(found.image)),
        sentence="must be an image with a tag or a digest",
    )
    need(
        "gatewayKeysSecretArn",
        fit=bool(_KEPT.fullmatch(found.keys_secret_arn)),
        sentence="must be the whole ARN of the secret or parameter that holds the keys file",
    )
    need(
        "gatewayCertificateArn",
        fit=not found.certificate_arn or bool(_CERTIFICATE.fullmatch(found.certificate_arn)),
        sentence="must be the ARN of an ACM certificate",
    )
    need(
        "gatewayDomain",
        fit=not found.domain or bool(_DOMAIN.fullmatch(found.domain)),
        sentence="must be a host name such as gateway.example.com",
    )
    need(
        "gatewayDomain",
        fit=bool(found.domain) == bool(found.certificate_arn),
        sentence="and gatewayCertificateArn go together: callers check the name they call",
    )
    need(
        "gatewayZoneId",
        fit=not found.zone_id or bool(found.domain),
        sentence="is of no use without gatewayDomain",
    )
    need(
        "gatewayMemoryMb",
        fit=found.memory_mb in TASK_SIZES.get(found.cpu, ()),
        sentence=f"({found.memory_mb}) does not go with gatewayCpu ({found.cpu}) on Fargate",
    )
    need(
        "gatewayMaxTasks",
        fit=found.max_tasks >= found.min_tasks,
        sentence="must not be less than gatewayMinTasks",
    )


def _is_range(text: str) -> bool:
    try:
        return ipaddress.IPv4Network(text).prefixlen > 0
    except ValueError:
        return False
