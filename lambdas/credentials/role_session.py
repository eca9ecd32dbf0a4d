"""What the role session is called and how long it lives.

Owns both as pure functions. Does not call STS (`lambdas.credentials.client_role`).

Source: STS AssumeRole, parameters RoleSessionName and DurationSeconds; IAM user guide, role
chaining; docs/decisions/0003-tokens-and-credentials.md.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from typing import TYPE_CHECKING, Final

from wire.limits import MIN_SESSION_S

if TYPE_CHECKING:
    from datetime import datetime

MAX_NAME_CHARS: Final = 64
"""Longest RoleSessionName. Source: STS AssumeRole, RoleSessionName: `[\\w+=,.@-]{2,64}`."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_=,.@-]", re.ASCII)
_DIGEST_BYTES: Final = 16
_KEPT_CHARS: Final = 40


def role_session_name(user_id: str) -> str:
    """Return the RoleSessionName of a user: the user id itself wherever it can be.

    It is what CloudTrail and IoT's presence events show, and no two user ids share one. `+` never
    occurs in a user id, so it marks what had to change: ``+3a`` is a character by its code, ``+``
    at the end fills up a name that is too short, and ``+h`` starts the 128-bit digest that
    replaces the end of one that is too long.

    Args:
        user_id: As `wire.address.check_user_id` accepts it.
    """
    name = _UNSAFE.sub(lambda found: f"+{ord(found[0]):02x}", user_id)
    if len(name) > MAX_NAME_CHARS:
        digest = hashlib.sha256(user_id.encode()).digest()[:_DIGEST_BYTES]
        tail = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return f"{name[:_KEPT_CHARS]}+h{tail}"
    return name if len(name) > 1 else f"{name}+"


def session_seconds(*, token_expires_at: datetime, now: datetime, configured_s: int) -> int:
    """Return how long the credentials shall live, seconds.

    They end with the token, or after the configured time if that is sooner, but STS gives no less
    than 900 s, so a token about to expire still brings 900 s.

    Args:
        token_expires_at: End of the token's life.
        now: The time.
        configured_s: 900 to 3,600.
    """
    left_s = math.floor((token_expires_at - now).total_seconds())
    return max(MIN_SESSION_S, min(configured_s, left_s))
