"""Authorizing a TikTok Shop through the seller's browser: out, back, refused, forged, repeated, again."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.integration.connect.parts import (
    MUGS,
    JsonObject,
    Said,
    ask,
    attention,
    codes,
    connect_store,
    connect_tiktok,
    connection,
    grant,
    idle,
    tiktok_body,
)
from tests.support.stage import Stage

EVENTS = {"order-status-change", "cancellation-status-change"}


async def announce(play: Stage) -> JsonObject:
    """A TikTok Shop app without tokens: the seller is to authorize it."""
    await play.tiktok.control("PATCH", "app", {"redirect_url": f"{play.url}/oauth/tiktok/callback"})
    app = play.tiktok_box.app
    body = {
        "kind": "tiktok",
        "url": play.tiktok.url,
        "auth_url": play.tiktok.url,
        "credentials": {
            "app_key": app.key,
            "app_secret": app.secret,
            "service_id": app.service_id,
            "authorize_url": play.tiktok.url,
        },
    }
    return dict(await play.api("POST", "connections", body, expect=201))


async def start(play: Stage, link: str) -> str:
    """Where the browser is sent to: TikTok's own page."""
    said = await ask(play, "GET", link, token=False)
    assert said.status == 302, said.text
    return said.headers["Location"]


async def consent(play: Stage, address: str) -> str:
    """TikTok's page sends the seller back; the address of our callback."""
    said = await ask(play, "GET", address, token=False)
    assert said.status == 302, said.text
    return said.headers["Location"]


async def authorize(play: Stage, link: str) -> Said:
    return await ask(play, "GET", await consent(play, await start(play, link)), token=False)


async def authorize_again(play: Stage, connection_id: str) -> Said:
    """By the API's token, as the pages do it."""
    said = await ask(play, "GET", f"/oauth/tiktok/start?connection={connection_id}")
    assert said.status == 302, said.text
    return await ask(play, "GET", await consent(play, said.headers["Location"]), token=False)


def no_secret_in(play: Stage, text: str) -> None:
    app = play.tiktok_box.app
    for grant_ in play.tiktok_box.tokens.grants():
        assert grant_.access_token not in text
        assert grant_.refresh_token not in text
    assert app.secret not in text


async def test_the_seller_agrees_and_the_shops_are_connected(bare: Stage) -> None:
    made = await announce(bare)
    assert made["state"] == "announced"
    target = await start(bare, made["authorize_url"])
    assert target.startswith(f"{bare.tiktok.url}/open/authorize?")
    no_secret_in(bare, target)
    page = await ask(bare, "GET", await consent(bare, target), token=False)
    assert (page.status, "<h1>Connected</h1>" in page.text) == (200, True)
    no_secret_in(bare, page.text)
    found = await connection(bare, made["id"])
    assert found["state"] == "connected"
    # The stage's address is no public one, so the connection says that TikTok will not deliver to it.
    assert (found["facts"]["mode"], "public_url" in codes(found)) == ("sweep-only", True)
    assert {shop["region"] for shop in found["shops"]} == {"US", "GB", "DE", "MX"}
    assert found["token_expires_at"] is not None
    subscribed = bare.tiktok_box.webhooks.values()
    for event in EVENTS:
        address = f"{bare.url}/hooks/tiktok/{bare.tiktok_box.app.key}/{event}"
        assert sum(1 for one in subscribed if one["address"] == address) == 4
    by_event = {(one["event_type"], one["address"]) for one in subscribed}
    assert len({event for event, _ in by_event}) == len({address for _, address in by_event})


async def test_an_order_of_a_shop_so_connected_is_settled(bare: Stage) -> None:
    bare.store_id = (await connect_store(bare))["id"]
    made = await announce(bare)
    await authorize(bare, made["authorize_url"])
    shops = (await connection(bare, made["id"]))["shops"]
    shop = next(one for one in shops if one["region"] == "US")
    bare.channel_shop_id = shop["channel_shop_id"]
    await bare.product("MUG")
    await bare.api("PUT", f"shops/{shop['id']}", {"store": {"connection": bare.store_id}, "hold_minutes": 0})
    await bare.imported(await bare.place(MUGS))


