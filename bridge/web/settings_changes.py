"""What a changed setting means: what must be valid, and from when it counts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from bridge.domain.settings import CancellationSync, ChannelToStore, ShopSettings, Tie
from bridge.web.problems import Problem, invalid

CANCELS_LINES: Final = frozenset({"US", "GB", "UK"})
"""Markets in which a seller may cancel single lines (TikTok Shop, after-sales overview)."""


def with_shop_change(
    before: ShopSettings, change: Mapping[str, Any], views: Collection[str] | None, now: datetime
) -> ShopSettings:
    """`change`: only the fields that were sent. `views`: codes of the store's views, None where they are not known.

    When the shop is tied to a store, and when dry run is switched off, orders and the directions that are on count from
    now, unless another time is sent along: what came up while nothing was done here was dealt with otherwise.
    """
    fields: dict[str, Any] = dict(change)
    if "store" in fields:
        fields["store"] = _tie(before.store, fields["store"], views)
    after = before.model_copy(update=fields)
    tied = before.store is None and after.store is not None
    sharp = before.dry_run and not after.dry_run
    if after.store is not None and after.orders_since is None:
        after = after.model_copy(update={"orders_since": now})
    if (tied or sharp) and before.orders_since is not None and after.orders_since == before.orders_since:
        after = after.model_copy(update={"orders_since": now})
    if tied or sharp:
        after = after.model_copy(update={"cancellation_sync": _from_now(after.cancellation_sync, now)})
    # Copies are not checked by themselves.
    return ShopSettings.model_validate(after.model_dump())


def without_choices(before: ShopSettings, after: ShopSettings, now: datetime) -> ShopSettings:
    """A shop that was just tied to a store that speaks one way, where there is nothing to set. What another store's
    settings said, its rules for buyers above all, must not go on acting where nobody can see or change it.
    """
    same = before.store and after.store and before.store.connection == after.store.connection
    if same or after.store is None:
        return after
    only = CancellationSync(channel_to_store=ChannelToStore(effective_from=now))
    return after.model_copy(update={"cancellation_sync": only})


def _tie(before: Tie | None, sent: Mapping[str, Any] | None, views: Collection[str] | None) -> Tie | None:
    if sent is None:
        return None
    kept = before.model_dump() if before and before.connection == sent["connection"] else {}
    tie = Tie.model_validate(kept | {name: value for name, value in sent.items() if value is not None})
    if tie.store_view and views is None:
        raise invalid("/store/store_view", "the store's views are not known yet: run doctor on its connection first")
    if tie.store_view and views is not None and tie.store_view not in views:
        known = ", ".join(sorted(views)) or "none"
        raise invalid("/store/store_view", f"the store has no view {tie.store_view!r}; it has: {known}")
    return tie


def _from_now(sync: CancellationSync, now: datetime) -> CancellationSync:
    """Directions that are on count from now, also where they had an earlier beginning; a later one stays."""
    changes: dict[str, Any] = {}
    for name in ("store_to_channel", "channel_to_store", "buyer_requests"):
        direction = getattr(sync, name)
        if direction.enabled and (direction.effective_from is None or direction.effective_from < now):
            changes[name] = direction.model_copy(update={"effective_from": now})
    return sync.model_copy(update=changes)


def with_sync_change(
    before: CancellationSync,
    change: Mapping[str, Mapping[str, Any]],
    *,
    region: str,
    reasons: Iterable[Mapping[str, Any]],
    now: datetime,
) -> CancellationSync:
    """`change`: direction, or `buyer_requests` → only the fields sent. Raises `Problem` 422 with every wrong value."""
    directions: dict[str, Any] = {}
    for name, sent in change.items():
        was = getattr(before, name)
        directions[name] = was.model_copy(update={**sent, "effective_from": _beginning(name, was, sent, now)})
    after = CancellationSync.model_validate(before.model_copy(update=directions).model_dump())
    if after.buyer_requests.enabled and not after.buyer_requests.rules:
        raise invalid("/buyer_requests/rules", "set at least one rule before switching them on")
    if "store_to_channel" in change:
        _check_reasons(after, region, list(reasons))
    return after


def lets_brake_go(before: CancellationSync, after: CancellationSync) -> bool:
    """A higher limit answers a pulled brake; a direction that is switched off has nothing left to stop."""
    was, now = before.store_to_channel, after.store_to_channel
    return now.max_cancels_per_hour > was.max_cancels_per_hour or (was.enabled and not now.enabled)


def _beginning(name: str, was: Any, sent: Mapping[str, Any], now: datetime) -> datetime | None:
    """Switched on: now, or later if so stated. The past is let in order by order, never by a date."""
    wanted: datetime | None = sent.get("effective_from")
    switched_on = bool(sent.get("enabled", was.enabled)) and not was.enabled
    earliest: datetime | None = now if switched_on else was.effective_from
    if wanted is None:
        return earliest
    if wanted == was.effective_from:
        return earliest  # what was read is sent back
    if earliest is not None and wanted < earliest:
        text = "cannot be moved into the past; settle the orders meant one by one, allowing `past`"
        raise invalid(f"/{name}/effective_from", text)
    return wanted


def _check_reasons(after: CancellationSync, region: str, reasons: list[Mapping[str, Any]]) -> None:
    keys = [str(reason["key"]) for reason in reasons]
    direction = after.store_to_channel
    errors: list[dict[str, str]] = []

    def wrong(place: str, text: str) -> None:
        errors.append({"pointer": f"#/store_to_channel/{place}", "detail": text})

    if direction.enabled and not direction.default_reason:
        wrong("default_reason", "choose the reason TikTok Shop is told before switching this direction on")
    named = [("default_reason", direction.default_reason)] if direction.default_reason else []
    named += [(f"fallback_reasons/{place}", key) for place, key in enumerate(direction.fallback_reasons)]
    for place, key in named:
        # In a region nobody has a list for, only TikTok can say, order by order.
        if keys and key not in keys:
            wrong(place, f"{key!r} is not valid for a seller in {region}")
    if direction.partial == "cancel_lines" and region.upper() not in CANCELS_LINES:
        wrong("partial", "single lines can be cancelled in the US and the UK only; choose hold or ignore")
    elif direction.partial == "cancel_lines":
        for_lines = [str(reason["key"]) for reason in reasons if reason["cancels_lines"]]
        if not set(for_lines) & set(direction.listed_reasons):
            text = "single lines are cancelled as out of stock only; list {} as default_reason or in fallback_reasons"
            wrong("partial", text.format(" or ".join(for_lines) or "an out-of-stock reason"))
    if errors:
        about_reasons = any("reason" in error["pointer"] or "reason" in error["detail"] for error in errors)
        listed = f" Valid in {region}: {', '.join(keys) or 'not known'}." if about_reasons else ""
        detail = "; ".join(error["detail"] for error in errors) + "." + listed
        raise Problem("invalid", detail, errors=errors, more={"valid_reasons": keys} if about_reasons else None)
