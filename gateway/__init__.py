"""The gateway: takes events from internal services and publishes each to its addresses.

Owns the event API, its own command line (`python -m gateway`) and the only way to AWS IoT Core.
Does not: hold browser connections (IoT Core does), give out credentials (`lambdas/credentials`),
or know that `localaws` exists.
Source: docs/design.md, "Event API" and "The gateway reaches AWS in one place".
"""
