"""Whether the TikTok Shops tied to a store fit what the store is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridge.domain.regions import CURRENCIES
from bridge.ports import Finding
from bridge.storage.shops import Shop

_PAYMENT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHIPPING: Final = re.compile(r"[a-z0-9]+_[A-Za-z0-9_]+")
"""Magento's shape: carrier, underscore, method."""


def of_store(connection_id: str, facts: Mapping[str, Any], shops: Sequence[Shop]) -> list[Finding]:
    """`facts`: the store's, as last read."""
    tied = [shop for shop in shops if shop.settings.store and shop.settings.store.connection == connection_id]
    if not tied:
        text = "No TikTok Shop is tied to this store, so nothing is done in it: bridge settings --help."
        return [Finding("warning", "not_tied", text)]
    views = [view for view in facts.get("views") or () if isinstance(view, Mapping)]
    return [finding for shop in tied for finding in _tie(shop, views)]


def of_channel(shops: Sequence[Shop]) -> list[Finding]:
    """`shops`: those of the connection."""
    if any(shop.settings.store for shop in shops):
        return []
    text = "None of its TikTok Shops is tied to a store, so nothing is done with their orders: bridge settings --help."
    return [Finding("warning", "not_tied", text)]


def _tie(shop: Shop, views: Sequence[Mapping[str, Any]]) -> list[Finding]:
    tie = shop.settings.store
    assert tie is not None
    if not views:
        # A store without views, or one whose views could not be read, which was said.
        return [Finding("ok", "tie", f"{shop.name} makes its orders in this store.")]
    found: list[Finding] = []
    if not _PAYMENT.fullmatch(tie.payment_method):
        text = f"{shop.name}: {tie.payment_method!r} is no payment method code of Magento's; checkmo is one."
        found.append(Finding("warning", "tie_method", text))
    if not _SHIPPING.fullmatch(tie.shipping_method):
        text = (
            f"{shop.name}: {tie.shipping_method!r} is no shipping method of Magento's, which are written "
            "carrier_method, such as flatrate_flatrate."
        )
        found.append(Finding("warning", "tie_method", text))
    view = _view(views, tie.store_view or "")
    if view is None:
        known = ", ".join(str(one.get("code")) for one in views)
        text = (
            f"{shop.name} is tied to the store view {tie.store_view!r}, which the store does not have any more; its "
            f"orders are held. Choose one of {known}."
        )
        return [*found, Finding("error", "tie_view", text)]
    expected, currency = CURRENCIES.get(shop.region, ""), str(view.get("currency") or "")
    if expected and currency and expected != currency:
        text = (
            f"{shop.name} sells in {expected}, and the store view {view.get('code')} keeps its books in {currency}: "
            f"its orders are held. Tie it to a website whose base currency is {expected}."
        )
        return [*found, Finding("error", "tie_currency", text)]
    text = f"{shop.name} makes its orders in the store view {view.get('code')} ({currency or 'currency not told'})."
    return [*found, Finding("ok", "tie", text)]


def _view(views: Sequence[Mapping[str, Any]], wanted: str) -> Mapping[str, Any] | None:
    """By code, else by id; empty means the default view."""
    if not wanted:
        return next((view for view in views if view.get("code") == "default"), views[0])
    return next((view for view in views if wanted in {view.get("code"), view.get("id")}), None)
