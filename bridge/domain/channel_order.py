"""What a channel (TikTok Shop) says of an order: its units, its cancellations, what the buyer pays.

One TikTok line item is one unit; there is no quantity (TikTok Shop Partner Center, "Get Order Detail", `line_items`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bridge.domain.money import Money


class OrderStatus(StrEnum):
    """Order statuses the core knows. Others are kept as they came and never cause an effect."""

    UNPAID = "UNPAID"
    ON_HOLD = "ON_HOLD"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PARTIALLY_SHIPPING = "PARTIALLY_SHIPPING"
    AWAITING_COLLECTION = "AWAITING_COLLECTION"
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


KNOWN_STATUSES = frozenset(status.value for status in OrderStatus)
UNIT_STATUSES = KNOWN_STATUSES | {"TO_SHIP"}


class CancellationStatus(StrEnum):
    """States of a cancellation. `CLOSED` is a request withdrawn or rejected: the order lives on."""

    PENDING = "CANCELLATION_REQUEST_PENDING"
    SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
    COMPLETE = "CANCELLATION_REQUEST_COMPLETE"
    CLOSED = "CANCELLATION_REQUEST_CANCEL"


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing sold: one order line of the channel."""

    id: str
    seller_sku: str
    sku_id: str
    product_id: str
    name: str
    sale_price: Money
    """What the buyer pays for it, after discounts, before order-level fees."""
    original_price: Money
    seller_discount: Money
    platform_discount: Money
    tax: Money
    status: str
    is_gift: bool = False
    parts: tuple[str, ...] = ()
    """What a virtual bundle is made of, such as `2 × MUG`; empty for what is sold as itself."""
    left_seller: bool = False
    """A package, tracking number or ready-to-ship time says that it may have left the shelf."""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One cancellation record, of some or all units of an order."""

    id: str
    kind: str
    """`CANCEL` (direct) or `BUYER_CANCEL` (a request that the seller answers); kept as it came."""
    status: str
    role: str
    """Who asked: BUYER, SELLER, SYSTEM, OPERATOR; kept as it came."""
    reason: str
    reason_text: str
    created_at: datetime
    updated_at: datetime
    unit_ids: frozenset[str]
    replenish: bool | None = None
    """TikTok's `should_replenish_stock`; None where it is absent."""
    refund: Money | None = None
    """What TikTok pays back for all its units; absent for COD and unpaid orders."""
    unit_refunds: Mapping[str, Money] = field(default_factory=dict)
    """What it pays back for each unit, where it says so (`cancel_line_items[].refund_amount`)."""
    respond_by: datetime | None = None

    @property
    def is_dead(self) -> bool:
        """Its units are cancelled. PENDING is not done; CLOSED means that the order lives."""
        return self.status in {CancellationStatus.SUCCESS, CancellationStatus.COMPLETE}

    @property
    def is_request(self) -> bool:
        """A buyer waits for the seller's answer."""
        return self.kind == "BUYER_CANCEL" and self.status == CancellationStatus.PENDING


@dataclass(frozen=True, slots=True)
class Payment:
    """The order's amounts as the channel states them, each in the order's currency."""

    total: Money
    """What the buyer pays: `payment.total_amount`."""
    sub_total: Money
    shipping: Money
    shipping_tax: Money
    tax: Money
    """All tax, shipping tax included, as `payment.tax`."""
    seller_discount: Money
    platform_discount: Money
    shipping_seller_discount: Money
    shipping_platform_discount: Money
    fees: Mapping[str, Money] = field(default_factory=dict)
    """Fees of the channel by their vendor names (`small_order_fee`, `retail_delivery_fee`, …), zero ones left out."""


@dataclass(frozen=True, slots=True)
class Address:
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    street: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class UnitDeath:
    """Why and when a unit died on the channel."""

    unit_id: str
    at: datetime | None
    """When the cancellation completed; None where the channel does not say."""
    cancellation_id: str | None
    role: str
    reason: str
    reason_text: str
    replenish: bool | None


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """One reading of an order, in full."""

    id: str
    shop_id: str
    """The channel's own id of the shop."""
    region: str
    status: str
    created_at: datetime
    updated_at: datetime
    currency: str
    units: tuple[Unit, ...]
    payment: Payment
    cancellations: tuple[Cancellation, ...] = ()
    cancelled_at: datetime | None = None
    cancel_role: str = ""
    cancel_reason: str = ""
    """Localized text at order level; the keys stand in the cancellations."""
    returned_unit_ids: frozenset[str] = frozenset()
    """Units under a return: covered, neither to be cancelled nor refunded by us."""
    address: Address = Address()
    buyer_email: str = ""
    buyer_message: str = ""
    fulfilled_by_channel: bool = False
    is_sample: bool = False
    is_replacement: bool = False
    is_digital: bool = False
    is_cod: bool = False
    has_tracking: bool = False
    """A tracking number or ready-to-ship time exists on the order or one of its living units."""

    @property
    def is_known(self) -> bool:
        """Every status read is one the core understands; anything else never causes an effect."""
        return self.status in KNOWN_STATUSES and not self.unknown_values()

    def unknown_values(self) -> tuple[str, ...]:
        """Statuses as they came that the core does not know, for a person to see."""
        known = {status.value for status in CancellationStatus}
        found = [] if self.status in KNOWN_STATUSES else [f"order status {self.status!r}"]
        found += [f"order line status {unit.status!r}" for unit in self.units if unit.status not in UNIT_STATUSES]
        found += [f"cancellation status {c.status!r}" for c in self.cancellations if c.status not in known]
        return tuple(dict.fromkeys(found))

    def deaths(self) -> dict[str, UnitDeath]:
        """The units dead on the channel: order CANCELLED, or line CANCELLED, or named in a finished cancellation."""
        dead: dict[str, UnitDeath] = {}
        for record in sorted(self.cancellations, key=lambda c: (c.updated_at, c.id)):
            if not record.is_dead:
                continue
            for unit_id in sorted(record.unit_ids):
                dead.setdefault(
                    unit_id,
                    UnitDeath(
                        unit_id,
                        record.updated_at,
                        record.id,
                        record.role,
                        record.reason,
                        record.reason_text,
                        record.replenish,
                    ),
                )
        for unit in self.units:
            if unit.id not in dead and OrderStatus.CANCELLED in (self.status, unit.status):
                dead[unit.id] = UnitDeath(
                    unit.id,
                    self.cancelled_at or self.updated_at,
                    None,
                    self.cancel_role,
                    "",
                    self.cancel_reason,
                    None,
                )
        ids = {unit.id for unit in self.units}
        return {unit_id: death for unit_id, death in dead.items() if unit_id in ids}

    @property
    def living(self) -> tuple[Unit, ...]:
        dead = self.deaths()
        return tuple(unit for unit in self.units if unit.id not in dead)

    def requests(self) -> tuple[Cancellation, ...]:
        """Buyer requests that wait for an answer, the nearest deadline first."""
        waiting = [c for c in self.cancellations if c.is_request]
        return tuple(sorted(waiting, key=lambda c: (c.respond_by or c.created_at, c.id)))

    @property
    def is_asked_for_whole(self) -> bool:
        """Buyer requests that wait name every living unit between them."""
        asked = frozenset().union(*(request.unit_ids for request in self.requests()))
        living = {unit.id for unit in self.living}
        return bool(living) and living <= asked
