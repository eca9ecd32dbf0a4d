"""The Pulumi components, one per file, and the IAM documents they attach.

Owns everything `pulumi up` creates; `__main__.py` only lists it.
`policies` and `bundle` are pure of Pulumi: localaws and the tests call them too.
Imports `wire` and nothing else of ours.

Source: docs/design.md, "Folders".
"""
