"""The AWS credentials that every request is signed with.

Owns finding them the standard AWS ways, asking for fresher ones in time, and finding others when
IoT Core refuses those in use.
Does not: sign, or know where credentials come from (botocore's provider chain does).
Source: botocore/credentials.py, RefreshableCredentials; docs/decisions/0009-publish-path.md.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol

from botocore.exceptions import NoCredentialsError

from gateway.core.publish_request import SigningKeys
from gateway.iot.failures import CLIENT_ERRORS

log = logging.getLogger(__name__)

_ASK_S: Final = 1.0
"""How often the provider is asked whether it has fresher keys, seconds. It renews temporary keys 15
minutes before they expire, so a second of age is nothing; asking costs ten times a signature."""

_RENEW_S: Final = 2.0
"""Shortest time between two searches for other keys, seconds: refused keys must not turn every
publish into a question to STS."""


class Provider(Protocol):
    """What botocore makes of one place where credentials were found."""

    async def get_frozen_credentials(self) -> Any:
        """Return the keys as they are now, renewed if they were about to expire."""


class CredentialSession(Protocol):
    """An AWS session, as far as credentials go."""

    async def get_credentials(self) -> Provider | None:
        """Search the standard places; None if there are none."""


class Credentials:
    """Keys that are always there and as fresh as can be.

    Theory of operation: publishes take the keys in hand and never wait for fresher ones; those are
    asked for beside them, once a second. botocore renews temporary keys long before they expire, so
    the keys in hand are good meanwhile. When IoT Core refuses them all the same (a role's sessions
    revoked, a file of keys rewritten, a laptop that slept), `renew` searches the standard places
    anew, as a restart would. It has the one method that botocore's signer asks of credentials, so
    the stock client signs with it, too.

    Args:
        open_session: Makes an AWS session that has remembered no credentials.
        now: A clock that only goes forward, seconds.
        first: A session that has searched already, for the first search; or None.
    """

    def __init__(
        self,
        open_session: Callable[[], CredentialSession],
        now: Callable[[], float],
        first: CredentialSession | None = None,
    ) -> None:
        self._open_session = open_session
        self._first = first
        self._now = now
        self._lock = asyncio.Lock()
        self._provider: Provider | None = None
        self._frozen: Any = None
        self._keys: SigningKeys | None = None
        self._ask_at = 0.0
        self._renew_at = 0.0
        self._asking: asyncio.Task[None] | None = None

    @property
    def keys(self) -> SigningKeys | None:
        """The keys in hand, or None if there are none yet; asks for fresher ones when it is time."""
        if self._keys is not None and self._now() >= self._ask_at:
            self._ask_at = self._now() + _ASK_S
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask_quietly(), name="credentials")
        return self._keys

    async def get_frozen_credentials(self) -> Any:
        """Return the keys in hand as botocore's signer wants them, or search for some.

        Raises:
            BotoCoreError: There are none, or they could not be had.
        """
        if self.keys is None:
            async with self._lock:
                if self._keys is None:
                    await self._ask()
        return self._frozen

    async def signing_keys(self) -> SigningKeys:
        """Return the keys in hand, or search for some; raises as `get_frozen_credentials`."""
        await self.get_frozen_credentials()
        if self._keys is None:
            raise NoCredentialsError
        return self._keys

    async def check(self) -> None:
        """Ask the provider now; raises as `get_frozen_credentials`."""
        async with self._lock:
            await self._ask()

    async def renew(self, refused: SigningKeys | None) -> bool:
        """Search anew after IoT Core refused some keys.

        Returns:
            Whether there are other keys now than those refused.
        """
        async with self._lock:
            if self._keys == refused and self._now() >= self._renew_at:
                self._renew_at = self._now() + _RENEW_S
                self._provider = None
                with suppress(*CLIENT_ERRORS):
                    await self._ask()
                if self._keys != refused:
                    log.info("aws credentials renewed after a refusal")
            return self._keys is not None and self._keys != refused

    async def close(self) -> None:
        """End what is under way."""
        if self._asking is not None:
            self._asking.cancel()
            with suppress(asyncio.CancelledError):
                await self._asking

    async def _ask_quietly(self) -> None:
        try:
            async with self._lock:
                await self._ask()
        except CLIENT_ERRORS as error:
            # botocore has logged why; the keys in hand are used as long as IoT Core takes them.
            log.warning("aws credentials not refreshed", extra={"error": type(error).__name__})

    async def _ask(self) -> None:
        self._ask_at = self._now() + _ASK_S
        if self._provider is None:
            session, self._first = self._first or self._open_session(), None
            self._provider = await session.get_credentials()
            if self._provider is None:
                raise NoCredentialsError
        frozen = await self._provider.get_frozen_credentials()
        keys = SigningKeys(
            access_key=frozen.access_key, secret_key=frozen.secret_key, token=frozen.token
        )
        # The same object as long as they are the same: the signing key is kept by identity.
        if keys != self._keys:
            self._keys, self._frozen = keys, frozen
