"""A TikTok order as the fulfilment order it will become: items, address, and the exact bytes of the request. Pure.

Amazon sends goods and holds none of the sale's money: rows have no price, and there is one for each SKU.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bridge.connectors.amazon.protocol import ID_LENGTH, Destination, Draft, Line, Version, is_id
from bridge.connectors.amazon.reading import NO_CURRENCY
from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.plans import CannotPlan, CannotPlanKind, OrderPlan, Piece, PlannedRow
from bridge.domain.settings import ShopSettings

COMMENT: Final = "Thank you for your order."
SKU_LENGTH: Final = 50
MOST_LINES: Final = 100
MOST_UNITS: Final = 250
"""Of one fulfilment order (2020-07-01, `CreateFulfillmentOrderRequest.items`)."""
_MASK: Final = "***"
"""How TikTok hides personal data where it does not show it."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a seller wants parcels sent."""

    speed: str
    policy: str
    marketplace_id: str = ""
    comment: str = COMMENT


def plan(
    order: ChannelOrder, settings: ShopSettings, sku_map: Mapping[str, str], version: Version, wishes: Wishes
) -> OrderPlan | CannotPlan:
    """The intention for the order's living units, or why there is none. The same input gives the same bytes."""
    number = settings.order_number_prefix + order.id
    rows, unit_map = _group(order.living, sku_map)
    destination = _destination(order)
    refused = _refusal(order, number) or _items_refusal(order.living, rows, sku_map) or _nowhere(destination)
    if refused:
        return refused
    draft = Draft(
        id=number,
        displayed_id=order.id,
        ordered_at=order.created_at,
        comment=wishes.comment or COMMENT,
        speed=wishes.speed,
        policy=wishes.policy,
        marketplace_id=wishes.marketplace_id,
        destination=destination,
        lines=tuple(Line(str(place), row.sku, row.quantity) for place, row in enumerate(rows, start=1)),
    )
    return OrderPlan(
        number=number,
        view="",
        body=json.dumps(version.body(draft), separators=(",", ":"), sort_keys=True),
        rows=tuple(rows),
        unit_map=unit_map,
        total=Decimal(0),
        currency=NO_CURRENCY,
    )


def store_sku(unit: Unit, sku_map: Mapping[str, str]) -> str:
    return sku_map.get(unit.seller_sku, unit.seller_sku).strip()


def _group(units: Sequence[Unit], sku_map: Mapping[str, str]) -> tuple[list[PlannedRow], dict[str, tuple[Piece, ...]]]:
    """One row for each SKU, in the order in which they first come."""
    counts: dict[str, int] = {}
    for unit in units:
        sku = store_sku(unit, sku_map)
        counts[sku] = counts.get(sku, 0) + 1
    rows = [PlannedRow(sku, sku, Decimal(0), quantity) for sku, quantity in counts.items()]
    return rows, {unit.id: (Piece(store_sku(unit, sku_map), 1),) for unit in units}


def _refusal(order: ChannelOrder, number: str) -> CannotPlan | None:
    if not order.living:
        return _cannot("Every unit of the order is cancelled; there is nothing to send.")
    if not is_id(number):
        return _cannot(
            f"Amazon's order ids have at most {ID_LENGTH} characters, and {number} has {len(number)}: shorten the "
            "shop's order_number_prefix."
        )
    if order.is_cod:
        return _cannot("The buyer pays on delivery, which Amazon does not collect for orders of other channels.")
    return None


def _items_refusal(units: Sequence[Unit], rows: Sequence[PlannedRow], sku_map: Mapping[str, str]) -> CannotPlan | None:
    nameless = [unit.name or unit.id for unit in units if not store_sku(unit, sku_map)]
    if nameless:
        because = f"No seller SKU on TikTok for: {', '.join(dict.fromkeys(nameless))}. Set one in Seller Center."
        return CannotPlan(CannotPlanKind.UNKNOWN_SKU, because)
    long = [row.sku for row in rows if len(row.sku) > SKU_LENGTH]
    if long:
        skus = tuple(dict.fromkeys(unit.seller_sku for unit in units if store_sku(unit, sku_map) in long))
        because = f"Amazon's SKUs have at most {SKU_LENGTH} characters, so it has none called {', '.join(long)}."
        return CannotPlan(CannotPlanKind.UNKNOWN_SKU, because, skus=skus)
    if len(rows) > MOST_LINES or len(units) > MOST_UNITS:
        return _cannot(
            f"Amazon takes {MOST_LINES} rows and {MOST_UNITS} units in one order; this one has {len(rows)} and "
            f"{len(units)}. Make it there by hand, in parts."
        )
    return None


def _nowhere(to: Destination) -> CannotPlan | None:
    """Why no parcel can be sent there."""
    told = (to.name, *to.lines, to.city, to.postal_code)
    if any(_MASK in part for part in told):
        return _cannot("TikTok shows the buyer's address with parts of it hidden: a parcel would go astray.")
    lacking = [
        what
        for what, is_there in (
            ("name", bool(to.name)),
            ("street", bool(to.lines)),
            ("city", bool(to.city) or to.country == "JP"),
            ("postal code", bool(to.postal_code)),
            ("country", len(to.country) == 2),
        )
        if not is_there
    ]
    if lacking:
        return _cannot(f"TikTok shows no {', '.join(lacking)} in the buyer's address, and Amazon needs it.")
    return None


def _destination(order: ChannelOrder) -> Destination:
    given = order.address
    name = given.name.strip() or f"{given.first_name.strip()} {given.last_name.strip()}".strip()
    street = [part.strip() for part in given.street if part.strip()]
    lines = (*street[:2], ", ".join(street[2:])) if len(street) > 3 else tuple(street)
    country = (given.country or order.region).upper()
    return Destination(
        name=name,
        lines=lines,
        city=given.city.strip(),
        region=given.region.strip(),
        postal_code=given.postal_code.strip(),
        country={"UK": "GB"}.get(country, country),
        phone=given.phone.strip() if _MASK not in given.phone else "",
    )


def _cannot(because: str) -> CannotPlan:
    return CannotPlan(CannotPlanKind.NOT_POSSIBLE, because)
