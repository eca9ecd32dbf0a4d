"""The decisions of the gateway, as pure functions and values.

Owns: what an event is, what a caller may do, how fast, and what became of a publish.
Does not: open sockets, read clocks, await, log, or know AWS; `now` is always an argument.
The shell around it (`gateway/*.py`) does those things and nothing else.
"""
