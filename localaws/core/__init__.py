"""The decisions of the stand-in, pure: values and `now` in, values out.

No socket, task, clock, log line or AWS client in here; the shell around it has those.
"""
