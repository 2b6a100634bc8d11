"""Store orders that another connector made for a sale: how they are recognised, and whether they fit. Pure.

A pattern is a text with `{id}`, where the channel's order id stands. TikTok's order ids are decimal digits, so an id
ends where its digits end: 577…1 is not found inside 577…12.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bridge.domain.books import line_order
from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.money import cents
from bridge.domain.plans import OrderPlan, Piece, PlannedRow
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder, StoreRow

PLACE = "{id}"
LIKE_AN_ID = re.compile(r"[0-9]{10,32}")
"""What may be an order id where nothing else says that it is one. TikTok's have 18 digits."""
_DIGITS = r"([0-9]+)"


# --- how a store order names its sale ---------------------------------------------------------------------------------


def numbers_of(settings: ShopSettings, order_id: str) -> tuple[str, ...]:
    """Store order numbers this sale may carry: ours, and those another connector gives."""
    return tuple(dict.fromkeys(pattern.replace(PLACE, order_id) for pattern in number_patterns(settings)))


def notes_of(settings: ShopSettings, order_id: str) -> tuple[str, ...]:
    """Texts that a store order's customer note may hold for this sale."""
    return tuple(dict.fromkeys(pattern.replace(PLACE, order_id) for pattern in settings.link_note_patterns))


def number_patterns(settings: ShopSettings) -> tuple[str, ...]:
    own = settings.order_number_prefix + PLACE
    return (own, *(pattern for pattern in settings.link_patterns if pattern.count(PLACE) == 1))


def stands_in(text: str, note: str) -> bool:
    """Whether a note holds the text, and not as a part of a longer number."""
    return _bounded(re.escape(text), text).search(note) is not None


def id_in_number(pattern: str, number: str) -> str | None:
    """The order id that a store order number of this pattern names; the way back of `numbers_of`."""
    before, _, after = pattern.partition(PLACE)
    found = re.fullmatch(re.escape(before) + _DIGITS + re.escape(after), number)
    return found.group(1) if found else None


def ids_in_note(pattern: str, note: str) -> frozenset[str]:
    """Every order id that a note names by this pattern; the way back of `notes_of`."""
    before, _, after = pattern.partition(PLACE)
    bounded = _bounded(re.escape(before) + _DIGITS + re.escape(after), pattern.replace(PLACE, "0"))
    # Ahead only, so that two texts which share a part are both met.
    return frozenset(found.group(1) for found in re.finditer(f"(?={bounded.pattern})", note))


def ids_named(settings: ShopSettings, external_id: str, number: str, note: str) -> frozenset[str]:
    """The channel's order ids that a store order may stand for, by everything that it says."""
    found: set[str | None] = {external_id if LIKE_AN_ID.fullmatch(external_id) else None}
    found |= {id_in_number(pattern, number) for pattern in number_patterns(settings)}
    for pattern in settings.link_note_patterns:
        found |= ids_in_note(pattern, note)
    return frozenset(one for one in found if one is not None and LIKE_AN_ID.fullmatch(one))


def _bounded(expression: str, sample: str) -> re.Pattern[str]:
    """No digit may go on where the text itself begins or ends with one."""
    before = r"(?<![0-9])" if sample[:1].isdigit() else ""
    after = r"(?![0-9])" if sample[-1:].isdigit() else ""
    return re.compile(before + expression + after)


# --- whether it is the same sale --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fit:
    """Each unit of the sale has its row in the store order, by row id."""

    unit_map: Mapping[str, tuple[Piece, ...]]

    def plan(self, order: StoreOrder) -> OrderPlan:
        """As the record keeps it. There is nothing to send: the order is there."""
        return OrderPlan(
            number=order.number,
            view=order.view,
            body="",
            rows=tuple(PlannedRow(row.id, row.sku, row.price, row.ordered) for row in order.rows),
            unit_map=self.unit_map,
            total=order.grand_total.amount,
            currency=order.currency,
        )


@dataclass(frozen=True, slots=True)
class Misfit:
    because: str


def candidates(channel: ChannelOrder, found: Iterable[StoreOrder]) -> tuple[StoreOrder, ...]:
    """Of the orders found, those that may be this sale.

    One whose external id is another order of the channel is that one's, whatever else it mentions. One of which nothing
    is left in the store gives way to another that stands.
    """
    orders = [
        order
        for order in found
        if order.channel_order_id == channel.id or not LIKE_AN_ID.fullmatch(order.channel_order_id)
    ]
    standing = [order for order in orders if any(row.left for row in order.rows)]
    return tuple(standing or orders)


