"""The front: what stands between the port and aiohttp.

Nearly all requests are posts of events that arrived whole and have nothing unusual about them.
Those are read, answered and written here, at a fifth of what aiohttp's application costs; every
other connection is handed to aiohttp with the bytes it has sent so far.
Source: docs/decisions/0015-front.md.
"""
