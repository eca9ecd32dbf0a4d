"""moto in this process: STS, IAM, SNS, SQS and the rest, on a private loopback port.

Owns moto's server thread, emptying its memory, and the bootstrap that must not need a signed call:
making roles, user keys and the sessions that the Lambda service opens for functions. Sees to it
that of two conditional writes at once one fails, and that FIFO queues keep AWS's rules
(`localaws.moto_fifo`). Does not face clients: moto checks no signature, so `localaws.aws_front`
stands before it.

moto's memory belongs to the process: two servers in one process share it, and the last one stopped
empties it.

Source: facts 10.1.
"""

from __future__ import annotations

import json
import logging
from threading import Lock
from typing import TYPE_CHECKING, ClassVar, Final

from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.server import ThreadedMotoServer
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

from localaws import moto_fifo
from localaws.errors import Misuse, NotRunning
from localaws.key_directory import KeyDirectory
from wire.iam import AccessRequest, evaluate_trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from localaws.core.signature import AccessKey

LAMBDA_SERVICE: Final = "lambda.amazonaws.com"
"""The name that execution roles trust. Source: Lambda developer guide, "execution role"."""

LAMBDA_SESSION_S: Final = 43_200
"""Life of the credentials the Lambda service gives a function, seconds (12 hours)."""


STOP_POLL_S: Final = 0.02
"""How often moto's thread looks whether it should stop; its own half second is longer than all the
rest of stopping localaws takes."""


_WRITES: Final = Lock()


def moto_app() -> WSGIApplication:
    """Return moto as a WSGI application whose DynamoDB answers one request after the other.

    moto looks at a condition and then writes, and a second thread may write in between: of two
    conditional writes at once both would succeed, which never happens in AWS.
    """
    app: WSGIApplication = DomainDispatcherApplication(create_backend_app)

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
            return app(environ, start_response)
        with _WRITES:
            return app(environ, start_response)

    return answer


class _PromptServer(ThreadedMotoServer):
    """moto's own server, quicker to stop."""

    def _server_entry(self) -> None:
        self._server = make_server(
            self._ip_address,
            self._port,
            moto_app(),
            threaded=True,
            request_handler=MotoRequestHandler,
        )
        self._server_ready_event.set()
        self._server.serve_forever(STOP_POLL_S)


class MotoServer:
    """moto's server and what is made in it without asking over the network.

    Args:
        account: Account id, 12 digits.
        region: Region of the IoT endpoint.
    """

    _running: ClassVar[int] = 0
    _lock: ClassVar[Lock] = Lock()

    def __init__(self, *, account: str, region: str) -> None:
        self.account = account
        self.region = region
        self.directory = KeyDirectory(account=account, region=region)
        self._server: _PromptServer | None = None

    @property
    def endpoint(self) -> str:
        """URL of moto itself; it checks nothing, so only the front may know it.

        Raises:
            NotRunning: Before `start` or after `stop`.
        """
        if self._server is None:
            raise NotRunning("moto")
        host, port = self._server.get_host_and_port()
        return f"http://{host}:{port}"

    def arn_prefix(self, service: str) -> str:
        """Return how ARNs of a service here begin, up to the last colon."""
        return f"arn:{self.directory.partition}:{service}:{self.region}:{self.account}:"

    def start(self) -> None:
        """Start moto's thread and return when it listens; blocks for some milliseconds."""
        if self._server is not None:
            raise Misuse("moto was started twice")
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        moto_fifo.install()
        self._server = _PromptServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        with MotoServer._lock:
            MotoServer._running += 1

    def stop(self) -> None:
        """Stop moto's thread (blocks some milliseconds) and empty its memory; idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        server.stop()
        if server._server is not None:  # noqa: SLF001 (moto leaves the listening socket open)
            server._server.server_close()  # noqa: SLF001
        with MotoServer._lock:
            MotoServer._running -= 1
            if MotoServer._running == 0:
                BackendDict.reset()

    def create_role(
        self,
        name: str,
        trust: Mapping[str, object],
        policies: Mapping[str, Mapping[str, object]],
        *,
        max_session_s: int = 3_600,
    ) -> str:
        """Make a role, or make an existing one as described, and return its ARN.

        Args:
            name: Role name.
            trust: Trust policy document.
            policies: Inline policy documents by name; others that the role has are removed.
            max_session_s: MaxSessionDuration, seconds.

        Raises:
            Misuse: IAM would not take one of the documents.
        """
        iam = self.directory.iam
        try:
            role = next((role for role in list(iam.roles.values()) if role.name == name), None)
            if role is None:
                role = iam.create_role(
                    role_name=name,
                    assume_role_policy_document=json.dumps(trust),
                    path="/",
                    permissions_boundary=None,
                    description="",
                    tags=[],
                    max_session_duration=str(max_session_s),
                )
            else:
                iam.update_assume_role_policy(name, json.dumps(trust))
                role.max_session_duration = str(max_session_s)
                role.policies.clear()
            for policy_name, document in policies.items():
                iam.put_role_policy(name, policy_name, json.dumps(document))
        except (HTTPException, ServiceException) as problem:
            raise Misuse(f"role {name}: {problem}") from problem
        return role.arn

    def create_user_key(self, name: str, policies: Mapping[str, Mapping[str, object]]) -> AccessKey:
        """Make a user where there is none, give it exactly these policies and one more key.

        IAM keeps two keys for each user: the oldest makes room, so that what an earlier stand-in
        in this process left behind is in nobody's way.

        Args:
            name: User name.
            policies: Inline policy documents by name.

        Raises:
            Misuse: IAM would not take one of the documents.
        """
        iam = self.directory.iam
        try:
            user = iam.users.get(name) or iam.create_user(self.region, name)
            user.policies.clear()
            for policy_name, document in policies.items():
                iam.put_user_policy(name, policy_name, json.dumps(document))
            for old in list(iam.list_access_keys(name))[:-1]:
                iam.delete_access_key(old.access_key_id, name)
            made = iam.create_access_key(name)
        except (HTTPException, ServiceException) as problem:
            raise Misuse(f"user {name}: {problem}") from problem
        known = self.directory.known_key(made.access_key_id)
        assert known is not None  # noqa: S101 (it was made two lines above)
        return known.key

    def lambda_role_session(
        self, role_arn: str, *, session_name: str = "function", duration_s: int = LAMBDA_SESSION_S
    ) -> AccessKey:
        """Do what the Lambda service does before it runs a function: become its execution role.

        Args:
            role_arn: The execution role.
            session_name: The function's name, as it shows in the session's ARN.
            duration_s: Life of the credentials, seconds.

        Raises:
            Misuse: There is no such role, or its trust policy does not name the Lambda service.
        """
        role = self.directory.role(role_arn)
        if role is None:
            raise Misuse(f"execution role {role_arn} does not exist")
        question = AccessRequest(action="sts:AssumeRole", principals=(LAMBDA_SERVICE,))
        if not evaluate_trust(question, role.trust).allowed:
            raise Misuse(f"execution role {role_arn} does not trust {LAMBDA_SERVICE}")
        return self.directory.open_session(
            role_arn,
            session_name=session_name,
            duration_s=duration_s,
            policy=None,
            for_service=True,
        )
