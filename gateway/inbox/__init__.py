"""The inbox: events that services send to an SQS queue instead of the event API.

`place` and `message` say what there is, `reading` and `dead_letter` decide, `queue` calls SQS, `taking`
brings one message to its end, `inbox` is all of it at work.
Source: docs/inbox.md; docs/decisions/0013-inbox.md.
"""
