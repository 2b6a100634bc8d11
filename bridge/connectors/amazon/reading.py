"""A fulfilment order of either version of the API, in one form; and as the core's `StoreOrder`. No I/O.

The two versions name statuses differently, and the older one's own example spells `PROCESSING` where its list says
`Processing`: words are compared without case and underscores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from bridge.connectors.amazon.wire import odd
from bridge.domain.linking import LIKE_AN_ID
from bridge.domain.money import Money
from bridge.domain.store_order import Barrier, StoreOrder, StoreRefund, StoreRow

REFUND_WORD: Final = "cancellation"
"""What people there call a refund."""
NO_CURRENCY: Final = "XXX"
"""ISO 4217's code for no currency: Amazon sends goods and holds none of the sale's money."""
CANCELLATION: Final = "cancelled"
"""Id of the `StoreRefund` that an order stands for of which nothing is sent, and the state of such an order."""
SHIPPED: Final = "shipped"
"""The one status of a shipment, in both versions, that says that it left. One cancelled by the fulfiller is made again
by Amazon itself.
"""


class Status(StrEnum):
    """What a fulfilment order's status means to us."""

    NEW = "new"
    """Received, not yet validated."""
    CANCELLABLE = "cancellable"
    """Received or Planning: no unit is picked yet."""
    PROCESSING = "processing"
    """2020-07-01: units are being picked. 2026-07-04: all before the end is called so."""
    CANCELLED = "cancelled"
    COMPLETE = "complete"
    COMPLETE_PARTIAL = "complete_partial"
    UNFULFILLABLE = "unfulfillable"
    """Nothing of it could be sent."""
    INVALID = "invalid"
    """Refused by Amazon: nothing of it will be sent."""
    UNKNOWN = "unknown"


_WORDS: Final[Mapping[str, Status]] = {
    "new": Status.NEW,
    "received": Status.CANCELLABLE,
    "planning": Status.CANCELLABLE,
    "processing": Status.PROCESSING,
    "cancelled": Status.CANCELLED,
    "canceled": Status.CANCELLED,
    "complete": Status.COMPLETE,
    "completepartialled": Status.COMPLETE_PARTIAL,
    "completepartial": Status.COMPLETE_PARTIAL,
    "unfulfillable": Status.UNFULFILLABLE,
    "invalid": Status.INVALID,
}
SENDS_NOTHING: Final = frozenset({Status.CANCELLED, Status.UNFULFILLABLE, Status.INVALID})
"""No unit of it is or will be sent."""
TOO_LATE: Final = (
    "it cannot be cancelled at Amazon any more: let the parcel go and have the buyer return or refuse it, or ask "
    "Amazon's seller support to stop it"
)


