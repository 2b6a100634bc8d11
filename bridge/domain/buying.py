"""Whether a channel order becomes a store order: which orders, and when. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from bridge.domain.attention import AttentionKind, Hold, refused
from bridge.domain.channel_order import ChannelOrder, OrderStatus
from bridge.domain.effects import CreateOrder, Settlement, Verdict
from bridge.domain.link import Link
from bridge.domain.settings import ShopSettings, is_before


def decide(channel: ChannelOrder, link: Link, settings: ShopSettings, now: datetime) -> Settlement:
    """There is no store order (yet)."""
    if link.create_sent:
        return _finish(channel, link, settings)
    if settings.store is None:
        return Settlement(Verdict.IGNORED, "this TikTok Shop is not tied to a store")
    not_ours = left_alone(channel, settings)
    if not_ours and "create" not in link.allowed:
        return Settlement(Verdict.IGNORED, not_ours)
    if not channel.living:
        return Settlement(
            Verdict.NOT_IMPORTED, "cancelled on TikTok Shop before it reached the store: no store order is made"
        )
    if channel.status in {OrderStatus.UNPAID, OrderStatus.ON_HOLD}:
        word = "unpaid" if channel.status == OrderStatus.UNPAID else "on hold for the buyer's second thoughts"
        return Settlement(Verdict.WAITING, f"{word} on TikTok Shop: created when TikTok releases it")
    if "create" not in link.allowed:
        if channel.status != OrderStatus.AWAITING_SHIPMENT or channel.has_tracking:
            because = (
                f"already under way on TikTok Shop ({channel.status}) when first seen: created when a person says so"
            )
            return Settlement(
                Verdict.HELD,
                because,
                # It goes on moving by itself: further on is not news.
                holds=(Hold(AttentionKind.ALREADY_UNDER_WAY, because, {"status": channel.status}, cause={}),),
            )
        rests_until = channel.created_at + timedelta(minutes=settings.hold_minutes)
        if now < rests_until:
            return Settlement(
                Verdict.WAITING,
                f"rests until {rests_until:%Y-%m-%d %H:%M} UTC ({settings.hold_minutes} minutes after it was placed), "
                "so that a buyer's second thoughts cost nothing",
                look_again_at=rests_until,
            )
        if channel.is_asked_for_whole:
            return Settlement(
                Verdict.WAITING,
                "the buyer asks to cancel every unit: no store order is made before that is answered, because it would "
                "only be refunded again",
            )
    return _create(channel, link, settings, "paid, awaiting shipment and not in the store yet")


def _finish(channel: ChannelOrder, link: Link, settings: ShopSettings) -> Settlement:
    because = "its create was sent and no answer is known: find it, or send the same again"
    if not channel.living:
        because += "; it was cancelled on TikTok Shop meanwhile and will be refunded once it is invoiced"
    return _create(channel, link, settings, because)


def _create(channel: ChannelOrder, link: Link, settings: ShopSettings, because: str) -> Settlement:
    refusal = link.refusals.get("create")
    if refusal is not None:
        hold = refused(AttentionKind.CREATE_REFUSED, refusal.because, {"claim": refusal.claim})
        return Settlement(Verdict.HELD, refusal.because, holds=(hold,))
    if settings.dry_run:
        return Settlement(Verdict.WAITING, f"dry run: would create the store order ({because})")
    units = frozenset(unit.id for unit in channel.living) if not link.create_sent else frozenset(link.unit_map)
    return Settlement(Verdict.ACT, because, CreateOrder(because=because, units=units))


def left_alone(channel: ChannelOrder, settings: ShopSettings) -> str | None:
    """Why this order is not ours to create, or None."""
    if not settings.create_orders:
        return "creating orders is switched off for this shop: another connector may be doing it"
    if settings.orders_since is not None and is_before(channel.created_at, settings.orders_since):
        return f"placed before {settings.orders_since:%Y-%m-%d %H:%M} UTC, from when on this shop's orders are taken"
    checks = (
        (channel.fulfilled_by_channel, settings.create_fulfilled_by_tiktok, "fulfilled by TikTok"),
        (channel.is_sample, settings.create_samples, "a sample order"),
        (channel.is_replacement, settings.create_replacements, "a replacement order"),
        (channel.is_digital, settings.create_digital, "a digital order"),
        (channel.payment.total.amount == 0, settings.create_zero_totals, "an order with a total of zero"),
    )
    for applies, wanted, what in checks:
        if applies and not wanted:
            return f"{what}: such orders are not created unless the shop's setting says so"
    return None
