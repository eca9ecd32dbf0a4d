"""The outbox: where accepted events are until they are published or accounted for.

Owns the promise behind 202. `outbox.py` is the interface; each engine has a package of its own.
Does not: publish, retry or pace (`gateway/engine.py`), or know HTTP.
Source: docs/design.md, "The outbox"; docs/decisions/0007-outbox.md.
"""
