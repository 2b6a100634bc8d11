from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.bootstrap import PLATFORMS
from bridge.storage.engine import Database
from tests.integration.web.house import House, opened

ON = {"store_to_channel": {"enabled": True, "default_reason": "out_of_stock"}}


async def put(house: House, path: str, body: Any) -> Any:
    answer = await house.ask("PUT", f"/api/v1/shops/{path}", json=body)
    assert answer.status == 200, answer.text
    return answer.json


async def test_tying_begins_with_orders_from_now(each_house: House) -> None:
    house = each_house
    shop_id, store_id = await house.tied_shop()
    shop = (await house.ask("GET", f"/api/v1/shops/{shop_id}")).json
    assert shop["store"] == {
        "connection": store_id,
        "store_view": "",
        "payment_method": "checkmo",
        "shipping_method": "flatrate_flatrate",
    }
    assert datetime.fromisoformat(shop["orders_since"]) == house.clock.at
    assert datetime.fromisoformat(shop["cancellation_sync"]["channel_to_store"]["effective_from"]) == house.clock.at
    assert (await house.ask("GET", "/api/v1/shops")).json["shops"] == [shop]


async def test_fields_left_out_keep_their_value(house: House) -> None:
    shop_id, store_id = await house.tied_shop()
    house.clock.pass_time(hours=1)
    await put(house, shop_id, {"hold_minutes": 5, "store": {"connection": store_id, "store_view": "de"}})
    shop = await put(house, shop_id, {"create_orders": False})
    assert (shop["hold_minutes"], shop["create_orders"], shop["store"]["store_view"]) == (5, False, "de")
    assert datetime.fromisoformat(shop["orders_since"]) == house.clock.at - timedelta(hours=1)


async def test_tying_again_begins_anew(house: House) -> None:
    """While it was tied to nothing, somebody else dealt with the orders."""
    shop_id, store_id = await house.tied_shop()
    body = {"store_to_channel": {"enabled": True, "default_reason": "out_of_stock"}}
    path = f"/api/v1/shops/{shop_id}/cancellation-sync"
    assert (await house.ask("PUT", path, json=body)).status == 200
    await put(house, shop_id, {"store": None})
    house.clock.pass_time(hours=100)
    shop = await put(house, shop_id, {"store": {"connection": store_id}})
    sync = shop["cancellation_sync"]
    begin = [shop["orders_since"], *(sync[name]["effective_from"] for name in ("store_to_channel", "channel_to_store"))]
    assert [datetime.fromisoformat(one) for one in begin] == [house.clock.at] * 3


async def test_a_stated_beginning_is_kept(house: House) -> None:
    store, channel = await house.connect_magento(), await house.connect_tiktok()
    shop_id = channel["shops"][0]["id"]
    body = {"store": {"connection": store["id"]}, "orders_since": "2026-01-01T00:00:00Z"}
    shop = await put(house, shop_id, body)
    assert datetime.fromisoformat(shop["orders_since"]) == datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_tie_must_name_a_store_and_one_of_its_views(house: House) -> None:
    shop_id, store_id = await house.tied_shop()
    channel = (await house.ask("GET", f"/api/v1/shops/{shop_id}")).json["connection"]
    announced = (
        await house.ask("POST", "/api/v1/connections", json={"kind": "magento", "url": "https://new.test"})
    ).json
    for tie, pointer, words in (
        ({"connection": "con_x"}, "#/store/connection", "no connection"),
        ({"connection": channel}, "#/store/connection", "TikTok Shop connection"),
        ({"connection": announced["id"]}, "#/store/connection", "not connected yet"),
        ({"connection": store_id, "store_view": "fr"}, "#/store/store_view", "de, en"),
    ):
        answer = await house.ask("PUT", f"/api/v1/shops/{shop_id}", json={"store": tie})
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
        assert words in answer.json["detail"]


