"""Clients of others, unchanged, against localaws or AWS itself. docs/fidelity.md says how."""
