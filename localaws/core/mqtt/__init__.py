"""MQTT on the wire: packets as frozen values, and the bytes they stand for, for 3.1.1 and 5.

Owns the encoding and the checks that one packet alone allows. Does not own sessions, answers,
limits of AWS or who may do what: that is `localaws.core.broker` and its neighbours.

Source: OASIS MQTT 3.1.1 (2014) and MQTT 5.0 (2019); clause numbers in the modules refer to them.
"""
