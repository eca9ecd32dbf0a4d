"""The credential Lambda: an application's JWT in, AWS credentials for one MQTT client out.

`handler` is the entry point; `function` is the request from end to end; the other files are one
noun each. Nothing here knows localaws: endpoints and credentials come from the environment.

Source: docs/design.md, "Credential API"; docs/decisions/0003-tokens-and-credentials.md.
"""
