from __future__ import annotations

import asyncio

import pytest

from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Finding
from bridge.storage import orders
from bridge.storage.engine import Database
from tests.integration.web.house import MAGENTO, TIKTOK, House, opened


async def test_connecting_answers_with_hooks_shops_and_findings(each_house: House) -> None:
    house = each_house
    store = await house.connect_magento()
    assert store["hook_urls"] == [f"https://bridge.test/hooks/magento/{store['id']}"]
    assert (store["kind"], store["name"], store["state"]) == ("magento", "Store", "connected")
    assert store["findings"] == [{"level": "ok", "code": "proven", "text": "The credentials work."}]
    channel = await house.connect_tiktok()
    [shop] = channel["shops"]
    assert (shop["name"], shop["region"], shop["channel_shop_id"]) == ("Test shop", "US", "7000")
    assert channel["name"] == "Test shop"
    # The remote was given the id the connection has.
    assert house.magento.asked[0][0] == store["id"]


async def test_credentials_never_come_out(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    store = await house.connect_magento()
    await house.connect_tiktok()
    shown = [
        (await house.ask("GET", "/api/v1/connections")).text,
        (await house.ask("GET", f"/api/v1/connections/{store['id']}")).text,
        (await house.ask("POST", f"/api/v1/connections/{store['id']}/doctor")).text,
        (await house.ask("GET", "/api/v1/audit")).text,
        (await house.ask("POST", "/api/v1/connections", json={"kind": "magento", "credentials": MAGENTO})).text,
        (await house.ask("POST", "/api/v1/connections", json={"kind": 1, "credentials": MAGENTO, "x": "at-1"})).text,
        capsys.readouterr().out,
        capsys.readouterr().err,
    ]
    for secret in (*list(MAGENTO.values())[1:], "secret1"):
        assert not [text for text in shown if f'"{secret}"' in text or f"'{secret}'" in text]


async def test_connecting_again_continues_the_old_connection(house: House) -> None:
    first = await house.connect_magento()
    again = await house.connect_magento(name="Renamed", url="https://SHOP.test/")
    assert (again["id"], again["name"]) == (first["id"], "Renamed")
    assert len((await house.ask("GET", "/api/v1/connections")).json["connections"]) == 1


async def test_the_same_shop_by_new_tokens_is_the_same_connection(house: House) -> None:
    first = await house.connect_tiktok()
    again = await house.connect_tiktok(credentials={**TIKTOK, "access_token": "t2", "refresh_token": "r2"})
    assert again["id"] == first["id"]
    assert [shop["id"] for shop in again["shops"]] == [shop["id"] for shop in first["shops"]]
    assert (await house.store(first["id"])).credentials["access_token"] == "t2"


@pytest.mark.parametrize(
    ("problem", "status", "slug"),
    [
        (Reauth("the token is wrong"), 422, "credentials-refused"),
        (Rejected("this is no Magento"), 422, "remote-refused"),
        (Retry("the host does not answer"), 502, "remote-unavailable"),
    ],
)
async def test_a_failed_connect_leaves_nothing(
    each_house: House, problem: Reauth | Rejected | Retry, status: int, slug: str
) -> None:
    house = each_house
    house.magento.problem = house.tiktok.problem = RemoteProblem(problem)
    for body in (
        {"kind": "magento", "url": "https://shop.test", "credentials": MAGENTO},
        {"kind": "tiktok", "credentials": TIKTOK},
    ):
        answer = await house.ask("POST", "/api/v1/connections", json=body)
        assert (answer.status, answer.json["type"]) == (status, f"/problems/{slug}")
        assert problem.because in answer.json["findings"][0]["text"]
    assert (await house.ask("GET", "/api/v1/connections")).json["connections"] == []


async def test_a_failed_connect_leaves_an_old_connection_as_it_was(house: House) -> None:
    store = await house.connect_magento()
    house.magento.problem = RemoteProblem(Reauth("the token is wrong"))
    body = {"kind": "magento", "url": "https://shop.test", "credentials": {**MAGENTO, "access_token": "bad"}}
    assert (await house.ask("POST", "/api/v1/connections", json=body)).status == 422
    stored = await house.store(store["id"])
    assert (stored.state, stored.credentials["access_token"]) == ("connected", "at-1")


async def test_a_failed_connect_leaves_an_announced_store_announced(house: House) -> None:
    made = await house.ask("POST", "/api/v1/connections", json={"kind": "magento", "url": "https://shop.test"})
    house.magento.problem = RemoteProblem(Reauth("the token is wrong"))
    body = {"kind": "magento", "url": "https://shop.test", "credentials": MAGENTO}
    assert (await house.ask("POST", "/api/v1/connections", json=body)).status == 422
    stored = await house.store(made.json["id"])
    assert (stored.state, stored.credentials) == ("announced", {})


async def test_tokens_exchanged_on_the_way_are_stored_even_when_it_fails(house: House) -> None:
    house.tiktok.shops = ()
    house.tiktok.turned = {"access_token": "rotated"}
    house.tiktok.findings = (Finding("error", "not_connected", "the shop list does not open"),)
    made = await house.connect_tiktok()
    stored = await house.store(made["id"])
    assert (stored.state, stored.because) == ("failed", "the shop list does not open")
    assert stored.credentials["access_token"] == "rotated"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "woo"}, "#/kind"),
        ({"kind": "magento", "url": "http://shop.test", "credentials": MAGENTO}, "#/url"),
        ({"kind": "magento", "url": "https://shop.test", "credentials": {}}, "#/credentials"),
        ({"kind": "magento", "url": "https://shop.test", "credential": MAGENTO}, "#/credential"),
        ({}, "#/kind"),
        ({"kind": "magento", "name": "x" * 192}, "#/name"),
    ],
)
async def test_what_is_wrong_is_named(house: House, body: dict[str, object], pointer: str) -> None:
    answer = await house.ask("POST", "/api/v1/connections", json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/invalid")
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    assert house.magento.asked == []


async def test_without_a_public_url_the_callers_own_way_is_taken_and_said(sqlite_database: Database) -> None:
    async with opened(sqlite_database, public_url=None) as house:
        store = await house.connect_magento()
        assert store["hook_urls"] == [f"{house.url}/hooks/magento/{store['id']}"]
        assert "no_public_url" in [finding["code"] for finding in store["findings"]]


async def test_patch_renames_and_states_the_plugin_version(house: House) -> None:
    store = await house.connect_magento()
    path = f"/api/v1/connections/{store['id']}"
    await house.ask("GET", f"/plugin/version-check?connection={store['id']}")
    assert "capabilities" in (await house.store(store["id"])).facts
    changed = await house.ask("PATCH", path, json={"name": "Main", "plugin_version_override": "1.0.20"})
    assert (changed.json["name"], changed.json["plugin_version_override"]) == ("Main", "1.0.20")
    # Judged anew with the next look.
    assert "capabilities" not in (await house.store(store["id"])).facts
    assert (await house.ask("PATCH", path, json={})).json["name"] == "Main"
    assert (await house.ask("PATCH", path, json={"plugin_version_override": "newest"})).status == 422
    cleared = await house.ask("PATCH", path, json={"plugin_version_override": None})
    assert cleared.json["plugin_version_override"] is None
    changes = (await house.ask("GET", f"/api/v1/audit?what=connection {store['id']}")).json["changes"]
    assert [change["after"] for change in changes] == [
        {"plugin_override": None},
        {"name": "Main", "plugin_override": "1.0.20"},
    ]
    assert changes[1]["before"] == {"name": "Store", "plugin_override": None}
    assert changes[1]["who"].startswith("token ")


async def test_doctor_has_the_plugin_judged_anew(house: House) -> None:
    store = await house.connect_magento()
    await house.ask("GET", f"/plugin/version-check?connection={store['id']}")
    await house.ask("POST", f"/api/v1/connections/{store['id']}/doctor")
    assert "capabilities" not in (await house.store(store["id"])).facts


async def test_delete_answers_409_while_something_lives_on_it(each_house: House) -> None:
    house = each_house
    shop_id, store_id = await house.tied_shop()
    refused = await house.ask("DELETE", f"/api/v1/connections/{store_id}")
    assert (refused.status, refused.json["type"]) == (409, "/problems/in-use")
    assert (await house.ask("PUT", f"/api/v1/shops/{shop_id}", json={"store": None})).status == 200
    await house.db.write(lambda conn: orders.ensure(conn, shop_id, "576"))
    channel = (await house.ask("GET", f"/api/v1/shops/{shop_id}")).json["connection"]
    assert (await house.ask("DELETE", f"/api/v1/connections/{channel}")).status == 409
    assert (await house.ask("DELETE", f"/api/v1/connections/{store_id}")).status == 204
    assert (await house.ask("GET", f"/api/v1/connections/{store_id}")).status == 404
    assert (await house.magento_says(store_id, {"id": "7"})).status == 404


async def test_doctor_connects_again_and_tells(house: House) -> None:
    store = await house.connect_magento()
    house.magento.findings = (Finding("warning", "hooks_missing", "Run it again."),)
    answer = await house.ask("POST", f"/api/v1/connections/{store['id']}/doctor")
    # What is wrong comes first; what the connector found is among it.
    found = [(finding["level"], finding["code"]) for finding in answer.json["findings"]]
    assert found[0] == ("warning", "hooks_missing")
    assert [level for level, _ in found] == sorted((level for level, _ in found), reverse=True)
    assert (await house.ask("GET", f"/api/v1/connections/{store['id']}")).json["findings"] == answer.json["findings"]
    house.magento.problem = RemoteProblem(Reauth("the integration was switched off"))
    failed = await house.ask("POST", f"/api/v1/connections/{store['id']}/doctor")
    assert failed.status == 200
    assert (failed.json["state"], failed.json["findings"][0]["code"]) == ("reauth", "not_authorized")
    shown = (await house.ask("GET", f"/api/v1/connections/{store['id']}")).json
    assert (shown["state"], shown["because"]) == ("reauth", "the integration was switched off")
    house.magento.problem = None
    assert (await house.ask("POST", f"/api/v1/connections/{store['id']}/doctor")).json["state"] == "connected"
    assert house.actions.mended[-1] == store["id"]


async def test_doctor_and_a_token_refresh_wait_for_each_other(house: House) -> None:
    channel = await house.connect_tiktok()
    book, connection_id = house.connections, channel["id"]
    assert await house.db.write(lambda conn: book.try_lease_token(conn, connection_id, "keeper", 60))
    running = asyncio.create_task(house.ask("POST", f"/api/v1/connections/{connection_id}/doctor"))
    await asyncio.sleep(0.1)
    assert len(house.tiktok.asked) == 1
    fresh = {**TIKTOK, "access_token": "renewed", "refresh_token": "renewed"}
    await house.db.write(lambda conn: book.store_tokens(conn, connection_id, fresh, None))
    await house.db.write(lambda conn: book.release_token_lease(conn, connection_id, "keeper"))
    assert (await running).status == 200
    assert house.tiktok.asked[1][2]["access_token"] == "renewed"
    assert (await house.store(connection_id)).credentials["access_token"] == "renewed"
    # The lease was given back.
    assert await house.db.write(lambda conn: book.try_lease_token(conn, connection_id, "keeper", 60))


async def test_two_connects_at_once_make_one_connection(house: House) -> None:
    made = await asyncio.gather(*(house.connect_magento() for _ in range(3)))
    assert len({one["id"] for one in made}) == 1


async def test_version_check_of_a_version_needs_no_token(house: House) -> None:
    answer = await house.ask("GET", "/plugin/version-check?version=1.0.19", token=False)
    assert (answer.json["may_be"], answer.json["restock"]["allowed"]) == (["1.0.19", "1.0.20"], False)
    for query in ("", "?version=1&connection=x", "?other=1"):
        assert (await house.ask("GET", f"/plugin/version-check{query}", token=False)).status == 422


async def test_version_check_of_a_connection_reads_the_store(house: House) -> None:
    store = await house.connect_magento()
    path = f"/plugin/version-check?connection={store['id']}"
    assert (await house.ask("GET", path, token=False)).status == 401
    house.gateways.reported = "1.0.19"
    await house.ask("PATCH", f"/api/v1/connections/{store['id']}", json={"plugin_version_override": "1.0.20"})
    answer = await house.ask("GET", path)
    assert (answer.json["reported"], answer.json["restock"]["allowed"]) == ("1.0.19", True)
    facts = (await house.store(store["id"])).facts
    assert facts["capabilities"]["reported"] == "1.0.19"
    house.gateways.problem = RemoteProblem(Retry("no answer"))
    assert (await house.ask("GET", path)).status == 502
    assert (await house.ask("GET", "/plugin/version-check?connection=con_x")).status == 404


async def test_the_kept_capabilities_are_read_by_the_core(house: House) -> None:
    from bridge.sync.capabilities import from_json

    store = await house.connect_magento()
    await house.ask("GET", f"/plugin/version-check?connection={store['id']}")
    read = from_json((await house.store(store["id"])).facts["capabilities"])
    assert (read.reported, read.read_at) == ("1.0.26", house.clock.at)
