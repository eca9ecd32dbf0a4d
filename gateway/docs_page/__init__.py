"""The OpenAPI document as a page for people, whole and offline.

Owns the page that `/docs` serves: one HTML document without scripts, so that it works where no
other server can be reached and where nothing may be executed.
Does not: own the description itself (`gateway/openapi`), or serve it (`routes/description.py`).
"""

from gateway.docs_page.page import content_security_policy, page

__all__ = ["content_security_policy", "page"]