async def test_wrong_values_change_nothing(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    before = (await house.shop(shop_id)).settings
    wrong: tuple[dict[str, Any], ...] = (
        {"hold_minutes": -1},
        {"orders_since": "2026-01-01T00:00:00"},
        {"nonsense": 1},
        {"link_patterns": ["no place"]},
        {"cancellation_sync": {}},
        {"create_orders": None},
        {"order_number_prefix": "ä"},
    )
    for body in wrong:
        assert (await house.ask("PUT", f"/api/v1/shops/{shop_id}", json=body)).status == 422, body
    assert (await house.shop(shop_id)).settings == before
    assert (await house.ask("PUT", "/api/v1/shops/shp_x", json={})).status == 404


async def test_a_direction_needs_a_reason_valid_for_the_region(each_house: House) -> None:
    house = each_house
    shop_id, _ = await house.tied_shop()
    path = f"/api/v1/shops/{shop_id}/cancellation-sync"
    for direction in (
        {"enabled": True},
        {"enabled": True, "default_reason": "out_of_stock_uk"},
        {"enabled": True, "default_reason": "out_of_stock", "fallback_reasons": ["nonsense"]},
        {"default_reason": "nonsense"},
    ):
        answer = await house.ask("PUT", path, json={"store_to_channel": direction})
        assert (answer.status, answer.json["valid_reasons"]) == (422, ["out_of_stock", "price_error"])
        assert "out_of_stock, price_error" in answer.json["detail"]
    assert not (await house.shop(shop_id)).settings.cancellation_sync.store_to_channel.enabled
    listed = (await house.ask("GET", f"/api/v1/shops/{shop_id}/cancel-reasons")).json
    assert [reason["key"] for reason in listed["reasons"]] == ["out_of_stock", "price_error"]


async def test_a_direction_switched_on_counts_from_now(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    path = f"{shop_id}/cancellation-sync"
    house.clock.pass_time(hours=1)
    on = await put(house, path, ON)
    assert datetime.fromisoformat(on["store_to_channel"]["effective_from"]) == house.clock.at
    began = house.clock.at
    house.clock.pass_time(hours=1)
    # What was read may be sent back; other settings do not move the beginning.
    shown = {name: on[name] for name in ("store_to_channel", "channel_to_store")}
    again = await put(house, path, shown)
    again = await put(house, path, {"store_to_channel": {"partial": "ignore"}})
    assert datetime.fromisoformat(again["store_to_channel"]["effective_from"]) == began
    await put(house, path, {"store_to_channel": {"enabled": False}})
    house.clock.pass_time(hours=1)
    on = await put(house, path, {"store_to_channel": {"enabled": True}})
    assert datetime.fromisoformat(on["store_to_channel"]["effective_from"]) == house.clock.at
    assert on["store_to_channel"]["default_reason"] == "out_of_stock"


async def test_the_past_is_not_let_in_by_a_date(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    past = (house.clock.at - timedelta(days=1)).isoformat()
    future = (house.clock.at + timedelta(days=1)).isoformat()
    path = f"/api/v1/shops/{shop_id}/cancellation-sync"
    body = {"store_to_channel": {**ON["store_to_channel"], "effective_from": past}}
    answer = await house.ask("PUT", path, json=body)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/store_to_channel/effective_from")
    assert (await house.ask("PUT", path, json={"channel_to_store": {"effective_from": past}})).status == 422
    later = await put(house, f"{shop_id}/cancellation-sync", {"channel_to_store": {"effective_from": future}})
    assert datetime.fromisoformat(later["channel_to_store"]["effective_from"]) == datetime.fromisoformat(future)


async def test_dry_run_switched_off_counts_from_now(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    await put(house, f"{shop_id}/cancellation-sync", ON)
    house.clock.pass_time(hours=1)
    shop = await put(house, shop_id, {"dry_run": True})
    assert datetime.fromisoformat(shop["cancellation_sync"]["store_to_channel"]["effective_from"]) < house.clock.at
    house.clock.pass_time(hours=1)
    shop = await put(house, shop_id, {"dry_run": False})
    for direction in ("store_to_channel", "channel_to_store"):
        assert datetime.fromisoformat(shop["cancellation_sync"][direction]["effective_from"]) == house.clock.at


async def test_lines_are_cancelled_in_two_markets_only(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    path = f"{shop_id}/cancellation-sync"
    without = await house.ask("PUT", f"/api/v1/shops/{path}", json={"store_to_channel": {"partial": "cancel_lines"}})
    assert (without.status, without.json["errors"][0]["pointer"]) == (422, "#/store_to_channel/partial")
    assert "list out_of_stock as default_reason or in fallback_reasons" in without.json["detail"]
    listed = {"partial": "cancel_lines", "fallback_reasons": ["out_of_stock"]}
    await put(house, path, {"store_to_channel": listed})
    taken = await house.ask("PUT", f"/api/v1/shops/{path}", json={"store_to_channel": {"fallback_reasons": []}})
    assert (taken.status, taken.json["errors"][0]["pointer"]) == (422, "#/store_to_channel/partial")
    from bridge.ports import FoundShop

    house.tiktok.shops = (FoundShop("7009", "Elsewhere", "DE", "c"),)
    house.tiktok.facts = {"identity": "app1/7009"}
    other = (await house.connect_tiktok())["shops"][0]["id"]
    answer = await house.ask(
        "PUT", f"/api/v1/shops/{other}/cancellation-sync", json={"store_to_channel": {"partial": "cancel_lines"}}
    )
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/store_to_channel/partial")


async def test_a_store_that_speaks_one_way_has_no_cancellation_settings(sqlite_database: Database) -> None:
    one_way = {**PLATFORMS, "magento": replace(PLATFORMS["magento"], one_way=True)}
    async with opened(sqlite_database, platforms=one_way) as house:
        shop_id, _ = await house.tied_shop()
        for method in ("GET", "PUT"):
            answer = await house.ask(method, f"/api/v1/shops/{shop_id}/cancellation-sync", json={})
            assert (answer.status, answer.json["type"]) == (404, "/problems/no-cancellation-settings")
        assert (await house.ask("GET", f"/api/v1/shops/{shop_id}")).json["cancellation_sync"] is None


async def test_what_was_set_for_another_store_goes_when_the_shop_is_tied_to_one_that_speaks_one_way(
    sqlite_database: Database,
) -> None:
    platforms = dict(PLATFORMS)
    async with opened(sqlite_database, platforms=platforms) as house:
        shop_id, store_id = await house.tied_shop()
        sync = {
            **ON,
            "channel_to_store": {"enabled": False},
            "buyer_requests": {"enabled": True, "rules": [{"name": "all", "decision": "approve"}]},
        }
        await put(house, f"{shop_id}/cancellation-sync", sync)
        await put(house, shop_id, {"store": None})
        house.clock.pass_time(hours=1)
        platforms["magento"] = replace(PLATFORMS["magento"], one_way=True)
        await put(house, shop_id, {"store": {"connection": store_id}})
        now = (await house.shop(shop_id)).settings.cancellation_sync
        assert not now.store_to_channel.enabled
        assert not now.buyer_requests.rules
        assert now.channel_to_store.enabled
        assert now.channel_to_store.effective_from == house.clock.at
        changes = (await house.ask("GET", f"/api/v1/audit?what=shop {shop_id} settings")).json["changes"]
        assert changes[0]["before"]["cancellation_sync"]["buyer_requests"]["rules"]
        # Naming the tie again changes nothing.
        house.clock.pass_time(hours=1)
        await put(house, shop_id, {"store": {"connection": store_id}, "hold_minutes": 7})
        assert (await house.shop(shop_id)).settings.cancellation_sync == now


async def test_sku_mappings_are_replaced_as_a_whole(each_house: House) -> None:
    house = each_house
    shop_id, _ = await house.tied_shop()
    path = f"{shop_id}/sku-mappings"
    await put(house, path, {"mappings": {"A": "a", "A ": "b", "ü/~": "c"}})
    assert (await house.ask("GET", f"/api/v1/shops/{path}")).json == {"mappings": {"A": "a", "A ": "b", "ü/~": "c"}}
    assert await put(house, path, {"mappings": {"A": "z"}}) == {"mappings": {"A": "z"}}
    changes = (await house.ask("GET", f"/api/v1/audit?what=shop {shop_id} sku-mappings")).json["changes"]
    assert changes[0]["before"] == {"A": "a", "A ": "b", "ü/~": "c"}
    assert changes[0]["after"] == {"A": "z", "A ": None, "ü/~": None}
    wrong: tuple[Any, ...] = ({}, {"mappings": {"": "x"}}, {"mappings": {"x": ""}}, {"mappings": []})
    for bad in wrong:
        assert (await house.ask("PUT", f"/api/v1/shops/{path}", json=bad)).status == 422


async def test_every_change_of_settings_is_written_down_with_before_and_after(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    await put(house, shop_id, {"hold_minutes": 5})
    await put(house, shop_id, {"hold_minutes": 5})
    changes = (await house.ask("GET", f"/api/v1/audit?what=shop {shop_id} settings")).json["changes"]
    assert len(changes) == 2
    assert (changes[0]["before"], changes[0]["after"]) == ({"hold_minutes": 60}, {"hold_minutes": 5})
    assert changes[1]["before"]["store"] is None