def fit_rows(channel: ChannelOrder, order: StoreOrder, sku_map: Mapping[str, str]) -> Fit | Misfit:
    """Lay the sale's units onto the store order's rows: SKUs and quantities must agree.

    Prices need not: another connector may book discounts and taxes in its own way. They only tell rows of one SKU
    apart. Which of the units are in it: all, or those that were alive when it was made, or those alive now.
    """
    deaths = channel.deaths()
    made = order.created_at
    choices = (
        channel.units,
        tuple(unit for unit in channel.units if unit.id not in deaths or (deaths[unit.id].at or made) > made),
        channel.living,
    )
    for units in choices:
        if units and _wanted(units, sku_map) == _offered(order):
            return _lay(units, order, sku_map)
    return Misfit(f"{_told(_wanted(channel.units, sku_map))} were sold; {order.number} has {_told(_offered(order))}")


def _sku(unit: Unit, sku_map: Mapping[str, str]) -> str:
    """Magento holds SKUs that differ in case for the same."""
    return sku_map.get(unit.seller_sku, unit.seller_sku).strip().casefold()


def _wanted(units: Iterable[Unit], sku_map: Mapping[str, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for unit in units:
        counts[_sku(unit, sku_map)] = counts.get(_sku(unit, sku_map), 0) + 1
    return counts


def _offered(order: StoreOrder) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in order.rows:
        if row.ordered:
            counts[row.sku.strip().casefold()] = counts.get(row.sku.strip().casefold(), 0) + row.ordered
    return counts


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {sku or '(no SKU)'}" for sku, count in sorted(counts.items())) or "nothing"


def _lay(units: Sequence[Unit], order: StoreOrder, sku_map: Mapping[str, str]) -> Fit | Misfit:
    unit_map: dict[str, tuple[Piece, ...]] = {}
    for sku in _wanted(units, sku_map):
        members = sorted((unit for unit in units if _sku(unit, sku_map) == sku), key=lambda unit: line_order(unit.id))
        rows = sorted(
            (row for row in order.rows if row.ordered and row.sku.strip().casefold() == sku),
            key=lambda row: line_order(row.id),
        )
        laid = _lay_sku(members, rows)
        if laid is None:
            return Misfit(
                f"{order.number} has several rows of {rows[0].sku}, and their prices do not tell which unit is which"
            )
        unit_map |= {unit_id: (Piece(row_id, 1),) for unit_id, row_id in laid.items()}
    return Fit(unit_map)


_PRICES: tuple[Callable[[Unit], Decimal], ...] = (
    lambda unit: unit.sale_price.amount + unit.seller_discount.amount + unit.platform_discount.amount,
    lambda unit: unit.original_price.amount,
    lambda unit: unit.sale_price.amount,
    lambda unit: unit.sale_price.amount + unit.platform_discount.amount,
    lambda unit: unit.sale_price.amount + unit.seller_discount.amount,
)
"""What another connector may have taken for the unit price, the likelier first."""


def _lay_sku(units: Sequence[Unit], rows: Sequence[StoreRow]) -> dict[str, str] | None:
    """Unit → row within one SKU. None where several rows have different prices and these do not tell.

    Where one way of taking the price gives exactly the rows' prices, that one; else the dearest unit is on the dearest
    row, if every way of taking the price says the same (a store may book prices without tax).
    """
    slots = [row.id for row in rows for _ in range(row.ordered)]
    if len({cents(row.price) for row in rows}) == 1:
        return dict(zip((unit.id for unit in units), slots, strict=True))
    dearest = [
        (cents(row.price), row.id)
        for row in sorted(rows, key=lambda row: -cents(row.price))
        for _ in range(row.ordered)
    ]
    laid: list[dict[str, str]] = []
    for price in _PRICES:
        ranked = sorted(units, key=lambda unit: -cents(price(unit)))
        if [cents(price(unit)) for unit in ranked] == [at for at, _ in dearest]:
            return {unit.id: row_id for unit, (_, row_id) in zip(ranked, dearest, strict=True)}
        laid.append({unit.id: row_id for unit, (_, row_id) in zip(ranked, dearest, strict=True)})
    return laid[0] if all(one == laid[0] for one in laid) else None


def judge(channel: ChannelOrder, found: Sequence[StoreOrder], sku_map: Mapping[str, str]) -> Fit | Misfit:
    """Of the candidates: the one order that is this sale, or why no one is taken."""
    numbers = ", ".join(sorted(order.number for order in found))
    if len(found) != 1:
        return Misfit(f"the store has {len(found)} orders for this sale ({numbers}): a person says which it is")
    fit = fit_rows(channel, found[0], sku_map)
    if isinstance(fit, Misfit):
        return Misfit(f"the store has {numbers} for this sale, but its rows are others: {fit.because}")
    return fit
