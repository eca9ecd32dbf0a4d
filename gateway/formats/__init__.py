"""The forms in which events arrive: JSON, arrays, NDJSON, and the three modes of CloudEvents.

Owns turning a body that was read into events, or into the reason why each one is none.
Does not: read from the network (`gateway/body.py`), check the fields of an event
(`gateway/core/event.py`), ask who may send it, or answer.
Everything here is pure: headers and bytes in, values out.
Source: docs/design.md, "Event API"; docs/decisions/0008-event-api.md for what was chosen and why.
"""
