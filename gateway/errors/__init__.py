"""Every error that `gateway` raises, under one root.

    GatewayError
    ├── OperatorError               what the operator must put right; the program does not start
    │   ├── KeyFileError            the keys file cannot be read, understood or written
    │   ├── KeyRefused              a key cannot be made or found as asked
    │   ├── NobodyMayPublish        no key, no issuer, and no permission to run without
    │   ├── PlanRefused             a workload or figures that no plan can be made of
    │   └── AddressInUse            the port is taken
    ├── KeySetUnavailable           an issuer's keys cannot be fetched; callers see IssuerUnavailable
    ├── InboxUnusable               the inbox's queue is not set up as it must be
    ├── RequestRefused              nothing was taken, and why
    │   ├── MalformedBody           not strict JSON
    │   ├── InvalidEvent            JSON, but no event; holds every problem found
    │   ├── EventTooLarge           does not fit one publish with its envelope
    │   ├── TooManyEvents           more than one request takes
    │   ├── BodyTooLarge
    │   ├── BodyTooSlow
    │   ├── UnsupportedMedia        a content type or encoding that is not read here
    │   ├── InvalidQuery            a query parameter that is not read here
    │   ├── InvalidClientId         no client of this stack
    │   ├── NotAuthenticated
    │   ├── UnknownSender           a message of somebody who is no service here
    │   ├── IssuerUnavailable       a token cannot be checked right now
    │   ├── NotAllowed              the service may not publish to these addresses
    │   ├── AdminRequired
    │   ├── RateExceeded            this service is too fast
    │   ├── UnknownEvent
    │   ├── ChangedEvent            this id was another event before
    │   ├── WrongState              too late, or too early, for what is asked
    │   ├── Overloaded              the gateway as a whole has no room; try again
    │   ├── TooManyStreams          the same, for those who listen
    │   ├── OutboxFull              the same, for what is kept
    │   └── OutboxUnavailable       nothing can be kept: its disk is full or broken
    └── PublishFailed               upstream trouble with one publish
        ├── PublishThrottled        may be tried again, more slowly
        ├── PublishUnavailable      may be tried again
        ├── PublishTimedOut         may be tried again; may have been delivered
        ├── CredentialsFailed       may be tried again once the credentials are good
        ├── PublishDenied           terminal: IAM says no
        ├── PublishTooLarge         terminal
        ├── PublishInvalid          terminal: IoT Core does not take it
        ├── ClientNotConnected      calls about a connection: there is none
        └── NotConfirmed            direct messages: may be tried again; may have been delivered

Facts are attributes; the text is made from them and never holds a token, key or payload.
The classes stand in one file for each branch; everybody imports them from here.
This package does not map errors to HTTP: `gateway/problems.py` does, in one place.
"""

from gateway.errors.access import (
    AdminRequired,
    IssuerUnavailable,
    KeySetUnavailable,
    NotAllowed,
    NotAuthenticated,
    RateExceeded,
    UnknownSender,
)
from gateway.errors.operator import (
    AddressInUse,
    KeyFileError,
    KeyRefused,
    NobodyMayPublish,
    OperatorError,
    PlanRefused,
)
from gateway.errors.refused import (
    BodyTooLarge,
    BodyTooSlow,
    EventTooLarge,
    FieldProblem,
    InvalidClientId,
    InvalidEvent,
    InvalidQuery,
    MalformedBody,
    RequestRefused,
    TooManyEvents,
    UnsupportedMedia,
)
from gateway.errors.root import GatewayError
from gateway.errors.standing import (
    ChangedEvent,
    OutboxFull,
    OutboxUnavailable,
    Overloaded,
    TooManyStreams,
    UnknownEvent,
    WrongState,
)
from gateway.errors.upstream import (
    ClientNotConnected,
    CredentialsFailed,
    InboxUnusable,
    NotConfirmed,
    PublishDenied,
    PublishFailed,
    PublishInvalid,
    PublishThrottled,
    PublishTimedOut,
    PublishTooLarge,
    PublishUnavailable,
)

__all__ = [
    "AddressInUse",
    "AdminRequired",
    "BodyTooLarge",
    "BodyTooSlow",
    "ChangedEvent",
    "ClientNotConnected",
    "CredentialsFailed",
    "EventTooLarge",
    "FieldProblem",
    "GatewayError",
    "InboxUnusable",
    "InvalidClientId",
    "InvalidEvent",
    "InvalidQuery",
    "IssuerUnavailable",
    "KeyFileError",
    "KeyRefused",
    "KeySetUnavailable",
    "MalformedBody",
    "NobodyMayPublish",
    "NotAllowed",
    "NotAuthenticated",
    "NotConfirmed",
    "OperatorError",
    "OutboxFull",
    "OutboxUnavailable",
    "Overloaded",
    "PlanRefused",
    "PublishDenied",
    "PublishFailed",
    "PublishInvalid",
    "PublishThrottled",
    "PublishTimedOut",
    "PublishTooLarge",
    "PublishUnavailable",
    "RateExceeded",
    "RequestRefused",
    "TooManyEvents",
    "TooManyStreams",
    "UnknownEvent",
    "UnknownSender",
    "UnsupportedMedia",
    "WrongState",
]
