"""The root of every error in `gateway`.

Owns that one class, apart from the tree so that no import goes round in a circle.
Source: the drawing in `gateway/errors/__init__.py`.
"""

from __future__ import annotations


class GatewayError(Exception):
    """Root of every error in `gateway`."""
