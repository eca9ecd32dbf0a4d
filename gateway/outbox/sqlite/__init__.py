"""The embedded outbox: one SQLite file, one gateway.

`outbox.py` decides in memory and speaks with the rest of the gateway, on the event loop.
`writer.py` owns the one thread that touches the file, and commits in groups.
`store.py` holds what is done with the file, `schema.py` its tables, `trouble.py` what an error of
the file means.
Source: docs/decisions/0007-outbox.md; sqlite.org/wal.html; sqlite.org/pragma.html#pragma_synchronous.
"""
