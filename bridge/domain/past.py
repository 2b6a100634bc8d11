"""What the past would have caused, had both directions been on: the same comparison under other settings. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from bridge.domain.channel_order import ChannelOrder
from bridge.domain.effects import Effect, EffectKind, Settlement, Verdict
from bridge.domain.link import Link
from bridge.domain.money import Money
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder

DIRECTIONS: Final = ("store_to_channel", "channel_to_store")
NOT_THE_PAST: Final = frozenset({EffectKind.CREATE, EffectKind.INVOICE, EffectKind.HOLD, EffectKind.RELEASE})
"""An order begun is finished, whatever is switched on; no store order is made for the past, and nothing held for it."""
NO_REASON_YET: Final = "(the reason you will choose)"
_WORDS: Final = frozenset({"kind", "because", "concerns", "units", "restock_because", "restock_rows"})


def as_if_on(settings: ShopSettings, directions: Collection[str]) -> ShopSettings:
    """The shop's own settings with these directions on since ever, without dry run and brake."""
    sync = settings.cancellation_sync
    there, back = sync.store_to_channel, sync.channel_to_store
    there = there.model_copy(
        update={
            "enabled": "store_to_channel" in directions,
            "effective_from": None,
            "default_reason": there.default_reason or NO_REASON_YET,
        }
    )
    back = back.model_copy(update={"enabled": "channel_to_store" in directions, "effective_from": None})
    update = {"store_to_channel": there, "channel_to_store": back}
    return settings.model_copy(update={"dry_run": False, "cancellation_sync": sync.model_copy(update=update)})


def direction_of(kind: EffectKind) -> str:
    """The setting that an effect hangs on."""
    return "store_to_channel" if kind.side == "channel" else "channel_to_store"


_NAMES: Final = {
    "store_to_channel": "refund → TikTok Shop cancellation",
    "channel_to_store": "TikTok Shop cancellation → refund",
}


def why_not_now(settings: ShopSettings, effect: str) -> str | None:
    """Why an order of the past with this effect cannot be applied as the shop is set; None where it can."""
    if settings.dry_run:
        return "the shop is in dry run, in which nothing is done: switch it off first; by itself that acts on no past"
    direction = direction_of(EffectKind(effect))
    if not getattr(settings.cancellation_sync, direction).enabled:
        return f"{_NAMES[direction]} is switched off: switch it on first; by itself that acts on no past"
    return None


@dataclass(frozen=True, slots=True)
class Would:
    """What one order would have come to."""

    effect: str | None
    verdict: str
    because: str
    facts: Mapping[str, Any]


def would(settlement: Settlement, channel: ChannelOrder, store: StoreOrder | None, link: Link) -> Would:
    """A settlement under the settings of `as_if_on`, in data that can be kept and shown."""
    effect = settlement.effect
    if effect is not None and effect.kind in NOT_THE_PAST:
        effect = None
    facts: dict[str, Any] = {
        "status": channel.status,
        "total": str(channel.payment.total),
        "changed_at": _changed_at(effect, channel, store).isoformat(),
    }
    if store is not None:
        facts["linked"] = link.is_linked or link.create_sent
        facts["refunded"] = store.told(store.total_refunded)
    if settlement.holds:
        facts["holds"] = [{"kind": hold.kind.value, "because": hold.because} for hold in settlement.holds]
    because = settlement.because
    verdict = settlement.verdict
    if effect is None:
        verdict = Verdict.WAITING if verdict is Verdict.ACT else verdict
        return Would(None, verdict.value, because, facts)
    restock_because = getattr(effect, "restock_because", "")
    if restock_because:
        because = f"{because}. {restock_because}"
    facts |= {"value": str(_value(effect, channel)), **_plain(effect, store)}
    return Would(effect.kind.value, verdict.value, because, facts)


def _value(effect: Effect, channel: ChannelOrder) -> Money:
    """What the buyer paid for the units concerned: after discounts, before tax, shipping and other fees."""
    prices = [unit.sale_price for unit in channel.units if unit.id in effect.units]
    return sum(prices, Money.zero(channel.payment.total.currency))


def _plain(effect: Effect, store: StoreOrder | None) -> dict[str, Any]:
    """What the effect would do, whatever its kind: its units, its rows, its numbers."""
    numbers = {
        name: value
        for name, value in asdict(effect).items()
        if name not in _WORDS and isinstance(value, (str, bool, int, dict))
    }
    facts: dict[str, Any] = {"units": sorted(effect.units), **numbers}
    rows = getattr(effect, "restock_rows", None)
    if rows is not None:
        facts["restock"] = sorted(rows)
    quantities = facts.get("quantities")
    if isinstance(quantities, dict) and store is not None:
        facts["rows"] = [
            {"row": row.id, "sku": row.sku, "quantity": quantities[row.id], "restock": row.id in (rows or ())}
            for row in store.rows
            if row.id in quantities
        ]
    return facts


def _changed_at(effect: Effect | None, channel: ChannelOrder, store: StoreOrder | None) -> datetime:
    """When the change happened that the effect answers; without one, when either side last moved."""
    if effect is not None and effect.kind.side == "store":
        deaths = channel.deaths()
        times = [deaths[unit].at for unit in effect.units if unit in deaths]
        known = [at for at in times if at is not None]
        return max(known, default=channel.updated_at)
    if effect is not None and store is not None:
        return max((memo.created_at for memo in store.refunds if not memo.is_ours), default=store.updated_at)
    return max(channel.updated_at, store.updated_at) if store is not None else channel.updated_at
