"""What every side agrees on: addresses, envelopes, tokens, grants, session policies, AWS limits.

Pure values and decisions. Nothing here opens a socket, reads a clock or imports boto; the only
third-party import is PyJWT (in `wire.verification_key`).

Source: docs/design.md, "Folders".
"""
