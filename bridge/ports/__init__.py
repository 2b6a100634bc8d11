"""What the core asks of a channel, a store and the doors their messages come through.

`sync` and `web` know only these. A connector implements them; `bootstrap` alone knows which.
Reads raise `RemoteProblem`; writes answer with an `Outcome` and raise nothing but programming errors.
"""

from __future__ import annotations

from bridge.ports.asking import AddressField, Asks, CredentialField
from bridge.ports.connecting import (
    TEST_TOPIC,
    Announced,
    ChannelAuthorization,
    Connected,
    Connector,
    Examined,
    Finding,
    FoundShop,
    Known,
    StoreHandshake,
    TestDelivery,
)
from bridge.ports.doors import Door, Hint, HookRefused
from bridge.ports.entries import Account, Assembled, Entry, Parts, Renew, TokenSource
from bridge.ports.pacing import Pace
from bridge.ports.people import (
    ActionRefused,
    Actions,
    AlertSender,
    Applied,
    NewTarget,
    ReasonNotListed,
    RestoreChecks,
    RestoreReport,
    Settled,
    Wanted,
    Withheld,
)
from bridge.ports.platforms import Clock, ClockRule, Meter, Platform, Uncounted
from bridge.ports.sides import (
    Changed,
    ChangedPage,
    Channel,
    Gateways,
    HoldsFulfilment,
    LineReasons,
    Progress,
    RejectReason,
    Store,
    StoreView,
    Stream,
    Sweepable,
    Tended,
)

__all__ = [
    "TEST_TOPIC",
    "Account",
    "ActionRefused",
    "Actions",
    "AddressField",
    "AlertSender",
    "Announced",
    "Applied",
    "Asks",
    "Assembled",
    "Changed",
    "ChangedPage",
    "Channel",
    "ChannelAuthorization",
    "Clock",
    "ClockRule",
    "Connected",
    "Connector",
    "CredentialField",
    "Door",
    "Entry",
    "Examined",
    "Finding",
    "FoundShop",
    "Gateways",
    "Hint",
    "HoldsFulfilment",
    "HookRefused",
    "Known",
    "LineReasons",
    "Meter",
    "NewTarget",
    "Pace",
    "Parts",
    "Platform",
    "Progress",
    "ReasonNotListed",
    "RejectReason",
    "Renew",
    "RestoreChecks",
    "RestoreReport",
    "Settled",
    "Store",
    "StoreHandshake",
    "StoreView",
    "Stream",
    "Sweepable",
    "Tended",
    "TestDelivery",
    "TokenSource",
    "Uncounted",
    "Wanted",
    "Withheld",
]
