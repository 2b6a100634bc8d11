"""The four OAuth values and the bearer token: connecting, doctor, and what each thing that is wrong says."""

from __future__ import annotations

from typing import Any

from plugin_contract.registration import PATH, RegisterRequest, Wanted
from tests.integration.connect.parts import (
    MUGS,
    VALUES,
    JsonObject,
    ask,
    attention,
    codes,
    connect_store,
    connection,
    integration,
    magento_body,
    refund_all,
    text_of,
)
from tests.support.stage import Stage


async def doctor(play: Stage, connection_id: str) -> JsonObject:
    return dict(await play.api("POST", f"connections/{connection_id}/doctor"))


async def refused(play: Stage, body: JsonObject, status: int = 422) -> JsonObject:
    said = await ask(play, "POST", "/api/v1/connections", json=body)
    assert said.status == status, said.text
    assert said.headers["Content-Type"].startswith("application/problem+json")
    return dict(said.json)


async def connections(play: Stage) -> list[JsonObject]:
    return list((await play.api("GET", "connections"))["connections"])


# --- four values ------------------------------------------------------------------------------------------------------


async def test_four_values_connect_and_doctor_finds_the_same(bare: Stage) -> None:
    made = await connect_store(bare)
    assert (made["state"], made["facts"]["mode"]) == ("connected", "full")
    assert {"plugin", "permissions", "hooks", "msi_on"} <= codes(made)
    assert [hook["topic"] for hook in bare.magento_box.webhooks] == ["creditmemos/update", "orders/update"]
    again = await doctor(bare, made["id"])
    assert codes(again) >= codes(made)
    assert {one["level"] for one in again["findings"]} <= {"ok", "warning"}
    assert len(bare.magento_box.webhooks) == 2
    assert [view["code"] for view in made["facts"]["views"]] == ["default"]


async def test_a_registration_lost_in_the_store_is_mended_by_doctor(bare: Stage) -> None:
    made = await connect_store(bare)
    del bare.magento_box.webhooks[:]
    await doctor(bare, made["id"])
    assert [hook["topic"] for hook in bare.magento_box.webhooks] == ["creditmemos/update", "orders/update"]


async def test_a_wrong_secret_is_refused_and_leaves_nothing(bare: Stage) -> None:
    values = await integration(bare)
    for wrong in ("consumer_secret", "access_token_secret"):
        problem = await refused(bare, magento_body(bare, values | {wrong: "x" * 32}))
        assert problem["type"] == "/problems/credentials-refused"
        assert "secret" in problem["detail"]
        assert "x" * 32 not in str(problem)
    for wrong in ("consumer_key", "access_token"):
        problem = await refused(bare, magento_body(bare, values | {wrong: "x" * 32}))
        assert "connect it again" in problem["detail"]
    assert await connections(bare) == []
    assert bare.magento_box.webhooks == []


async def test_a_wrong_secret_on_connecting_again_leaves_the_working_connection(bare: Stage) -> None:
    values = await integration(bare)
    made = await connect_store(bare, values)
    await refused(bare, magento_body(bare, values | {"consumer_secret": "x" * 32}))
    assert (await connection(bare, made["id"]))["state"] == "connected"
    await doctor(bare, made["id"])


async def test_values_that_are_missing_are_named_with_the_place_where_they_are(bare: Stage) -> None:
    values = await integration(bare)
    for name in VALUES:
        body = magento_body(bare, values)
        del body["credentials"][name]
        problem = await refused(bare, body)
        assert name in problem["detail"]
        assert "System › Integrations" in problem["detail"]
    assert await bare.magento.calls(path="V1") == []


async def test_a_store_that_cannot_be_reached_is_502_and_leaves_nothing(bare: Stage) -> None:
    values = await integration(bare)
    problem = await refused(bare, magento_body(bare, values, url="http://127.0.0.1:9"), 502)
    assert problem["type"] == "/problems/remote-unavailable"
    await bare.magento.control("POST", "settings", {"maintenance": True})
    problem = await refused(bare, magento_body(bare, values), 502)
    assert "maintenance" in problem["detail"]
    assert await connections(bare) == []


