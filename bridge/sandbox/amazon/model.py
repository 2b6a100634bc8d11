"""What Amazon keeps of a seller: stock at its warehouses, fulfilment orders, parcels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Json = dict[str, Any]


class Status(StrEnum):
    """Of a fulfilment order, as 2020-07-01 names them. The newer version shows less: `version_2026.shown`."""

    NEW = "New"
    RECEIVED = "Received"
    PLANNING = "Planning"
    PROCESSING = "Processing"
    CANCELLED = "Cancelled"
    COMPLETE = "Complete"
    COMPLETE_PARTIALLED = "CompletePartialled"
    UNFULFILLABLE = "Unfulfillable"
    INVALID = "Invalid"


OPEN = frozenset({Status.NEW, Status.RECEIVED, Status.PLANNING})
"""No unit is picked yet."""
NOTHING_SENT = frozenset({Status.CANCELLED, Status.UNFULFILLABLE, Status.INVALID})


@dataclass
class Item:
    id: str
    """The seller's own id of the item."""
    sku: str
    quantity: int
    cancelled: int = 0
    unfulfillable: int = 0
    shipped: int = 0
    extra: Json = field(default_factory=dict)
    """What else the seller sent along, shown again as it came."""

    @property
    def rest(self) -> int:
        """Units that are still to be sent."""
        return self.quantity - self.cancelled - self.unfulfillable - self.shipped


@dataclass
class Shipment:
    id: str
    status: str
    """`PENDING`, `SHIPPED`, `CANCELLED_BY_FULFILLER`, `CANCELLED_BY_SELLER` (2020-07-01's words)."""
    quantities: dict[str, int]
    """By item id."""
    package: int
    tracking: str
    made_at: datetime
    shipped_at: datetime | None = None


@dataclass
class Order:
    id: str
    displayed_id: str
    ordered_at: datetime
    comment: str
    speed: str
    action: str
    policy: str
    marketplace_id: str
    address: Json
    items: list[Item]
    received_at: datetime
    updated_at: datetime
    status: Status
    channel: str = ""
    services: Json = field(default_factory=dict)
    """2026-07-04: what was asked for beside speed, action and policy."""
    emails: list[str] = field(default_factory=list)
    shipments: list[Shipment] = field(default_factory=list)
    creates: int = 1
    """How many creates were accepted under this id."""
    cancel_due: datetime | None = None
    cancel_asked: bool = False
    cancel_loses: bool = False
    """An accepted cancellation that will come too late."""

    def item(self, item_id: str) -> Item | None:
        return next((one for one in self.items if one.id == item_id), None)


class Refused(Exception):
    """A call that Amazon refuses. `code` and `message` as in the model's `Error`."""

    def __init__(self, message: str, code: str = "InvalidInput", status: int = 400, details: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details

    def body(self) -> Json:
        return {"errors": [{"code": self.code, "message": self.message, "details": self.details}]}
