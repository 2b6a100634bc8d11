"""TikTok Shop's JSON → the core's order. Pure; statuses the core does not know are kept as they came.

Fields: Partner Center, "Get Order Detail", "Search Cancellations", "Search Returns". Money comes as text, ids as text,
times as Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bridge.connectors.tiktok.amounts import read_payment
from bridge.domain.channel_order import Address, Cancellation, ChannelOrder, Unit
from bridge.domain.money import Money, NotMoney, decimal_of

Json = dict[str, Any]

_ORDER_SPELLINGS = {"CANCEL": "CANCELLED"}
"""Messages of type 1 and some samples say CANCEL where the order API says CANCELLED."""
_CANCELLATION_SPELLINGS = {"CANCELLATION_REQUEST_CANCELLED": "CANCELLATION_REQUEST_CANCEL"}
"""Messages of type 11 spell the closed request differently from the API."""
_STILL_HERE = frozenset({"UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"})
_NOT_SENT_PACKAGES = frozenset({"TO_FULFILL", "CANCELLED"})
"""Package statuses that do not tell of a parcel handed over; a package without status may have been."""
_SENT_LINES = frozenset({"AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"})
_ENDED_RETURNS = ("_CANCEL", "_CANCELLED", "_REQUEST_REJECT")
"""Returns withdrawn or refused by these endings leave their units alone; every other one covers them."""


class Unreadable(ValueError):
    """An answer without what the documentation promises."""


def order_status(value: Any) -> str:
    text = str(value or "")
    return _ORDER_SPELLINGS.get(text, text)


def cancellation_status(value: Any) -> str:
    text = str(value or "")
    return _CANCELLATION_SPELLINGS.get(text, text)


def moment(value: Any) -> datetime | None:
    """Unix seconds; 0 and absent are None."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 100_000_000_000:
        return None
    return datetime.fromtimestamp(value, UTC)


def _time(record: Json, *names: str) -> datetime:
    for name in names:
        found = moment(record.get(name))
        if found is not None:
            return found
    raise Unreadable(f"TikTok sent a record without {names[0]}")


def _id(record: Json, name: str) -> str:
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value):
        raise Unreadable(f"TikTok sent a record without {name}")
    return str(value)


def items(data: Json, name: str) -> list[Json]:
    """A list of objects of an answer; absent or null is empty. Raises `Unreadable`."""
    value = data.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unreadable(f"TikTok sent {name} in a shape that is not documented")
    return value


def part(record: Json, name: str) -> Json:
    """An object inside a record; absent or null is empty. Raises `Unreadable`."""
    value = record.get(name) or {}
    if not isinstance(value, dict):
        raise Unreadable(f"TikTok sent {name} in a shape that is not documented")
    return value


def read_order(
    order: Json, cancellations: Iterable[Json], returns: Iterable[Json], *, shop_id: str, region: str
) -> ChannelOrder:
    """One order with its cancellations and returns. Raises `Unreadable`, also for amounts that are none."""
    try:
        return _read_order(order, cancellations, returns, shop_id, region)
    except NotMoney as problem:
        raise Unreadable(f"TikTok sent an order with an amount that cannot be read: {problem}") from problem


def _read_order(
    order: Json, cancellations: Iterable[Json], returns: Iterable[Json], shop_id: str, region: str
) -> ChannelOrder:
    lines = items(order, "line_items")
    payment = part(order, "payment")
    currency = str(payment.get("currency") or (lines[0].get("currency") if lines else "") or "")
    order_left = _tracked(order)
    lines_tell = any(_line_left(line) for line in lines)
    units = tuple(_unit(line, currency, left=_line_left(line) or (order_left and not lines_tell)) for line in lines)
    records = tuple(read_cancellation(record) for record in cancellations)
    living_tracked = any(_tracked(line) for line in lines if order_status(line.get("display_status")) != "CANCELLED")
    return ChannelOrder(
        id=_id(order, "id"),
        shop_id=shop_id,
        region=region,
        status=order_status(order.get("status")),
        created_at=_time(order, "create_time"),
        updated_at=_time(order, "update_time", "create_time"),
        currency=currency,
        units=units,
        payment=read_payment(payment, currency),
        cancellations=records,
        cancelled_at=moment(order.get("cancel_time")),
        cancel_role=str(order.get("cancellation_initiator") or ""),
        cancel_reason=str(order.get("cancel_reason") or ""),
        returned_unit_ids=returned_units(returns),
        address=read_address(part(order, "recipient_address")),
        buyer_email=str(order.get("buyer_email") or ""),
        buyer_message=str(order.get("buyer_message") or ""),
        fulfilled_by_channel=_fulfilled_by_channel(order),
        is_sample=order.get("is_sample_order") is True,
        is_replacement=order.get("is_replacement_order") is True or order.get("is_exchange_order") is True,
        is_digital=order.get("shipping_type") == "TIKTOK_DIGITAL",
        is_cod=order.get("is_cod") is True,
        has_tracking=order_left or living_tracked,
    )


def may_have_returns(order: Json) -> bool:
    """Whether returns are worth a look: the order is past AWAITING_SHIPMENT, and something of it may have left."""
    status = order_status(order.get("status"))
    if status in _STILL_HERE:
        return False
    return status != "CANCELLED" or _tracked(order) or any(_line_left(line) for line in items(order, "line_items"))