async def test_a_revoked_token_waits_for_a_person_and_goes_on_when_connected_again(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    number = max(play.magento_box.integrations.all)
    await play.magento.control("PATCH", "integrations", {"integration": number, "revoke": True})
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "waiting: ")
    assert order["state"] == "waiting"
    found = await connection(play, play.store_id)
    assert found["state"] == "reauth"
    assert "revoked" in found["because"]
    assert [item["connection"] for item in await attention(play, "connection")] == [play.store_id]
    looked = await doctor(play, play.store_id)
    assert (looked["state"], looked["findings"][0]["code"]) == ("reauth", "not_authorized")
    assert "revoked" in looked["findings"][0]["text"]
    again = await connect_store(play)
    assert again["id"] == play.store_id
    await play.settled(order_id, "both books agree: all")
    assert len((await play.store_order(order_id))["credit_memos"]) == 1
    assert await attention(play, "connection") == []
    assert (await connection(play, play.store_id))["state"] == "connected"


async def test_each_missing_permission_is_named_with_what_it_is_for(bare: Stage) -> None:
    short = list(bare.magento_box.integrations.create("any", None).resources or [])
    assert short == []
    values = await integration(bare)
    granted = list(bare.magento_box.integrations.all[values["id"]].resources or [])
    lacking = {
        "Magento_Sales::creditmemo": "refund orders",
        "Magento_Sales::invoice": "invoice orders",
        "Magento_Catalog::products": "products",
    }
    narrow = await integration(bare, name="Narrow", resources=[one for one in granted if one not in lacking])
    made = await connect_store(bare, narrow)
    text = text_of(made, "permission_missing")
    for name, purpose in lacking.items():
        assert f"lacks {name}" in text
        assert purpose in text
    assert {one["level"] for one in made["findings"] if one["code"] == "permission_missing"} == {"error"}
    assert codes(await connection(bare, made["id"])) >= {"permission_missing"}
    await bare.magento.control("PATCH", "integrations", {"integration": narrow["id"], "resources": granted})
    assert "permission_missing" not in codes(await doctor(bare, made["id"]))


async def test_without_the_first_permission_the_refusal_names_it(bare: Stage) -> None:
    values = await integration(bare, resources=["Magento_Sales::actions_view"])
    problem = await refused(bare, magento_body(bare, values))
    assert "Magento_Backend::store" in problem["detail"]
    assert await connections(bare) == []


# --- bearer -----------------------------------------------------------------------------------------------------------


def bearer_body(play: Stage, **credentials: str) -> JsonObject:
    return {"kind": "magento", "url": play.magento.url, "credentials": credentials}


async def test_a_bearer_token_with_the_consumer_key_hears_the_store(bare: Stage) -> None:
    await bare.magento.control("POST", "settings", {"bearer_allowed": True})
    values = await integration(bare)
    body = bearer_body(bare, bearer_token=values["access_token"], consumer_key=values["consumer_key"])
    made = await bare.api("POST", "connections", body)
    assert made["facts"]["mode"] == "full"
    await bare.magento.control("POST", "products", [{"sku": "MUG", "price": 10, "qty": 5}])
    await bare.magento.control("POST", "storefront-order", {"items": [{"sku": "MUG", "qty": 1}], "invoice": True})
    sent = (await bare.magento.control("GET", "deliveries?wait=10"))["deliveries"]
    ours = [one for one in sent if one["topic"] == "orders/update"]
    assert ours
    assert {one["status"] for one in ours} == {200}


async def test_a_bearer_token_alone_is_sweep_only_and_says_so(bare: Stage) -> None:
    await bare.magento.control("POST", "settings", {"bearer_allowed": True})
    values = await integration(bare)
    made = await bare.api("POST", "connections", bearer_body(bare, bearer_token=values["access_token"]))
    assert made["facts"]["mode"] == "sweep-only"
    assert "consumer key" in text_of(made, "sweep_only")
    assert bare.magento_box.webhooks == []
    assert made["hook_urls"] == []


async def test_a_store_that_allows_no_bearer_tokens_says_what_to_give_instead(bare: Stage) -> None:
    values = await integration(bare)
    problem = await refused(bare, bearer_body(bare, bearer_token=values["access_token"]))
    assert "all four OAuth values" in problem["detail"]


async def test_an_admin_users_token_is_refused(bare: Stage) -> None:
    await bare.magento.control("POST", "settings", {"bearer_allowed": True})
    jwt = "eyJraWQiOiIxIn0.eyJ1aWQiOjF9.c2lnbmF0dXJl"
    problem = await refused(bare, bearer_body(bare, bearer_token=jwt))
    assert "admin user" in problem["detail"]
    assert jwt not in str(problem)
    token = (await bare.magento.control("POST", "admin-token", {}))["token"]
    made = await bare.api("POST", "connections", bearer_body(bare, bearer_token=token))
    assert "admin user" in text_of(made, "permissions_all")