def status_of(word: str) -> Status:
    return _WORDS.get("".join(letter for letter in word.casefold() if letter.isalnum()), Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    sku: str
    quantity: int
    cancelled: int = 0
    unfulfillable: int = 0
    shipped: int = 0


@dataclass(frozen=True, slots=True)
class FulfilmentOrder:
    """One order, as either version tells it."""

    id: str
    """The seller's own id of it, by which it is asked for."""
    displayed_id: str
    """The number that the parcel's papers show; empty where none is told."""
    comment: str
    said: str
    """The status as it came."""
    received_at: datetime
    updated_at: datetime
    items: tuple[Item, ...] = ()
    parcels: tuple[str, ...] = ()
    """Statuses of its shipments as they came."""
    picks_unseen: bool = False
    """2026-07-04: whether units are being picked already is not told, so that only a try shows it."""

    @property
    def status(self) -> Status:
        return status_of(self.said)

    @property
    def has_left(self) -> bool:
        return any(word.casefold() == SHIPPED for word in self.parcels)

    @property
    def sends_nothing(self) -> bool:
        return self.status in SENDS_NOTHING


def barrier(order: FulfilmentOrder) -> Barrier | None:
    """Why it cannot be cancelled now. Amazon itself takes a cancellation in Received and Planning only."""
    status = order.status
    if status is Status.NEW:
        return Barrier(
            "Amazon is still checking the order (New), and takes a cancellation once it has received it", passes=True
        )
    if order.has_left:
        return Barrier(f"a parcel of it has left Amazon's warehouse ({order.said}), so {TOO_LATE}", passes=False)
    if status is Status.CANCELLABLE or (status is Status.PROCESSING and order.picks_unseen):
        return None
    if status is Status.PROCESSING:
        return Barrier(f"Amazon is picking its units already ({order.said}), so {TOO_LATE}", passes=False)
    if status in {Status.COMPLETE, Status.COMPLETE_PARTIAL}:
        return Barrier(f"Amazon has sent it ({order.said}), so {TOO_LATE}", passes=False)
    if status is Status.UNKNOWN:
        because = f"Amazon calls its status {order.said!r}, which this version does not know"
        return Barrier(f"{because}: look at the order in Seller Central and cancel it there", passes=False)
    return None


def store_order(order: FulfilmentOrder) -> StoreOrder:
    """Raises `RemoteProblem`."""
    if not order.items:
        raise odd(f"the order {order.id} has no items")
    none = Money.zero(NO_CURRENCY)
    rows = tuple(_row(item, nothing=order.sends_nothing) for item in order.items)
    return StoreOrder(
        id=order.id,
        number=order.id,
        view="",
        channel_order_id=channel_order_id(order),
        state=CANCELLATION if order.sends_nothing else order.status.value,
        status=order.said,
        created_at=order.received_at,
        updated_at=order.updated_at,
        currency=NO_CURRENCY,
        grand_total=none,
        total_paid=none,
        total_refunded=none,
        total_invoiced=none,
        rows=rows,
        refunds=(_whole(order, rows),) if order.sends_nothing else (),
        barrier=barrier(order),
        keeps_marks=False,
        keeps_money=False,
        customer_note=order.comment,
        refund_word=REFUND_WORD,
    )


def _whole(order: FulfilmentOrder, rows: Sequence[StoreRow]) -> StoreRefund:
    """What an order that sends nothing gave up: every unit, and no money, since it holds none."""
    return StoreRefund(
        id=CANCELLATION,
        created_at=order.updated_at,
        updated_at=order.updated_at,
        quantities={row.id: row.refunded for row in rows if row.refunded},
        total=Money.zero(NO_CURRENCY),
        number=order.said,
    )


def _row(item: Item, *, nothing: bool) -> StoreRow:
    gone = item.quantity if nothing else min(item.quantity, item.cancelled + item.unfulfillable)
    return StoreRow(
        id=item.id,
        sku=item.sku,
        price=Decimal(0),
        ordered=item.quantity,
        # There are no invoices: an order that Amazon has is paid for elsewhere.
        invoiced=item.quantity,
        shipped=min(item.shipped, item.quantity - gone),
        refunded=gone if nothing else 0,
        cancelled=0 if nothing else gone,
        restock_id=item.id,
    )


def channel_order_id(order: FulfilmentOrder) -> str:
    """TikTok's order id as the order keeps it: as its own id, or as the number shown on its papers."""
    return next((one for one in (order.id, order.displayed_id) if LIKE_AN_ID.fullmatch(one)), "")


# --- values -----------------------------------------------------------------------------------------------------------


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def part(value: object, name: str) -> Mapping[str, Any]:
    """An object inside an object; empty where it is absent."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def read_time(value: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else None


def moment(value: object, *others: object) -> datetime:
    """The first of these that is a time. Raises `RemoteProblem` where none is."""
    found = next((when for when in map(read_time, (value, *others)) if when is not None), None)
    if found is None:
        raise odd("an order has no time of its last change")
    return found


def count(value: object, name: str) -> int:
    """A whole number of units, told as a number (2020-07-01) or as a decimal text (2026-07-04)."""
    try:
        number = Decimal(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number < 0 or number != int(number):
        raise odd(f"{name} is {value!r}")
    return int(number)


def shipped_by_item(parcels: Sequence[tuple[str, Sequence[tuple[str, int]]]]) -> dict[str, int]:
    """Units by item id in shipments that left. `parcels`: status, and (item id, quantity) of each."""
    found: dict[str, int] = {}
    for status, items in parcels:
        if status.casefold() == SHIPPED:
            for item_id, quantity in items:
                found[item_id] = found.get(item_id, 0) + quantity
    return found
