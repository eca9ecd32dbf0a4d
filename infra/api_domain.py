"""A host name of the operator's own for the credential API.

Owns the custom domain, its mapping and, where Route 53 has the zone, its records. Does not own the
certificate: it is issued before, in the stack's region.

Source: API Gateway developer guide, "Custom domain names for HTTP APIs".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.settings import ApiDomain


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialDomainArgs:
    """What the name is made of.

    Attributes:
        domain: The name, its certificate and its zone.
        api_id: The API it leads to.
        stage_name: The API's stage.
        tags: For the domain.
    """

    domain: ApiDomain
    api_id: pulumi.Input[str]
    stage_name: pulumi.Input[str]
    tags: Mapping[str, str]


class CredentialDomain(pulumi.ComponentResource):
    """Answer for the credential API under a name of your own.

    Pulumi type: ``serverless-websockets:infra:CredentialDomain``

    Creates:
        * API Gateway domain name, regional, TLS 1.2 at least, mapped to the API.
        * With a zone: alias records, A and AAAA.

    Outputs:
        url: Where browsers ask for credentials.
        target: What a record made elsewhere must point to.
    """

    url: pulumi.Output[str]
    target: pulumi.Output[str]

    def __init__(
        self, name: str, args: CredentialDomainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("serverless-websockets:infra:CredentialDomain", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        domain = aws.apigatewayv2.DomainName(
            f"{name}-name",
            domain_name=args.domain.name,
            domain_name_configuration={
                "certificate_arn": args.domain.certificate_arn,
                "endpoint_type": "REGIONAL",
                "security_policy": "TLS_1_2",
            },
            tags=dict(args.tags),
            opts=child,
        )
        mapping = aws.apigatewayv2.ApiMapping(
            f"{name}-mapping",
            api_id=args.api_id,
            domain_name=domain.id,
            stage=args.stage_name,
            opts=child,
        )
        target = domain.domain_name_configuration
        for kind in ("A", "AAAA") if args.domain.zone_id else ():
            aws.route53.Record(
                f"{name}-{kind.lower()}",
                zone_id=args.domain.zone_id,
                name=args.domain.name,
                type=kind,
                aliases=[
                    {
                        "name": target.target_domain_name,
                        "zone_id": target.hosted_zone_id,
                        "evaluate_target_health": False,
                    }
                ],
                opts=child,
            )
        self.url = mapping.id.apply(lambda _: f"https://{args.domain.name}/credentials")
        self.target = target.target_domain_name.apply(lambda found: found or "")
        self.register_outputs({"url": self.url, "target": self.target})