async def test_a_sweep_only_connection_that_gets_all_four_values_hears_the_store(bare: Stage) -> None:
    await bare.magento.control("POST", "settings", {"bearer_allowed": True})
    values = await integration(bare)
    alone = await bare.api("POST", "connections", bearer_body(bare, bearer_token=values["access_token"]))
    made = await connect_store(bare, values)
    assert (made["id"], made["facts"]["mode"]) == (alone["id"], "full")
    assert "sweep_only" not in codes(made)
    assert len(bare.magento_box.webhooks) == 2


# --- registrations of others ------------------------------------------------------------------------------------------


async def register_as(play: Stage, values: JsonObject, topic: str, address: str) -> None:
    """Another program's registration, made with its own token."""
    await play.magento.control("POST", "settings", {"bearer_allowed": True})
    body = RegisterRequest.of(Wanted(topic=topic, app_key="another", address=address)).body()
    headers = {"Authorization": f"Bearer {values['access_token']}", "Content-Type": "application/json"}
    said = await ask(play, "POST", play.magento.url + PATH, token=False, data=body, headers=headers)
    assert said.status == 200, said.text


async def test_a_deleted_integrations_registration_that_silences_ours_is_named(bare: Stage) -> None:
    other = await integration(bare, name="Older")
    await register_as(bare, other, "creditmemos/update", "https://older.example/hook")
    await bare.magento.control("PATCH", "integrations", {"integration": other["id"], "delete": True})
    made = await connect_store(bare)
    text = text_of(made, "hooks_behind_another")
    assert f"integration {other['id']}" in text
    assert "https://older.example/hook" in text
    assert "delete this registration" in text
    assert "hooks_behind_another" in codes(await doctor(bare, made["id"]))
    listed = (await ask(bare, "GET", "/api/v1/connections")).json["connections"][0]
    assert "hooks_behind_another" in codes(listed)


async def test_another_program_behind_ours_is_told_as_well(bare: Stage) -> None:
    other = await integration(bare, name="Other")
    made = await connect_store(bare)
    await register_as(bare, other, "creditmemos/update", "https://other.example/hook")
    again = await doctor(bare, made["id"])
    assert "hooks_behind_another" not in codes(again)
    assert "https://other.example/hook" in text_of(again, "hooks_of_another")


