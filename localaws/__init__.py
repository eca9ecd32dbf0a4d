"""localaws: the whole path on one machine, with AWS's refusals and without AWS.

Owns a data plane that behaves like AWS IoT Core's (MQTT over WebSocket and HTTP), moto behind a
front that checks what moto does not, and the credential API in front of the real handler. Does not
change the code it stands in for: the gateway, the Lambdas and the browser client meet it through
their settings only.

Source: docs/design.md, "localaws".
"""
