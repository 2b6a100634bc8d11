"""Another connector still registered in the plugin: named where it matters, asked about once, and let go when gone."""

from __future__ import annotations

import pytest

from tests.integration.connect.parts import JsonObject, ask, attention, connection, integration
from tests.integration.connect.test_connect_magento import register_as
from tests.support.stage import REASON, Stage

HOST = "feed.rival.example"
OFF = {"store_to_channel": {"enabled": False}, "channel_to_store": {"enabled": False}}


async def rival(play: Stage, *topics: str) -> JsonObject:
    other = await integration(play, name="Rival feed")
    for topic in topics or ("orders/update", "creditmemos/update"):
        await register_as(play, other, topic, f"https://{HOST}/hooks?store=1")
    await play.api("POST", f"connections/{play.store_id}/doctor", {})
    return other


def named(answer: JsonObject) -> list[str]:
    return [one["text"] for one in answer["findings"] if one["code"] == "other_connector"]


async def test_it_is_named_when_something_is_switched_on_and_a_person_is_asked(play: Stage) -> None:
    shop, sync = f"shops/{play.shop_id}", f"shops/{play.shop_id}/cancellation-sync"
    await play.api("PUT", shop, {"create_orders": False})
    await play.api("PUT", sync, OFF)
    other = await rival(play)
    assert named(await play.api("GET", shop)) == []
    assert await attention(play, "other_connector") == []
    answer = await play.api("PUT", sync, {"store_to_channel": {"enabled": True, "default_reason": REASON}})
    (text,) = named(answer)
    assert f"{HOST} (integration {other['id']}) for creditmemos/update and orders/update" in text
    assert "refund → TikTok Shop cancellation" in text
    assert "run doctor" in text
    (item,) = await attention(play, "other_connector")
    assert (item["connection"], item["facts"]["hosts"]) == (play.store_id, [HOST])
    assert HOST in item["because"]
    # Dismissed, it stays away until something else is on as well.
    await play.api("POST", f"attention/{item['id']}/dismiss", {"note": "it only sends parcels"})
    await play.api("POST", f"connections/{play.store_id}/doctor", {})
    await play.api("PUT", sync, {"store_to_channel": {"max_cancels_per_hour": 7}})
    assert await attention(play, "other_connector") == []
    answer = await play.api("PUT", shop, {"create_orders": True})
    assert "creating orders" in named(answer)[0]
    assert len(await attention(play, "other_connector")) == 1
    # What was read may be sent back whole.
    assert (await ask(play, "PUT", f"/api/v1/{shop}", json=answer)).status == 200


@pytest.mark.both_databases
async def test_it_is_let_go_when_the_registration_is_gone_or_nothing_is_on(play: Stage) -> None:
    shop, sync = f"shops/{play.shop_id}", f"shops/{play.shop_id}/cancellation-sync"
    await rival(play)
    assert len(await attention(play, "other_connector")) == 1
    await play.api("PUT", shop, {"dry_run": True})
    assert await attention(play, "other_connector") == []
    await play.api("PUT", shop, {"dry_run": False})
    assert len(await attention(play, "other_connector")) == 1
    await play.api("PUT", shop, {"create_orders": False})
    await play.api("PUT", sync, OFF)
    assert await attention(play, "other_connector") == []
    await play.api("PUT", sync, {"channel_to_store": {"enabled": True}})
    assert len(await attention(play, "other_connector")) == 1
    play.magento_box.webhooks[:] = [hook for hook in play.magento_box.webhooks if HOST not in hook["address"]]
    await play.api("POST", f"connections/{play.store_id}/doctor", {})
    assert await attention(play, "other_connector") == []
    assert named(await play.api("GET", shop)) == []


async def test_who_hears_of_products_alone_is_no_connector(play: Stage) -> None:
    await rival(play, "products/update")
    assert await attention(play, "other_connector") == []
    assert named(await play.api("GET", f"shops/{play.shop_id}")) == []
    kept = (await connection(play, play.store_id))["facts"]["other_registrations"]
    assert [one["topic"] for one in kept] == ["products/update"]