async def test_a_seller_who_refuses_changes_nothing_and_may_begin_again(bare: Stage) -> None:
    made = await announce(bare)
    await bare.tiktok.control("PATCH", "settings", {"consent": "deny"})
    page = await authorize(bare, made["authorize_url"])
    assert (page.status, "did not agree" in page.text) == (200, True)
    assert (await connection(bare, made["id"]))["state"] == "announced"
    assert await bare.tiktok.calls(path="token/get") == []
    await bare.tiktok.control("PATCH", "settings", {"consent": "allow"})
    assert "<h1>Connected</h1>" in (await authorize_again(bare, made["id"])).text


async def test_a_link_and_a_state_are_good_once(bare: Stage) -> None:
    made = await announce(bare)
    back = await consent(bare, await start(bare, made["authorize_url"]))
    said = await ask(bare, "GET", made["authorize_url"], token=False)
    assert (said.status, said.json["type"]) == (403, "/problems/link-used")
    assert (await ask(bare, "GET", back, token=False)).status == 200
    assert (await ask(bare, "GET", back, token=False)).status == 403
    assert len(await bare.tiktok.calls(path="token/get")) == 1


async def test_a_forged_or_wrong_state_is_refused_without_a_call(bare: Stage) -> None:
    made = await announce(bare)
    back = await consent(bare, await start(bare, made["authorize_url"]))
    code = parse_qs(urlsplit(back).query)["code"][0]
    for state in ("forged", f"{made['id']}.forged", "x.y", "%00", "a" * 5000):
        said = await ask(bare, "GET", f"/oauth/tiktok/callback?code={code}&state={state}", token=False)
        assert said.status in {400, 403}, said.text
        assert state not in said.text
    assert await bare.tiktok.calls(path="token/get") == []
    assert (await connection(bare, made["id"]))["state"] == "announced"


async def test_an_install_from_the_app_store_is_told_where_to_begin(bare: Stage) -> None:
    await announce(bare)
    said = await ask(bare, "GET", "/oauth/tiktok/callback?code=ROW_x", token=False)
    assert said.status == 400
    assert "app store" in said.text
    assert "Nothing was connected" in said.text
    assert await bare.tiktok.calls(path="token/get") == []


async def test_a_code_that_tiktok_refuses_is_shown_and_nothing_is_stored(bare: Stage) -> None:
    made = await announce(bare)
    back = await consent(bare, await start(bare, made["authorize_url"]))
    state = parse_qs(urlsplit(back).query)["state"][0]
    said = await ask(bare, "GET", f"/oauth/tiktok/callback?code=ROW_used&state={state}", token=False)
    assert (said.status, "Not connected" in said.text) == (502, True)
    assert (await connection(bare, made["id"]))["state"] == "announced"
    assert "<h1>Connected</h1>" in (await authorize_again(bare, made["id"])).text


async def test_a_token_server_that_is_down_is_shown_and_authorizing_again_works(bare: Stage) -> None:
    made = await announce(bare)
    await bare.tiktok.fault(kind="cut", path="token/get")
    page = await authorize(bare, made["authorize_url"])
    assert page.status == 502
    no_secret_in(bare, page.text)
    assert "<h1>Connected</h1>" in (await authorize_again(bare, made["id"])).text