def _tracked(record: Json) -> bool:
    return bool(record.get("tracking_number")) or moment(record.get("rts_time")) is not None


def _line_left(line: Json) -> bool:
    package = line.get("package_status")
    if _tracked(line) or order_status(line.get("display_status")) in _SENT_LINES:
        return True
    return bool(package or line.get("package_id")) and package not in _NOT_SENT_PACKAGES


def _fulfilled_by_channel(order: Json) -> bool:
    """Anything but the seller's own fulfilment; absent counts as the seller's."""
    return str(order.get("fulfillment_type") or "FULFILLMENT_BY_SELLER") != "FULFILLMENT_BY_SELLER"


def _unit(line: Json, currency: str, *, left: bool) -> Unit:
    def money(name: str) -> Money:
        return Money.of(line.get(name) or "0", currency)

    taxes = [decimal_of(tax.get("tax_amount") or "0") for tax in items(line, "item_tax")]
    return Unit(
        id=_id(line, "id"),
        seller_sku=str(line.get("seller_sku") or ""),
        sku_id=str(line.get("sku_id") or ""),
        product_id=str(line.get("product_id") or ""),
        name=str(line.get("product_name") or ""),
        sale_price=money("sale_price"),
        original_price=money("original_price"),
        seller_discount=money("seller_discount"),
        platform_discount=money("platform_discount"),
        tax=Money(sum(taxes, Decimal(0)), currency),
        status=order_status(line.get("display_status")),
        is_gift=line.get("is_gift") is True,
        # Get Order Detail: "For a virtual bundle SKU, returns an array of related product SKUs that compose" it.
        parts=tuple(
            f"{one.get('sku_count') or 1} × {one.get('seller_sku') or one.get('sku_id')}"
            for one in items(line, "combined_listing_skus")
        ),
        left_seller=left,
    )


def read_cancellation(record: Json) -> Cancellation:
    """One cancellation record. Raises `Unreadable`."""
    lines = items(record, "cancel_line_items")
    replenish = record.get("should_replenish_stock")
    deadlines = [moment(step.get("deadline")) for step in items(record, "seller_next_action_response")]
    try:
        paid_back = _paid_back(record)
        by_line = {_id(line, "order_line_item_id"): _paid_back(line) for line in lines}
    except NotMoney as problem:
        raise Unreadable(f"TikTok sent a cancellation whose refund cannot be read: {problem}") from problem
    return Cancellation(
        id=_id(record, "cancel_id"),
        kind=str(record.get("cancel_type") or ""),
        status=cancellation_status(record.get("cancel_status")),
        role=str(record.get("role") or ""),
        reason=str(record.get("cancel_reason") or ""),
        reason_text=str(record.get("cancel_reason_text") or ""),
        created_at=_time(record, "create_time", "update_time"),
        updated_at=_time(record, "update_time", "create_time"),
        unit_ids=frozenset(by_line),
        replenish=replenish if isinstance(replenish, bool) else None,
        refund=paid_back,
        unit_refunds={unit: amount for unit, amount in by_line.items() if amount is not None},
        respond_by=min((when for when in deadlines if when is not None), default=None),
    )


def _paid_back(record: Json) -> Money | None:
    """What a cancellation, or one line of it, gives back. Raises `NotMoney`, `Unreadable`."""
    refund = part(record, "refund_amount")
    total, currency = refund.get("refund_total"), refund.get("currency")
    return Money.of(total, str(currency)) if total is not None and total != "" and currency else None


def returned_units(returns: Iterable[Json]) -> frozenset[str]:
    """Units under a return that was not withdrawn or refused; statuses nobody knows cover their units too."""
    return frozenset(
        _id(line, "order_line_item_id")
        for record in returns
        if not str(record.get("return_status") or "").endswith(_ENDED_RETURNS)
        for line in items(record, "return_line_items")
    )


def read_address(address: Json) -> Address:
    """Where the parcel goes. Empty under UNPAID and ON_HOLD; names and phones are often masked by TikTok."""
    levels = [
        (str(level.get("address_level_name") or "").lower(), str(level.get("address_name") or ""))
        for level in items(address, "district_info")
    ]
    below = [(kind, name) for kind, name in levels[1:] if name]
    lines = tuple(text for n in range(1, 5) if (text := str(address.get(f"address_line{n}") or "").strip()))
    whole = str(address.get("address_detail") or address.get("full_address") or "").strip()
    return Address(
        name=str(address.get("name") or ""),
        first_name=str(address.get("first_name") or ""),
        last_name=str(address.get("last_name") or ""),
        phone=str(address.get("phone_number") or ""),
        street=lines or ((whole,) if whole else ()),
        city=_level(below, ("city", "town", "municipality")) or str(address.get("post_town") or "") or _last(below),
        region=_level(below, ("state", "province", "prefecture")) or (below[0][1] if below else ""),
        postal_code=str(address.get("postal_code") or ""),
        country=str(address.get("region_code") or ""),
    )


def _level(levels: Sequence[tuple[str, str]], kinds: tuple[str, ...]) -> str:
    return next((name for kind, name in levels if any(word in kind for word in kinds)), "")


def _last(levels: Sequence[tuple[str, str]]) -> str:
    return levels[-1][1] if levels else ""
