"""The access scopes that the calls need, and what for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NEEDED: Final = {
    "read_orders": "read orders and their cancellations",
    "write_orders": "create, cancel and refund orders",
    "read_products": "find variants by SKU",
    "read_inventory": "see where units are kept",
    "read_merchant_managed_fulfillment_orders": "see what is being packed in the merchant's own locations",
    "read_third_party_fulfillment_orders": "see what is being packed at other fulfilment services",
    "read_assigned_fulfillment_orders": "see what is being packed at services of this app",
}
HOLDING: Final = "write_merchant_managed_fulfillment_orders"
"""Asked for by none but shops that hold their fulfilment while a buyer's request waits."""
WITHOUT: Final = frozenset({"read_assigned_fulfillment_orders"})
"""Those that most shops do well without: told of, but never as an error."""


def granted(installation: Mapping[str, Any]) -> frozenset[str]:
    """Handles of the scopes granted; a write scope holds the read scope of the same name."""
    scopes = installation.get("accessScopes")
    rows = scopes if isinstance(scopes, list) else []
    handles = {str(row.get("handle") or "") for row in rows if isinstance(row, dict)}
    reads = {handle.replace("write_", "read_", 1) for handle in handles if handle.startswith("write_")}
    return frozenset(handles | reads)


def lacking(installation: Mapping[str, Any]) -> tuple[str, ...]:
    have = granted(installation)
    return tuple(name for name in NEEDED if name not in have and name not in WITHOUT)
