"""Rules by which a merchant lets buyers' requests be answered: does one match now, and when to look again. Pure.

All conditions of a rule must hold; the first rule that matches decides; where none does, a person is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bridge.domain.books import rows_of
from bridge.domain.buying import left_alone
from bridge.domain.channel_order import Cancellation, ChannelOrder, OrderStatus
from bridge.domain.link import Link
from bridge.domain.settings import RequestRule, ShopSettings, is_before
from bridge.domain.store_order import StoreOrder

LAST_LOOK = timedelta(minutes=15)
"""So long before the deadline the order is read once more: a shipment that nobody told of may make a rule match."""
AFTER_DEADLINE = timedelta(minutes=1)
UNDECIDED_LOOK = timedelta(minutes=10)
"""The deadline has passed and TikTok has not decided yet."""
_ON_THE_SHELF = frozenset({OrderStatus.UNPAID, OrderStatus.ON_HOLD, OrderStatus.AWAITING_SHIPMENT})


class Shipped(StrEnum):
    """Whether units of a request have left, by both sides' word."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Shipment:
    shipped: Shipped
    because: str


def shipment_of(
    request: Cancellation, channel: ChannelOrder, store: StoreOrder | None, link: Link, settings: ShopSettings
) -> Shipment:
    """Whether the units of a request have left the shelf, as both sides say now.

    `NO` needs the store's word for every unit, nothing that stands in the way of taking them back, and no sign on
    TikTok; `YES` needs one unit that certainly left. A row of which some units were shipped, but enough for the request
    were not, is neither: nobody can say which ones left.
    Where no store order was ever made and the bridge is the one to make it, nothing was shipped from the store.
    """
    signs = sorted(unit.id for unit in channel.units if unit.id in request.unit_ids and unit.left_seller)
    if signs:
        return Shipment(Shipped.YES, f"TikTok Shop shows a package or tracking number for unit {', '.join(signs)}")
    if channel.status not in _ON_THE_SHELF:
        return Shipment(Shipped.UNKNOWN, f"the order is {channel.status} on TikTok Shop")
    if store is None:
        return _without_store_order(channel, link, settings)
    strangers = sorted(unit for unit in request.unit_ids if not link.unit_map.get(unit))
    if strangers or not request.unit_ids:
        return Shipment(Shipped.UNKNOWN, f"unit {', '.join(strangers) or 'none named'} has no row in the store order")
    wanted = rows_of(piece for unit in request.unit_ids for piece in link.unit_map[unit])
    rows = {row.id: row for row in store.rows}
    if not wanted.keys() <= rows.keys():
        return Shipment(Shipped.UNKNOWN, f"the store order {store.number} lacks rows of these units")
    touched = [rows[row_id] for row_id in sorted(wanted) if rows[row_id].shipped]
    if not touched and store.whereabouts:
        return Shipment(Shipped.UNKNOWN, f"{store.whereabouts} (order {store.number})")
    if not touched and store.barrier is not None:
        # Packed, picked, with whoever sends it: nothing is marked as sent, and nobody can say that it will not be.
        because = f"not shipped in the store yet (order {store.number}), but {store.barrier.because}"
        return Shipment(Shipped.UNKNOWN, because)
    if not touched:
        return Shipment(Shipped.NO, f"not shipped in the store (order {store.number})")
    said = ", ".join(f"{row.shipped} of {row.ordered} {row.sku}" for row in touched)
    if any(row.ordered - row.gone - row.shipped < wanted[row.id] for row in touched):
        return Shipment(Shipped.YES, f"shipped in the store ({said})")
    return Shipment(Shipped.UNKNOWN, f"shipped in part in the store ({said}): these units or others")


def _without_store_order(channel: ChannelOrder, link: Link, settings: ShopSettings) -> Shipment:
    if link.create_sent or link.store_order_id:
        return Shipment(Shipped.UNKNOWN, "the store order cannot be read")
    if settings.store is None:
        return Shipment(Shipped.UNKNOWN, "no store is tied to this shop")
    another = left_alone(channel, settings)
    if another is not None:
        return Shipment(Shipped.UNKNOWN, f"the bridge makes no store order ({another})")
    return Shipment(Shipped.NO, "no store order was made yet, so nothing was shipped from the store")


@dataclass(frozen=True, slots=True)
class Match:
    rule: RequestRule
    because: str
    """The conditions that held, with the facts they were held against."""


def may_act(request: Cancellation, settings: ShopSettings, now: datetime) -> bool:
    """Whether rules have a say: switched on before the buyer asked, and TikTok still waits for an answer."""
    part = settings.cancellation_sync.buyer_requests
    if not part.enabled or (part.effective_from and is_before(request.created_at, part.effective_from)):
        return False
    return request.respond_by is None or now < request.respond_by


def first_match(
    request: Cancellation, channel: ChannelOrder, shipment: Shipment, rules: tuple[RequestRule, ...], now: datetime
) -> Match | None:
    for rule in rules:
        held = _conditions(rule, request, channel, shipment, now)
        if all(held.values()):
            return Match(rule, ", ".join(held) or "no condition")
    return None


def _conditions(
    rule: RequestRule, request: Cancellation, channel: ChannelOrder, shipment: Shipment, now: datetime
) -> Mapping[str, bool]:
    """Each condition in words, and whether it holds. A rule without conditions always matches."""
    held: dict[str, bool] = {}
    if rule.store_shipped is not None:
        wanted = Shipped.YES if rule.store_shipped else Shipped.NO
        held[shipment.because] = shipment.shipped is wanted
    placed = f"placed {channel.created_at:%Y-%m-%d %H:%M} UTC"
    if rule.younger_than_hours is not None:
        held[f"{placed}: under {rule.younger_than_hours:g} h old"] = now < _after(channel, rule.younger_than_hours)
    if rule.older_than_hours is not None:
        held[f"{placed}: {rule.older_than_hours:g} h old or more"] = now >= _after(channel, rule.older_than_hours)
    if rule.reasons:
        held[f"the buyer's reason is {request.reason or 'not given'}"] = request.reason in rule.reasons
    if rule.seller_skus:
        skus = {unit.id: unit.seller_sku for unit in channel.units}
        named = sorted({skus.get(unit, "") for unit in request.unit_ids})
        held[f"of {', '.join(named)} only"] = bool(named) and set(named) <= set(rule.seller_skus)
    if rule.total_at_most is not None:
        total = channel.payment.total
        held[f"total {total}, at most {rule.total_at_most}"] = total.amount <= rule.total_at_most
    return held


def _after(channel: ChannelOrder, hours: float) -> datetime:
    return channel.created_at + timedelta(hours=hours)


def look_again(request: Cancellation, channel: ChannelOrder, settings: ShopSettings, now: datetime) -> datetime | None:
    """When this request's answer may be another one: an age is reached, the deadline comes near, or has passed."""
    deadline = request.respond_by
    if deadline is not None and deadline <= now:
        soon = deadline + AFTER_DEADLINE
        return soon if soon > now else now + UNDECIDED_LOOK
    times: list[datetime] = [] if deadline is None else [deadline + AFTER_DEADLINE]
    if may_act(request, settings, now):
        rules = settings.cancellation_sync.buyer_requests.rules
        ages = (hours for rule in rules for hours in (rule.younger_than_hours, rule.older_than_hours))
        times += [_after(channel, hours) for hours in ages if hours is not None]
        times += [] if deadline is None or not rules else [deadline - LAST_LOOK]
    return min((time for time in times if time > now), default=None)
