"""Whether a refunded unit goes back to the store's stock, and which of the conditions decided. Pure.

A restock needs all of: the merchant's choice; a plugin that may (1.0.20 or newer); an order that took its stock; units
that were not shipped in the store; and no sign on the channel that the unit left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.domain.channel_order import UnitDeath
from bridge.domain.plans import Reserved

AFTER_DISPATCH = (
    "returned_to_shipper",
    "early_refund_returned_to_shipper",
    "package_lost",
    "package_damag",
    "package_scrap",
    "threepl_breach",
    "system_cancel_order_untracked",
    "system_cancel_order_exceed_edt_not_arrive",
    "ecom_cb_sc_out_return",
    "system_cancel_cross_border_entry_warehouse_failed",
)
"""Beginnings of TikTok's reason keys for cancellations after dispatch (Partner Center, "Cancel reasons", system
section; the grouping is by their texts and not confirmed by TikTok)."""


@dataclass(frozen=True, slots=True)
class OrderRule:
    """The part of the rule that is the same for every unit of an order."""

    allowed: bool
    because: str
    uncertain: bool = False
    """Everything else allows it, but nobody can say that the stock was taken."""


def order_rule(*, wanted: bool, plugin_allows: bool, plugin_because: str, reserved: Reserved, why: str) -> OrderRule:
    """The merchant's choice, the plugin, and whether the order took its stock. `why` tells how that is known."""
    if not wanted:
        return OrderRule(allowed=False, because="restock is switched off for this shop")
    if not plugin_allows:
        return OrderRule(allowed=False, because=plugin_because)
    if reserved is Reserved.NO:
        return OrderRule(allowed=False, because=f"the store order never took its stock ({why})")
    if reserved is Reserved.UNKNOWN:
        return OrderRule(
            allowed=False, because=f"nobody can say that the store order took its stock ({why})", uncertain=True
        )
    return OrderRule(allowed=True, because="the store order took its stock and the units never left")


def left_the_seller(death: UnitDeath, *, has_left_sign: bool) -> str | None:
    """Why the unit may not be on the shelf, or None. TikTok's `should_replenish_stock` decides where given."""
    if death.replenish is True:
        return None
    if death.replenish is False:
        return "TikTok says that its stock should not be replenished"
    if death.reason.startswith(AFTER_DISPATCH):
        return f"it was cancelled after dispatch ({death.reason})"
    if has_left_sign:
        return "it has a package, tracking number or ready-to-ship time on TikTok"
    return None


@dataclass(frozen=True, slots=True)
class RowSplit:
    """Of one row's units to refund: how many go back to stock, how many do not."""

    restock: int
    keep: int


def split_rows(
    missing: Mapping[str, int], unshipped: Mapping[str, int], on_shelf: Mapping[str, int], *, allowed: bool
) -> dict[str, RowSplit]:
    """Per row: units that may go back are those on the shelf by the channel's word and unshipped by the store's."""
    split: dict[str, RowSplit] = {}
    for row, count in missing.items():
        back = min(count, unshipped.get(row, 0), on_shelf.get(row, 0)) if allowed else 0
        split[row] = RowSplit(back, count - back)
    return split


def sentence(reasons: Iterable[str]) -> str:
    """Reasons joined for a person, each once."""
    return "; ".join(dict.fromkeys(reasons))
