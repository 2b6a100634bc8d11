"""What people do by hand: change a key, link again."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet

from tests.integration.sync.test_settle import MUGS
from tests.support.stage import SECRET_KEY, Stage


async def test_a_secret_key_is_changed_in_two_starts_and_the_old_one_can_go(dark: Stage) -> None:
    fresh = Fernet.generate_key().decode()
    async with dark.inside():
        await dark.connect()
        await dark.product("MUG")
    async with dark.inside(secret_key=f"{fresh},{SECRET_KEY}"):
        assert (await dark.api("GET", f"shops/{dark.shop_id}"))["id"] == dark.shop_id
    async with dark.inside(secret_key=fresh):
        await dark.api("POST", f"connections/{dark.store_id}/doctor")
        await dark.imported(await dark.place(MUGS))


async def test_an_order_whose_store_order_still_stands_is_not_linked_to_another(play: Stage) -> None:
    order_id = await play.place(MUGS)
    order = await play.imported(order_id)
    made = await play.store_order(order_id)
    refused = await play.api("POST", f"orders/{order['id']}/link", {"store_order": made["increment_id"]}, expect=409)
    assert "still stands" in refused["detail"]


async def test_readiness_tells_what_is_wrong(play: Stage) -> None:
    async with play.session.get(f"{play.url}/readyz") as answer:
        body: dict[str, Any] = await answer.json()
        assert (answer.status, body["status"]) == (200, "ok")


async def test_an_address_that_may_no_longer_be_called_is_told_and_the_others_are_swept(dark: Stage) -> None:
    async with dark.inside():
        await dark.connect()
    async with dark.inside(allow_private_urls=False):
        job = (await dark.api("POST", "sweeps", {}))["job"]

        async def ended() -> Any:
            found = await dark.api("GET", f"jobs/{job}")
            return found if found["state"] in {"done", "failed"} else None

        found = await dark.until(ended, "the sweep ends")
        assert found["state"] == "done", found["because"]
        assert "BRIDGE_ALLOW_PRIVATE_URLS" in found["result"]["not_swept"][dark.store_id]
        assert dark.shop_id in found["result"]["marked"]
        items = (await dark.api("GET", "attention"))["items"]
        assert [item["connection"] for item in items if item["kind"] == "connection"] == [dark.store_id]
    async with dark.inside():
        await dark.product("MUG")
        await dark.imported(await dark.place(MUGS))
        items = (await dark.api("GET", "attention"))["items"]
        assert [item for item in items if item["kind"] == "connection"] == []