async def test_authorizing_again_continues_the_connection_with_its_shops_and_settings(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    settings = await play.api("GET", f"shops/{play.shop_id}")
    made = await announce(play)
    page = await authorize(play, made["authorize_url"])
    assert "<h1>Connected</h1>" in page.text
    listed = [one["id"] for one in (await play.api("GET", "connections"))["connections"] if one["kind"] == "tiktok"]
    assert listed == [play.tiktok_id]
    assert await play.api("GET", f"shops/{play.shop_id}") == settings
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(order_id, "both books agree: all")


async def test_a_seller_who_leaves_is_told_of_and_comes_back(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/revoke")

    async def gone() -> bool:
        return bool((await connection(play, play.tiktok_id))["state"] == "reauth")

    await play.until(gone, "the seller's leaving is told of")
    assert [one["connection"] for one in await attention(play, "connection")] == [play.tiktok_id]
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "waiting: ")
    assert order["state"] == "waiting"
    for _ in range(2):
        before = await play.tiktok.last_call()
        await play.api("POST", f"orders/{order['id']}/settle", {})
        await play.tiktok.calls(path="orders", after=before, wait=10)
        await idle(play)
    order = await play.order(order_id) or {}
    assert [entry["event"] for entry in order["changelog"]].count("waiting") == 1
    again = await connect_tiktok(play)
    assert again["id"] == play.tiktok_id
    await play.settled(order_id, "both books agree: all")
    assert (await connection(play, play.tiktok_id))["state"] == "connected"
    assert await attention(play, "connection") == []


async def test_a_dismissed_connection_stays_dismissed_while_the_trouble_is_the_same(play: Stage) -> None:
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    await play.tiktok.control("POST", "tokens/revoke")
    await play.tiktok.control("GET", "webhooks/drained?wait=10")
    await play.until(lambda: attention(play, "connection"), "the seller's leaving is told of")
    await idle(play)
    await play.api("POST", f"orders/{order['id']}/settle", {})
    await play.settled(order_id, "101000")
    await idle(play)
    item = (await attention(play, "connection"))[0]
    await play.api("POST", f"attention/{item['id']}/dismiss", {"note": "known"})
    for _ in range(2):
        before = await play.tiktok.last_call()
        await play.api("POST", f"orders/{order['id']}/settle", {})
        await play.tiktok.calls(path="orders", after=before, wait=10)
        await idle(play)
    assert await attention(play, "connection") == []


# --- several shops, several sellers -----------------------------------------------------------------------------------


async def test_two_sellers_under_one_app_are_two_connections_and_each_order_finds_its_own(bare: Stage) -> None:
    bare.store_id = (await connect_store(bare))["id"]
    await bare.product("MUG")
    second = {"id": "7495000000000000099", "name": "Second US", "region": "US", "cipher": "ROW_second"}
    await bare.tiktok.control("POST", "shops", second)
    first_shop = next(shop for shop in bare.tiktok_box.shops.values() if shop.region == "US")
    ids = []
    for shop_id in (first_shop.id, second["id"]):
        made = await connect_tiktok(bare, await grant(bare, shop_id))
        ids.append(made["id"])
        assert [shop["channel_shop_id"] for shop in made["shops"]] == [shop_id]
        body = {"store": {"connection": bare.store_id}, "hold_minutes": 0}
        await bare.api("PUT", f"shops/{made['shops'][0]['id']}", body)
    assert ids[0] != ids[1]
    placed = []
    for shop_id in (first_shop.id, second["id"]):
        bare.channel_shop_id = shop_id
        placed.append(await bare.place(MUGS))
    orders = [await bare.imported(order_id) for order_id in placed]
    assert orders[0]["shop"] != orders[1]["shop"]
    for order_id in placed:
        await bare.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
        await bare.settled(order_id, "both books agree: all")
    # Both shops are tied to the store, so an order there might be either's; only the one that shows the sale has it.
    stranger = {"items": [{"sku": "MUG", "qty": 1}], "invoice": True, "ext_order_id": "577999999999999999"}
    before = await bare.tiktok.last_call()
    await bare.magento.control("POST", "storefront-order", stranger)
    await bare.tiktok.calls(path="order/202309/orders", after=before, wait=10)
    await idle(bare)
    known = (await bare.api("GET", "orders"))["orders"]
    assert sorted(one["channel_order_id"] for one in known) == sorted(placed)


async def test_another_sellers_grant_does_not_replace_a_connected_one(play: Stage) -> None:
    second = {"id": "7495000000000000099", "name": "Second US", "region": "US", "cipher": "ROW_second"}
    await play.tiktok.control("POST", "shops", second)
    await play.tiktok.control("PATCH", "settings", {"consent_shops": [second["id"]]})
    made = await announce(play)
    assert "<h1>Connected</h1>" in (await authorize(play, made["authorize_url"])).text
    listed = [one for one in (await play.api("GET", "connections"))["connections"] if one["kind"] == "tiktok"]
    assert {one["id"] for one in listed} == {play.tiktok_id, made["id"]}
    await play.imported(await play.place(MUGS))


async def test_a_wrong_app_secret_is_refused(bare: Stage) -> None:
    body = tiktok_body(bare, await grant(bare))
    body["credentials"]["app_secret"] = "wrong" * 8
    said = await ask(bare, "POST", "/api/v1/connections", json=body)
    assert (said.status, said.json["type"]) == (422, "/problems/credentials-refused"), said.text
    no_secret_in(bare, said.text)
    assert "wrongwrong" not in said.text
    assert (await bare.api("GET", "connections"))["connections"] == []


async def test_a_missing_scope_is_named(bare: Stage) -> None:
    tokens = await grant(bare)
    await bare.tiktok.control("POST", "tokens/scopes", {"scopes": ["seller.order.info"]})
    said = await ask(bare, "POST", "/api/v1/connections", json=tiktok_body(bare, tokens))
    assert said.status == 422, said.text
    assert "scope" in said.json["detail"] or "permission" in said.json["detail"]
