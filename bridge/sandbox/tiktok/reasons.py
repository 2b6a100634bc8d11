"""Which reason key TikTok takes, by market, by who cancels and by the order's status.

The keys are those of Partner Center's "Cancel reasons" page (as of 2025-10-24), kept in `reasons.json`. The texts are
made from the keys: the real ones are localized and change.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from bridge.sandbox.tiktok.errors import Refusal
from bridge.sandbox.tiktok.regions import SEA

UNPAID = frozenset({"UNPAID"})
PAID = frozenset({"ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "PARTIALLY_SHIPPING"})

# Local sellers in South-East Asia lost these on 2025-08-31 (Partner Center changelog); the page still lists them.
WITHDRAWN_IN_SEA = frozenset(
    {"seller_cancel_paid_reason_address_not_deliver", "seller_cancel_unable_to_deliver_to_buyer_address"}
)

# After dispatch, by their names: the goods are under way, lost or back at a carrier.
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

_PREFIXES = (
    "seller_cancel_unpaid_reason_",
    "seller_cancel_paid_reason_",
    "seller_cancel_order_reason_",
    "seller_cancel_reason_",
    "seller_cancel_",
    "seller_reject_apply_",
    "order_manage_list_action_respond_popup_reject_reason_",
    "ecom_order_to_ship_canceled_reason_",
    "ecom_order_unpaid_canceled_reason_",
    "ecom_order_delivered_refund_reason_",
    "ecom_reverse_reject_",
    "ecom_refund_reject_reason_",
    "system_cancel_order_reason_",
    "system_cancel_",
    "operator_cancel_",
    "buyer_cancel_",
)


def _load() -> dict[str, dict[str, list[str]]]:
    text = resources.files(__package__).joinpath("reasons.json").read_text(encoding="utf-8")
    data: Any = json.loads(text)
    return {str(market): dict(sections) for market, sections in data.items()}


# Read at import: a server must not read files while it answers.
_TABLE = _load()


def table() -> dict[str, dict[str, list[str]]]:
    """`{market: {section: [key, ...]}}`; sections are `seller_paid`, `seller_unpaid`, `buyer_paid`, …, `reject`."""
    return _TABLE


def text_of(key: str) -> str:
    """A label for people, made from the key."""
    short = next((key[len(prefix) :] for prefix in _PREFIXES if key.startswith(prefix)), key)
    return short.removesuffix("_uk").replace("_", " ").strip().capitalize()


def seller_reasons(market: str, status: str, *, local_seller: bool = True) -> list[str]:
    """What a seller may give for an order in `status`; empty where a seller cannot cancel at all."""
    sections = table()[market]
    if status in UNPAID:
        keys = sections.get("seller_unpaid", [])
    elif status in PAID:
        keys = sections.get("seller_paid", [])
    else:
        keys = []
    if market in SEA and local_seller:
        return [key for key in keys if key not in WITHDRAWN_IN_SEA]
    return list(keys)


def check_seller_reason(market: str, status: str, key: str, *, local_seller: bool = True) -> None:
    """Refuse a reason the way Cancel Order does.

    Unknown 25001014, not for this seller or market 25001015, withdrawn 25001020, for another status 25001021.
    """
    if key in seller_reasons(market, status, local_seller=local_seller):
        return
    sections = table()[market]
    mine = sections.get("seller_paid", []) + sections.get("seller_unpaid", [])
    if key in WITHDRAWN_IN_SEA and key in mine:
        raise Refusal(25001020, "the reason is offline")
    if key in mine:
        raise Refusal(25001021, "the reason does not match the order status")
    if any(key in keys for market_sections in table().values() for keys in market_sections.values()):
        raise Refusal(25001015, "the reason can not be used by the seller")
    raise Refusal(25001014, "unknown reason")


def default_reason(market: str, role: str, status: str) -> str:
    """What a cancellation gets when the one who places it through the control API names none."""
    sections = table()[market]
    if role == "SELLER":
        return (seller_reasons(market, status) or sections["seller_paid"])[0]
    if role == "BUYER":
        section = "buyer_unpaid" if status in UNPAID else "buyer_paid"
        return next(iter(sections.get(section) or sections.get("buyer_dispatched") or ["other"]))
    return sections["operator" if role == "OPERATOR" else "system"][0]


def is_after_dispatch(key: str) -> bool:
    return key.startswith(AFTER_DISPATCH)


def is_out_of_stock(key: str) -> bool:
    return "out_of_stock" in key


def reject_reasons(market: str) -> list[str]:
    """What a seller may answer to a buyer's request; the page lists none for Japan."""
    return list(table()[market].get("reject", []))
