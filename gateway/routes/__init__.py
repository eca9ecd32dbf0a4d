"""The HTTP routes of the gateway, one file for each group.

Each file owns a class whose `routes()` lists them; what handlers need is passed to its
constructor. Nothing here decides: handlers read a request, ask, and write the answer.
"""
