"""Shared outboxes for tests: queues and tables as `infra/outbox.py` defines them, made in moto.

Owns the process that moto runs in, running the Pulumi program once for what it asks for, and making
that again under new names. Does not: run gateways.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from localaws.core.signature import AccessKey
from tests.integration.applied_account import AppliedAccount
from tests.integration.applied_messaging import MAKERS as MESSAGING
from tests.integration.applied_resources import MAKERS
from tests.integration.gateway_process import ROOT
from tests.integration.localaws_parts import ACCOUNT, REGION
from tests.unit.infra.program import MINIMAL, Program, run_program
from wire.secret import Secret


@cache
def program() -> Program:
    """Return what the Pulumi program asks for where a shared outbox is wanted."""
    return run_program({**MINIMAL, "outbox": "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPlace:
    """One shared outbox.

    Attributes:
        outbox: As GATEWAY_OUTBOX takes it, behind the front.
        troubled_outbox: The same behind the door without checks and with trouble.
        environ: Where DynamoDB is, and a key with the rights that the program gives a gateway.
        troubled_url: Where DynamoDB is behind the other door.
        queue_url: URL of the queue.
        dead_letters_url: URL of its dead-letter queue.
        table: Name of the table.
        account: Calls to SQS and DynamoDB as the admin.
    """

    outbox: str
    troubled_outbox: str
    environ: dict[str, str]
    troubled_url: str
    queue_url: str
    dead_letters_url: str
    table: str
    account: AppliedAccount


class SharedAws:
    """The process, from outside.

    Args:
        said: What it said of itself.
    """

    def __init__(self, said: dict[str, str]) -> None:
        self._said = said
        self._account = AppliedAccount(
            aws_url=said["front"],
            api_url="",
            iot_host="",
            admin=AccessKey(access_key_id=said["key"], secret=Secret(said["secret"])),
            account_id=ACCOUNT,
            region=REGION,
        )

    def make(self) -> SharedPlace:
        """Make a new, empty outbox."""
        asked, account, unique = program(), self._account, secrets.token_hex(4)
        names: dict[str, str] = {}

        def made(type_: str, part: str, **more: Any) -> dict[str, Any]:
            found = asked.one(type_, part)
            name = f"{found.name}-{unique}{'.fifo' if type_ == 'sqs/queue:Queue' else ''}"
            id_, outputs = {**MAKERS, **MESSAGING}[f"aws:{type_}"](
                account, name, found.inputs | more
            )
            names[found.outputs["arn"]] = outputs["arn"]
            return outputs | {"id": id_}

        def translated(document: str) -> str:
            for asked_arn, made_arn in names.items():
                document = document.replace(asked_arn, made_arn)
            return document

        dead = made("sqs/queue:Queue", "outbox-dead-letters")
        redrive = translated(asked.one("sqs/queue:Queue", "outbox-queue").inputs["redrivePolicy"])
        queue = made("sqs/queue:Queue", "outbox-queue", redrivePolicy=redrive)
        table = made("dynamodb/table:Table", "outbox")
        policy = translated(asked.one("iam/policy:Policy", "outbox").inputs["policy"])
        troubled = queue["url"].replace(self._said["front"], self._said["troubled"])
        return SharedPlace(
            outbox=f"aws://{queue['url']}?table={table['id']}",
            troubled_outbox=f"aws://{troubled}?table={table['id']}",
            environ=self._environ(f"gateway-{unique}", policy),
            troubled_url=self._said["troubled"],
            queue_url=queue["url"],
            dead_letters_url=dead["url"],
            table=table["id"],
            account=account,
        )

    def _environ(self, user: str, policy: str) -> dict[str, str]:
        iam = self._account.client("iam")
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="outbox", PolicyDocument=policy)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        return {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_ENDPOINT_URL_DYNAMODB": self._said["front"],
        }


@contextmanager
def shared_aws() -> Iterator[SharedAws]:
    """Run the process inside the block."""
    program()
    with subprocess.Popen(
        [sys.executable, "-m", "localaws.leash", "tests.integration.shared_aws"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        try:
            yield SharedAws(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            process.wait(20)