async def test_a_silenced_store_is_healed_by_the_sweep(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    ours = list(play.magento_box.webhooks)
    del play.magento_box.webhooks[:]
    other = await integration(play, name="Older")
    await register_as(play, other, "creditmemos/update", "https://older.example/hook")
    play.magento_box.webhooks.extend(ours)
    await play.magento.control("PATCH", "integrations", {"integration": other["id"], "delete": True})
    again = await doctor(play, play.store_id)
    assert "hooks_behind_another" in codes(again)
    await refund_all(play, order_id)
    sent = (await play.magento.control("GET", "deliveries?wait=10"))["deliveries"]
    assert [one for one in sent if one["topic"] == "creditmemos/update" and one["status"] == 200] == []
    assert (await play.channel_order(order_id))["order"]["status"] == "AWAITING_SHIPMENT"
    await play.api("POST", "sweeps", {})
    await play.settled(order_id, "both books agree: all")


# --- the plugin -------------------------------------------------------------------------------------------------------


async def test_a_store_without_the_plugin_connects_sweep_only_and_says_what_to_install(bare: Stage) -> None:
    await bare.magento.control("POST", "settings", {"plugin": "none"})
    made = await connect_store(bare)
    assert made["facts"]["mode"] == "sweep-only"
    assert {"plugin_missing", "hooks_unavailable"} <= codes(made)
    assert "1.0.26" in text_of(made, "hooks_unavailable")
    await bare.magento.control("POST", "settings", {"plugin": "1.0.26"})
    again = await doctor(bare, made["id"])
    assert again["facts"]["mode"] == "full"
    assert not {"plugin_missing", "hooks_unavailable"} & codes(again)


async def test_an_override_says_what_is_really_installed_and_restock_is_allowed(play: Stage) -> None:
    await play.magento.control("POST", "settings", {"plugin": "1.0.19"})
    await doctor(play, play.store_id)
    sync = await play.api("GET", f"shops/{play.shop_id}/cancellation-sync")
    assert sync["restock_allowed"] is False
    assert "1.0.19" in sync["restock_because"]
    version = await play.api("PATCH", f"connections/{play.store_id}", {"plugin_version_override": "1.0.20"})
    assert version["plugin_version_override"] == "1.0.20"
    sync = await play.api("GET", f"shops/{play.shop_id}/cancellation-sync")
    assert sync["restock_allowed"] is True, sync
    changes = (await play.api("GET", f"audit?what=connection {play.store_id}"))["changes"]
    change = next(one for one in changes if one["after"] == {"plugin_override": "1.0.20"})
    assert change["before"] == {"plugin_override": None}
    assert change["who"].startswith("token ")
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{order_id}/cancel", {"role": "SYSTEM", "pending": False})
    order = await play.settled(order_id, "both books agree: all")
    assert "restocked: " in " ".join(entry["because"] for entry in order["changelog"])
    await play.api("PATCH", f"connections/{play.store_id}", {"plugin_version_override": None})
    sync = await play.api("GET", f"shops/{play.shop_id}/cancellation-sync")
    assert sync["restock_allowed"] is False


async def test_an_override_that_is_no_version_is_refused(bare: Stage) -> None:
    made = await connect_store(bare)
    for wrong in ("newest", "1.0.x", "<b>"):
        said = await ask(bare, "PATCH", f"/api/v1/connections/{made['id']}", json={"plugin_version_override": wrong})
        assert said.status == 422, (wrong, said.text)
    assert (await connection(bare, made["id"]))["plugin_version_override"] is None


async def test_what_the_plugin_allows_is_known_as_soon_as_a_shop_is_tied(play: Stage) -> None:
    sync = await play.api("GET", f"shops/{play.shop_id}/cancellation-sync")
    assert sync["restock_allowed"] is True
    assert "1.0.26" in sync["restock_because"]
    shop = await play.api("GET", f"shops/{play.shop_id}")
    assert shop["restock"] == {"allowed": True, "because": sync["restock_because"]}


async def test_the_version_check_reads_the_store_now(bare: Stage) -> None:
    made = await connect_store(bare)
    path = f"/plugin/version-check?connection={made['id']}"
    assert (await ask(bare, "GET", path, token=False)).status == 401
    for plugin, allowed, refunds in (("1.0.26", True, "yes"), ("1.0.19", False, "yes"), ("1.0.25", False, "unsafe")):
        await bare.magento.control("POST", "settings", {"plugin": plugin})
        said = await ask(bare, "GET", path)
        assert said.json["restock"]["allowed"] is allowed, said.text
        assert said.json["capabilities"]["refunds"] == refunds, said.text
        assert said.json["recommended"] == "1.0.26"
        anybody = await ask(bare, "GET", f"/plugin/version-check?version={said.json['reported']}", token=False)
        assert anybody.json == said.json
    await bare.magento.control("POST", "settings", {"plugin": "none"})
    assert (await ask(bare, "GET", path)).json["reported"] is None
    await bare.magento.control("POST", "settings", {"maintenance": True})
    said = await ask(bare, "GET", path)
    assert (said.status, said.json["type"]) == (502, "/problems/remote-unavailable")


# --- again, and away --------------------------------------------------------------------------------------------------


async def test_connecting_again_continues_the_same_connection(bare: Stage) -> None:
    values = await integration(bare)
    first = await connect_store(bare, values)
    spellings: list[dict[str, Any]] = [{}, {"url": f"{bare.magento.url}/"}, {"name": "Renamed"}]
    for more in spellings:
        again = await bare.api("POST", "connections", magento_body(bare, values, **more), expect=201)
        assert again["id"] == first["id"]
    assert [one["name"] for one in await connections(bare)] == ["Renamed"]
    assert len(bare.magento_box.webhooks) == 2


async def test_a_connection_with_orders_is_not_deleted(play: Stage) -> None:
    order_id = await play.place(MUGS)
    await play.imported(order_id)
    for number in (play.store_id, play.tiktok_id):
        said = await ask(play, "DELETE", f"/api/v1/connections/{number}")
        assert (said.status, said.json["type"]) == (409, "/problems/in-use"), said.text
    await play.api("PUT", f"shops/{play.shop_id}", {"store": None})
    for number in (play.store_id, play.tiktok_id):
        said = await ask(play, "DELETE", f"/api/v1/connections/{number}")
        assert (said.status, said.json["type"]) == (409, "/problems/in-use"), said.text
        assert "orders live" in said.json["detail"]


async def test_a_connection_without_orders_is_deleted_and_its_messages_are_refused(bare: Stage) -> None:
    made = await connect_store(bare)
    said = await ask(bare, "DELETE", f"/api/v1/connections/{made['id']}")
    assert said.status == 204
    assert await connections(bare) == []
    headers = {"X-Webhook-Topic": "orders/update", "X-App-Key": made["id"], "X-Magento-Hmac-Sha256": "x"}
    said = await ask(bare, "POST", f"/hooks/magento/{made['id']}", token=False, data=b'{"id":"1"}', headers=headers)
    assert said.status == 404
