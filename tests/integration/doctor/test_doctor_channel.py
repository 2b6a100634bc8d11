"""A TikTok Shop made wrong in each way, and doctor says exactly that, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.integration.connect.parts import Ahead, grant
from tests.integration.doctor.clinic import Clinic, clinic, codes, differs_by, said

SHOPS, ORDERS, RETURNS, PRODUCTS = (
    "seller.authorization.info",
    "seller.order.info",
    "seller.return_refund.basic",
    "seller.product.write",
)
CANCELLATIONS = "CANCELLATION_STATUS_CHANGE"


async def scopes(ward: Clinic, *names: str) -> None:
    await ward.play.tiktok.control("POST", "tokens/scopes", {"scopes": names})


def texts(looked: dict[str, object], code: str) -> list[str]:
    found = looked["findings"]
    assert isinstance(found, list)
    return [one["text"] for one in found if one["code"] == code]


async def test_of_a_healthy_shop_every_check_is_told(ward: Clinic) -> None:
    looked = await ward.channel()
    assert codes(looked, "error") == set()
    # The stage's public address is on loopback, which TikTok would not take.
    assert codes(looked, "warning") == {"public_url"}
    assert codes(looked, "ok") == {
        *("reachable", "authorized", "scopes", "region", "webhooks", "token_life", "clock", "test_delivery"),
        "claims",
    }
    assert len(texts(looked, "webhooks")) == 4
    assert any("region US, local seller" in text for text in texts(looked, "region"))


async def test_each_missing_package_is_named_by_what_cannot_be_read(ward: Clinic) -> None:
    await scopes(ward, SHOPS, ORDERS, PRODUCTS)
    looked = await ward.channel()
    missing = texts(looked, "scope_missing")
    assert len(missing) == 2 * 4
    assert all("Return & Refund Basic" in text and "105005" in text for text in missing)
    assert any(": cancellations cannot be read" in text for text in missing)
    await scopes(ward, SHOPS, RETURNS)
    assert all("Order Information" in text for text in texts(await ward.channel(), "scope_missing"))
    await scopes(ward, ORDERS, RETURNS)
    looked = await ward.channel()
    level, text = said(looked, "scope_missing")
    assert (level, "Shop Authorized Information" in text) == ("error", True)
    assert "webhooks" in said(looked, "not_checked")[1]


async def test_webhooks_that_are_missing_or_elsewhere_are_seen_and_mended(ward: Clinic) -> None:
    tiktok, shop = ward.play.tiktok, ward.play.channel_shop_id
    await tiktok.control("PUT", "subscriptions", {"event_type": CANCELLATIONS, "shop_id": shop})
    other = "https://other.example/hook"
    elsewhere = {"event_type": "ORDER_STATUS_CHANGE", "shop_id": shop, "address": other}
    await tiktok.control("PUT", "subscriptions", elsewhere)
    looked = await ward.channel(mend=False)
    assert CANCELLATIONS in said(looked, "webhook_missing")[1]
    level, text = said(looked, "webhook_elsewhere")
    assert (level, f"ORDER_STATUS_CHANGE goes to {other}" in text) == ("error", True)
    assert looked["facts"]["mode"] == "sweep-only"
    state = await tiktok.control("GET", "state")
    assert (
        other in {row["address"] for row in state["subscriptions"]},
        len(state["subscriptions"]),
    ) == (True, 4 * 6 - 1)
    looked = await ward.channel()
    assert CANCELLATIONS in said(looked, "webhooks_mended")[1]
    assert "ORDER_STATUS_CHANGE" in said(looked, "webhooks_moved")[1]
    assert codes(await ward.channel(mend=False), "error") == set()


async def test_a_grant_that_ends_soon_says_when(ward: Clinic) -> None:
    await ward.play.tiktok.control("PATCH", "settings", {"refresh_token_ttl": 12 * 86_400})
    tokens = await grant(ward.play)
    credentials = (await ward.stored(ward.play.tiktok_id)).credentials
    pair = {name: tokens[name] for name in ("access_token", "refresh_token")}
    await ward.patch(ward.play.tiktok_id, credentials={**credentials, **pair})
    await ward.play.tiktok.control("POST", "tokens/expire")
    looked = await ward.channel()
    level, text = said(looked, "token_expires")
    assert (level, "in 11 days" in text, "bridge connect tiktok" in text) == ("warning", True, True), text
    assert "renewed by itself" in said(looked, "token_access")[1]
    # The pair that was exchanged on the way is the one that is kept.
    kept = (await ward.stored(ward.play.tiktok_id)).credentials
    assert kept["refresh_token"] != tokens["refresh_token"]


async def test_a_dead_grant_is_told_and_waits_for_a_person(ward: Clinic) -> None:
    await ward.play.tiktok.control("POST", "tokens/expire")
    await ward.play.tiktok.control("POST", "tokens/expire-refresh")
    looked = await ward.channel()
    level, text = said(looked, "not_authorized")
    assert (level, "connect the TikTok Shop again" in text) == ("error", True)
    assert looked["state"] == "reauth"
    assert "test_delivery" in codes(looked, "ok")


async def test_a_seller_who_withdrew_is_told(ward: Clinic) -> None:
    ward.play.tiktok_box.tokens.revoke()
    looked = await ward.channel()
    assert (said(looked, "not_authorized")[0], looked["state"]) == ("error", "reauth")


async def test_tokens_exchanged_before_it_failed_are_kept(ward: Clinic) -> None:
    before = (await ward.stored(ward.play.tiktok_id)).credentials
    await ward.play.tiktok.control("POST", "tokens/expire")
    outage = '{"code":36009003,"message":"Internal error"}'
    await ward.play.tiktok.fault(kind="slow", path="authorization/202309/shops")
    await ward.play.tiktok.fault(kind="fail", body=outage, path="authorization/202309/shops")
    looked = await ward.channel()
    assert codes(looked, "error") == {"remote_failing"}
    after = (await ward.stored(ward.play.tiktok_id)).credentials
    assert after["refresh_token"] != before["refresh_token"]
    assert codes(await ward.channel(), "error") == set()


async def test_a_shop_that_the_grant_opens_no_more_is_named(ward: Clinic) -> None:
    tokens = await grant(ward.play, ward.play.channel_shop_id)
    credentials = (await ward.stored(ward.play.tiktok_id)).credentials
    pair = {name: tokens[name] for name in ("access_token", "refresh_token")}
    await ward.patch(ward.play.tiktok_id, credentials={**credentials, **pair})
    level, text = said(await ward.channel(), "shop_gone")
    assert level == "error"
    others = {shop.id for shop in ward.play.tiktok_box.shops.values()} - {ward.play.channel_shop_id}
    assert all(one in text for one in others)


async def test_clocks_within_and_beyond_tiktoks_window(ward: Clinic) -> None:
    await ward.play.tiktok.control("POST", "clock", {"advance": 100})
    level, text = said(await ward.channel(), "clock")
    assert (level, "s behind theirs" in text, "Store agrees with us" in text) == ("warning", True, True), text
    assert abs(differs_by(text) - 100) <= 2
    await ward.play.tiktok.control("POST", "clock", {"advance": -160})
    looked = await ward.channel()
    assert codes(looked, "error") == {"clock", "clock_refused"}
    assert "their server's clock" in said(looked, "clock")[1]


async def test_our_own_clock_is_told_by_both_differing_alike(tmp_path: Path, sqlite_url: str) -> None:
    clock = Ahead()
    async with clinic(tmp_path, sqlite_url, clock) as ward:
        clock.by = timedelta(seconds=45)
        looked = await ward.channel()
        assert "Store and the database differ alike" in said(looked, "clock")[1]


async def test_an_app_key_or_secret_that_is_wrong_is_told(ward: Clinic) -> None:
    credentials = (await ward.stored(ward.play.tiktok_id)).credentials
    await ward.patch(ward.play.tiktok_id, credentials={**credentials, "app_secret": "wrong" * 6})
    looked = await ward.channel()
    assert "app secret" in said(looked, "not_authorized")[1]
    assert "wrongwrong" not in str(looked)


async def test_an_api_that_is_gone_is_unreachable_and_everybody_waiting_is_told(ward: Clinic) -> None:
    await ward.patch(ward.play.tiktok_id, blocked_until=datetime.now(UTC) + timedelta(minutes=5))
    assert said(await ward.channel(), "waiting")[0] == "warning"
    await ward.patch(ward.play.tiktok_id, url="http://127.0.0.1:9")
    looked = await ward.channel()
    assert said(looked, "unreachable")[0] == "error"
    assert looked["state"] == "connected"


async def test_a_cancellation_that_no_message_told_of_is_late(tmp_path: Path, sqlite_url: str) -> None:
    async with clinic(tmp_path, sqlite_url, public_url="https://bridge.invalid") as ward:
        play = ward.play
        assert "deliveries_quiet" in codes(await ward.channel(), "ok")
        await play.tiktok.control("PATCH", "settings", {"webhooks_paused": True})
        order_id = await play.place({"seller_sku": "MUG", "quantity": 1, "sale_price": "10.00"})
        await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
        [one] = play.tiktok_box.cancellations.values()
        one.update_time -= 1500
        facts = (await ward.stored(play.tiktok_id)).facts
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        await ward.patch(play.tiktok_id, facts={**facts, "told_since": since})
        level, text = said(await ward.channel(), "deliveries_late")
        assert (level, "25 minutes ago" in text, "Partner Center" in text) == ("warning", True, True), text
