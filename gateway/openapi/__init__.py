"""The event API described for machines: OpenAPI 3.1, as Python data.

Owns what `/openapi.json` says. Does not: register routes or check requests; tests compare the two,
route by route, and let schemathesis call a real gateway by this description.
Written by hand and typed, because it is read by people, too, and must say what no code can.
Source: OpenAPI 3.1.1; JSON Schema 2020-12; docs/api.md.
"""

from gateway.openapi.document import openapi

__all__ = ["openapi"]
