"""The reasons a seller may give for a cancellation, by market: what a settings page offers and checks.

TikTok changes the keys by market and date without a new version, so this table only fills in where the eligibility
call does not tell. Sources stand in `reasons.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

_LIKE_AWAITING_SHIPMENT = frozenset({"PARTIALLY_SHIPPING", "AWAITING_COLLECTION"})
"""The state matrix lets a seller cancel these too; the reason tables name no keys of their own for them."""


@dataclass(frozen=True, slots=True)
class CancelReason:
    """One reason key. `seller_fault` counts against the shop's cancellation rate; None: TikTok does not say."""

    key: str
    text: str
    statuses: frozenset[str]
    seller_fault: bool | None
    regions: frozenset[str]
    withdrawn: frozenset[str]
    """Markets whose page lists it but whose changelog took it away from local sellers: not offered."""


def _load() -> tuple[Mapping[str, str], tuple[CancelReason, ...]]:
    data = json.loads(files("bridge.connectors.tiktok").joinpath("reasons.json").read_text("utf-8"))
    return data["regions"], tuple(
        CancelReason(
            key=row["key"],
            text=row["text"],
            statuses=frozenset(row["statuses"]),
            seller_fault=row["seller_fault"],
            regions=frozenset(row["regions"]),
            withdrawn=frozenset(row["withdrawn"]),
        )
        for row in data["reasons"]
    )


_MARKETS, _REASONS = _load()  # at import, because files are not read on the event loop


def market_of(region: str) -> str:
    """The market whose reasons a shop's region code uses: GB → UK, DE → EU, US → US."""
    code = region.upper()
    return _MARKETS.get(code, code)


def is_known(region: str) -> bool:
    return any(market_of(region) in reason.regions for reason in _REASONS)


def reasons_for(region: str, status: str | None = None) -> tuple[CancelReason, ...]:
    """Reasons of a shop's region, for an order status if one is given; empty for a region nobody knows."""
    market = market_of(region)
    wanted = "AWAITING_SHIPMENT" if status in _LIKE_AWAITING_SHIPMENT else status
    return tuple(
        reason for reason in _REASONS if market in reason.regions and (wanted is None or wanted in reason.statuses)
    )


def valid(region: str, key: str) -> bool:
    """Whether a reason may be kept as a default. In a region nobody knows only eligibility can say: any may stand."""
    if not is_known(region):
        return bool(key)
    return any(reason.key == key for reason in reasons_for(region))


def is_out_of_stock(key: str) -> bool:
    """The only reason with which the US and the UK let single lines be cancelled (after-sales overview)."""
    return key.removesuffix("_uk").endswith("_out_of_stock")


LINE_MARKETS = frozenset({"US", "UK"})
"""Where single lines may be cancelled (after-sales overview); Mexico answers 11050001."""


def cancels_lines(region: str, key: str) -> bool:
    """Whether single lines may be cancelled with this reason in a shop of this region."""
    return market_of(region) in LINE_MARKETS and is_out_of_stock(key)
