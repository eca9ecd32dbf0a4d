"""Hypothesis strategies for packets: every packet that may legally be on the wire, by version."""

from typing import Any

from hypothesis import strategies as st

from localaws.core.mqtt.acknowledgement import Puback, Pubcomp, Pubrec, Pubrel
from localaws.core.mqtt.auth import Auth
from localaws.core.mqtt.connack import Connack
from localaws.core.mqtt.connect import Connect, Will
from localaws.core.mqtt.disconnect import Disconnect
from localaws.core.mqtt.packet import Packet
from localaws.core.mqtt.ping import Pingreq, Pingresp
from localaws.core.mqtt.properties import NO_PROPERTIES, Place, Properties, allowed_names
from localaws.core.mqtt.publish import Publish
from localaws.core.mqtt.suback import Suback
from localaws.core.mqtt.subscribe import Request, Subscribe
from localaws.core.mqtt.unsuback import Unsuback
from localaws.core.mqtt.unsubscribe import Unsubscribe
from localaws.core.mqtt.version import Version

versions = st.sampled_from(Version)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
names = texts.filter(bool)
topics = names.filter(lambda text: "+" not in text and "#" not in text)
blobs = st.binary(max_size=40)
bytes_ = st.integers(0, 255)
packet_ids = st.integers(1, 65_535)
_pairs = st.tuples(texts, texts)

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "payload_format_indicator": st.integers(0, 1),
    "message_expiry_interval_s": st.integers(0, 2**32 - 1),
    "content_type": texts,
    "response_topic": texts,
    "correlation_data": blobs,
    "session_expiry_interval_s": st.integers(0, 2**32 - 1),
    "assigned_client_id": texts,
    "server_keep_alive_s": st.integers(0, 65_535),
    "authentication_method": texts,
    "authentication_data": blobs,
    "request_problem_information": st.integers(0, 1),
    "will_delay_interval_s": st.integers(0, 2**32 - 1),
    "request_response_information": st.integers(0, 1),
    "response_information": texts,
    "server_reference": texts,
    "reason_string": texts,
    "receive_maximum": st.integers(1, 65_535),
    "topic_alias_maximum": st.integers(0, 65_535),
    "topic_alias": st.integers(1, 65_535),
    "maximum_qos": st.integers(0, 1),
    "retain_available": st.integers(0, 1),
    "user_properties": st.lists(_pairs, min_size=1, max_size=3).map(tuple),
    "maximum_packet_bytes": st.integers(1, 2**32 - 1),
    "wildcard_subscription_available": st.integers(0, 1),
    "subscription_identifier_available": st.integers(0, 1),
    "shared_subscription_available": st.integers(0, 1),
}


def properties(place: Place, version: Version) -> st.SearchStrategy[Properties]:
    """Make property lists that may stand in a place; always empty in 3.1.1."""
    if version is Version.V311:
        return st.just(NO_PROPERTIES)
    identifiers = st.integers(1, 268_435_455)
    most = 3 if place is Place.PUBLISH else 1
    values = {
        **_VALUES,
        "subscription_identifiers": st.lists(identifiers, min_size=1, max_size=most).map(tuple),
    }
    allowed = {name: values[name] for name in allowed_names(place)}
    return st.fixed_dictionaries({}, optional=allowed).map(
        lambda found: Properties(**found) if found else NO_PROPERTIES
    )


def connects(version: Version) -> st.SearchStrategy[Connect]:
    """Make CONNECT packets."""
    will = st.builds(
        Will,
        topic=texts,
        payload=blobs,
        qos=st.integers(0, 2),
        retain=st.booleans(),
        properties=properties(Place.WILL, version),
    )
    made = st.builds(
        Connect,
        version=st.just(version),
        client_id=texts,
        clean_start=st.booleans(),
        keep_alive_s=st.integers(0, 65_535),
        will=st.none() | will,
        user_name=st.none() | texts,
        password=st.none() | blobs,
        properties=properties(Place.CONNECT, version),
    )
    if version is Version.V5:
        return made
    return made.filter(lambda packet: packet.password is None or packet.user_name is not None)


def publishes(version: Version) -> st.SearchStrategy[Publish]:
    """Make PUBLISH packets."""
    listed = properties(Place.PUBLISH, version)
    without_id = st.builds(
        Publish, topic=topics, payload=blobs, retain=st.booleans(), properties=listed
    )
    with_id = st.builds(
        Publish,
        topic=topics,
        payload=blobs,
        qos=st.integers(1, 2),
        retain=st.booleans(),
        dup=st.booleans(),
        packet_id=packet_ids,
        properties=listed,
    )
    return without_id | with_id


def _acknowledgements(version: Version) -> st.SearchStrategy[Packet]:
    kinds: tuple[type[Puback | Pubrec | Pubrel | Pubcomp], ...] = (Puback, Pubrec, Pubrel, Pubcomp)
    codes = bytes_ if version is Version.V5 else st.just(0)
    listed = properties(Place.ACKNOWLEDGEMENT, version)
    return st.one_of(
        [st.builds(kind, packet_id=packet_ids, code=codes, properties=listed) for kind in kinds]
    )


def _subscribes(version: Version) -> st.SearchStrategy[Packet]:
    flags = st.booleans() if version is Version.V5 else st.just(False)  # noqa: FBT003
    handling = st.integers(0, 2) if version is Version.V5 else st.just(0)
    request = st.builds(
        Request,
        topic_filter=names,
        qos=st.integers(0, 2),
        no_local=flags,
        retain_as_published=flags,
        retain_handling=handling,
    )
    return st.builds(
        Subscribe,
        packet_id=packet_ids,
        requests=st.lists(request, min_size=1, max_size=4).map(tuple),
        properties=properties(Place.SUBSCRIBE, version),
    )


def packets(version: Version) -> st.SearchStrategy[Packet]:
    """Make packets of all types that exist in a version."""
    code_lists = st.lists(bytes_, max_size=4).map(tuple)
    is_5 = version is Version.V5
    kinds: list[st.SearchStrategy[Packet]] = [
        connects(version),
        st.builds(
            Connack,
            code=bytes_,
            session_present=st.booleans(),
            properties=properties(Place.CONNACK, version),
        ),
        publishes(version),
        _acknowledgements(version),
        _subscribes(version),
        st.builds(
            Suback,
            packet_id=packet_ids,
            codes=code_lists,
            properties=properties(Place.SUBACK, version),
        ),
        st.builds(
            Unsubscribe,
            packet_id=packet_ids,
            topic_filters=st.lists(texts, min_size=1, max_size=4).map(tuple),
            properties=properties(Place.UNSUBSCRIBE, version),
        ),
        st.builds(
            Unsuback,
            packet_id=packet_ids,
            codes=code_lists if is_5 else st.just(()),
            properties=properties(Place.UNSUBACK, version),
        ),
        st.just(Pingreq()),
        st.just(Pingresp()),
        st.builds(
            Disconnect,
            code=bytes_ if is_5 else st.just(0),
            properties=properties(Place.DISCONNECT, version),
        ),
    ]
    if is_5:
        kinds.append(st.builds(Auth, code=bytes_, properties=properties(Place.AUTH, version)))
    return st.one_of(kinds)


def streams(version: Version) -> st.SearchStrategy[list[Packet]]:
    """Make what a client of one version might send: CONNECT, then anything."""
    return st.tuples(connects(version), st.lists(packets(version), max_size=6)).map(
        lambda both: [both[0], *(one for one in both[1] if not isinstance(one, Connect))]
    )
