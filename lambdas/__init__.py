"""The stack's Lambda functions, one folder each.

Nothing is shared here: what two sides agree on is in `wire`.

Source: docs/design.md, "Folders".
"""
