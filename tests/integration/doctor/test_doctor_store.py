"""A store made wrong in each way, and doctor says exactly that, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bridge.sandbox.magento.integrations import SHORT_LIST
from bridge.storage.tables import drifts
from tests.integration.connect.parts import Ahead
from tests.integration.doctor.clinic import Clinic, clinic, codes, differs_by, said

TOPICS = ["creditmemos/update", "orders/update"]


def topics(ward: Clinic) -> list[str]:
    return [hook["topic"] for hook in ward.play.magento_box.webhooks]


async def settings(ward: Clinic, **changes: Any) -> None:
    await ward.play.magento.control("POST", "settings", changes)


async def test_of_a_healthy_store_every_check_is_told(database_url: str, tmp_path: Path) -> None:
    async with clinic(tmp_path, database_url) as ward:
        looked = await ward.store()
        assert codes(looked, "error") == set()
        assert codes(looked, "warning") == {"public_url_not_https"}
        assert codes(looked, "ok") == {
            *("reachable", "authorized", "plugin", "permissions", "msi_on", "hooks", "clock", "tie"),
            *("deliveries_quiet", "test_delivery", "claims"),
        }
        levels = [one["level"] for one in looked["findings"]]
        assert levels == sorted(levels, key=["error", "warning", "ok"].index)
        shown = await ward.play.api("GET", f"connections/{ward.play.store_id}")
        assert shown["findings"] == looked["findings"]
        assert shown["facts"]["looked_at"]
        assert abs(shown["facts"]["clock_offset"]) < 5


# --- the way there ----------------------------------------------------------------------------------------------------


async def test_maintenance_is_told_and_what_was_not_checked_is_named(ward: Clinic) -> None:
    await settings(ward, maintenance=True)
    looked = await ward.store()
    level, text = said(looked, "maintenance")
    assert (level, "bin/magento maintenance:status" in text) == ("error", True)
    for what in ("plugin version", "permissions", "registrations", "stock"):
        assert what in said(looked, "not_checked")[1]
    # What does not need the store is looked at all the same, and an outage changes no state.
    assert "test_delivery" in codes(looked, "ok")
    assert (looked["state"], "maintenance" in looked["because"]) == ("connected", True)
    await settings(ward, maintenance=False)
    again = await ward.store()
    assert (codes(again, "error"), again["because"]) == (set(), "")


PAGE = "<html><title>Just a moment...</title></html>"


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ({"status": 200, "body": PAGE, "content_type": "text/html"}, "not_magento", "no Magento REST interface"),
        ({"status": 404, "body": PAGE, "content_type": "text/html"}, "not_magento", "hands /rest/ on to Magento"),
        ({"status": 403, "body": PAGE, "content_type": "text/html"}, "forbidden", "Allow this machine's address"),
        ({"status": 401, "body": PAGE, "content_type": "text/html"}, "not_magento", "asks for a password"),
        (
            {"status": 301, "headers": {"Location": "https://user:pw@www.shop.example/rest?x=1"}},
            "redirected",
            "leads to https://www.shop.example.",
        ),
        ({"status": 500, "body": "boom"}, "remote_failing", "failed"),
        ({"status": 429, "body": "slow"}, "slowed_down", "slow down"),
    ],
)
async def test_what_stands_in_front_of_the_store_is_recognised(
    ward: Clinic, fault: dict[str, Any], code: str, words: str
) -> None:
    await ward.play.magento.fault(kind="fail", path="storeConfigs", times=3, **fault)
    looked = await ward.store()
    level, text = said(looked, code)
    assert (level, words in text) == ("error", True), text
    assert "pw@" not in text
    assert "not_checked" in codes(looked)
    assert "reachable" not in codes(looked)


async def test_a_store_that_is_gone_is_unreachable(ward: Clinic) -> None:
    await ward.patch(ward.play.store_id, url="http://127.0.0.1:9")
    looked = await ward.store()
    level, text = said(looked, "unreachable")
    assert (level, "127.0.0.1" in text, "firewall" in text) == ("error", True, True)
    assert "clock" in said(looked, "not_checked")[1]
    assert looked["state"] == "connected"


async def test_a_store_that_hangs_is_told_of_within_the_time_a_person_waits(
    ward: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.connectors.magento.examining.REACH_SECONDS", 0.3)
    await ward.play.magento.fault(kind="slow", path="storeConfigs", seconds=5)
    looked = await ward.store()
    assert "did not answer" in said(looked, "unreachable")[1]


async def test_one_read_that_fails_keeps_none_of_the_others_from_being_made(ward: Clinic) -> None:
    await ward.play.magento.fault(kind="fail", path="stock-resolver", status=500, body="boom")
    await ward.play.magento.fault(kind="fail", path="store/websites", status=502, body="boom")
    await ward.play.magento.fault(kind="fail", path="creditmemos", status=200, body='{"items": "none"}', times=9)
    looked = await ward.store()
    missed = [one["text"] for one in looked["findings"] if one["code"] == "not_checked"]
    assert any("store views" in text for text in missed)
    assert any("stock (MSI)" in text for text in missed)
    assert any("creditmemos" in text for text in missed)
    assert codes(looked) >= {"plugin", "permissions", "hooks", "clock", "test_delivery", "tie"}
    # What could not be read is as it was known.
    assert [view["code"] for view in looked["facts"]["views"]] == ["default"]


# --- credentials and permissions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("consumer_key", "consumer key is not known"),
        ("consumer_secret", "consumer secret or the access token secret is wrong"),
        ("access_token", "access token is not one of the store's"),
        ("access_token_secret", "consumer secret or the access token secret is wrong"),
    ],
)
async def test_which_of_the_four_values_is_wrong_is_told(ward: Clinic, name: str, words: str) -> None:
    credentials = (await ward.stored(ward.play.store_id)).credentials
    await ward.patch(ward.play.store_id, credentials={**credentials, name: "x" * 32})
    looked = await ward.store()
    level, text = said(looked, "not_authorized")
    assert (level, words in text) == ("error", True), text
    assert looked["state"] == "reauth"
    assert "reachable" in codes(looked, "ok")
    assert "x" * 32 not in str(looked)


async def test_an_integration_that_is_switched_off_is_told_from_one_that_lacks_a_permission(ward: Clinic) -> None:
    number = max(ward.play.magento_box.integrations.all)
    await ward.play.magento.control("PATCH", "integrations", {"integration": number, "active": False})
    assert "switched off" in said(await ward.store(), "not_authorized")[1]
    lacking = [one for one in SHORT_LIST if one != "Magento_Backend::store"]
    change = {"integration": number, "active": True, "resources": lacking}
    await ward.play.magento.control("PATCH", "integrations", change)
    looked = await ward.store()
    assert "lacks Magento_Backend::store" in said(looked, "permission_missing")[1]
    assert "not_authorized" not in codes(looked)


async def test_a_bearer_token_switched_off_in_the_store_is_told(ward: Clinic) -> None:
    await settings(ward, bearer_allowed=True)
    token = (await ward.stored(ward.play.store_id)).credentials["access_token"]
    await ward.patch(ward.play.store_id, credentials={"bearer_token": token})
    looked = await ward.store()
    # Nothing to sign a test with: the plugin signs with the consumer key, which nobody gave.
    assert codes(looked, "warning") >= {"sweep_only", "test_delivery_skipped"}
    await settings(ward, bearer_allowed=False)
    assert "bearer token: it is switched off" in said(await ward.store(), "not_authorized")[1]


async def test_a_permission_taken_away_is_named(ward: Clinic) -> None:
    number = max(ward.play.magento_box.integrations.all)
    lacking = [one for one in SHORT_LIST if one not in {"Magento_Sales::sales_creditmemo", "Magento_Sales::invoice"}]
    await ward.play.magento.control("PATCH", "integrations", {"integration": number, "resources": lacking})
    looked = await ward.store()
    named = " ".join(one["text"] for one in looked["findings"] if one["code"] == "permission_missing")
    assert "Magento_Sales::sales_creditmemo" in named
    assert "Magento_Sales::invoice" in named
    assert "read_refused" in codes(looked, "error")


# --- clocks -----------------------------------------------------------------------------------------------------------


async def test_a_store_whose_clock_is_wrong_is_told_from_us_by_the_other_remote(ward: Clinic) -> None:
    await settings(ward, clock_offset=-150)
    level, text = said(await ward.store(), "clock")
    assert level == "warning"
    assert "s ahead of theirs" in text
    assert abs(differs_by(text) - 150) <= 2
    assert "TikTok agrees with us" in text
    assert "their server's clock" in text


async def test_our_own_clock_is_told_by_both_differing_alike(tmp_path: Path, database_url: str) -> None:
    clock = Ahead()
    async with clinic(tmp_path, database_url, clock) as ward:
        clock.by = timedelta(seconds=-200)
        level, text = said(await ward.store(), "clock")
        assert (level, "s behind theirs" in text) == ("warning", True)
        assert abs(differs_by(text) - 200) <= 2
        # The database's own clock is another one here, because only the service's was moved.
        assert "TikTok and the database differ alike" in text
        assert "this machine's clock that is wrong" in text


async def test_a_clock_beyond_what_oauth_takes_is_an_error(ward: Clinic) -> None:
    await settings(ward, clock_offset=-1000)
    looked = await ward.store()
    assert codes(looked, "error") == {"clock", "clock_refused"}
    assert "their server's clock" in said(looked, "clock")[1]


# --- plugin, stock, ties ----------------------------------------------------------------------------------------------


async def test_each_version_says_what_it_means(ward: Clinic) -> None:
    await settings(ward, plugin="1.0.25")
    assert said(await ward.store(), "plugin_refunds_fail")[0] == "error"
    await settings(ward, plugin="1.0.20")
    looked = await ward.store()
    assert "1.0.19" in said(looked, "plugin")[1]
    assert codes(looked, "warning") >= {"plugin", "plugin_version"}
    await ward.play.api("PATCH", f"connections/{ward.play.store_id}", {"plugin_version_override": "1.0.20"})
    level, text = said(await ward.store(), "plugin")
    assert (level, "restock works" in text) == ("ok", True)
    await settings(ward, plugin="none")
    looked = await ward.store()
    assert codes(looked, "warning") >= {"plugin_missing", "permissions_unknown", "hooks_unavailable"}


async def test_inventory_switched_off_is_told(ward: Clinic) -> None:
    await settings(ward, inventory=False)
    assert said(await ward.store(), "msi_off")[0] == "warning"


async def test_a_tie_that_fits_the_store_no_more_is_told(ward: Clinic) -> None:
    await ward.play.magento.control("POST", "websites", {"website": "eu", "store": "eu_de", "currency": "EUR"})
    await ward.store()
    tie = {"connection": ward.play.store_id, "store_view": "eu_de", "shipping_method": "flatrate"}
    await ward.play.api("PUT", f"shops/{ward.play.shop_id}", {"store": tie})
    looked = await ward.store()
    level, text = said(looked, "tie_currency")
    assert (level, "USD" in text, "EUR" in text) == ("error", True, True)
    assert "carrier_method" in said(looked, "tie_method")[1]
    ward.play.magento_box.stores.pop()
    level, text = said(await ward.store(), "tie_view")
    assert (level, "'eu_de'" in text, "Choose one of default" in text) == ("error", True, True)
    await ward.play.api("PUT", f"shops/{ward.play.shop_id}", {"store": None})
    assert said(await ward.store(), "not_tied")[0] == "warning"


# --- registrations ----------------------------------------------------------------------------------------------------


async def test_a_registration_that_is_gone_is_seen_without_mending_and_made_again_with_it(ward: Clinic) -> None:
    await ward.play.magento.control("DELETE", "registrations", {})
    looked = await ward.store(mend=False)
    level, text = said(looked, "hooks_missing")
    assert (level, all(topic in text for topic in TOPICS)) == ("error", True)
    assert topics(ward) == []
    looked = await ward.store()
    assert "which was missing" in said(looked, "hooks_mended")[1]
    assert topics(ward) == TOPICS
    assert "hooks_mended" not in codes(await ward.store())
    assert "hooks" in codes(await ward.store(mend=False), "ok")


async def test_a_registration_that_points_elsewhere_is_named(ward: Clinic) -> None:
    for hook in ward.play.magento_box.webhooks:
        hook["address"] = "https://old.example/hooks/magento/x"
    looked = await ward.store(mend=False)
    assert "https://old.example" in said(looked, "hooks_missing")[1]
    await ward.store()
    assert {hook["address"] for hook in ward.play.magento_box.webhooks} == {looked["hook_urls"][0]}


async def test_a_deleted_integration_that_silences_us_is_named_with_the_registration_to_delete(ward: Clinic) -> None:
    play = ward.play
    made = await play.magento.control("POST", "integrations", {"name": "Old connector"})
    hook = {"topic": "creditmemos/update", "app_key": "a", "address": "https://other.example/h"}
    body = {**hook, "integration_id": made["id"], "id": "old-hook", "first": True}
    await play.magento.control("POST", "registrations", body)
    await play.magento.control("PATCH", "integrations", {"integration": made["id"], "delete": True})
    looked = await ward.store()
    level, text = said(looked, "hooks_behind_another")
    assert level == "warning"
    assert f"integration {made['id']}" in text
    assert "webhooks/old-hook" in text
    kept = looked["facts"]["other_registrations"]
    assert [(one["address"], one["may_silence"]) for one in kept] == [("https://other.example/h", True)]
    assert "other.example" in said(looked, "other_connector")[1]


async def test_our_address_registered_twice_is_told(ward: Clinic) -> None:
    play = ward.play
    address = play.magento_box.webhooks[0]["address"]
    body = {"topic": "orders/update", "app_key": "con_old", "address": address, "integration_id": "77", "id": "twin"}
    await play.magento.control("POST", "registrations", body)
    looked = await ward.store()
    assert "webhooks/twin" in said(looked, "hooks_doubled")[1]


# --- whether messages come --------------------------------------------------------------------------------------------


async def changed_long_ago(ward: Clinic, minutes: int) -> None:
    """An order saved in the store so long ago, while we were registered, whose message is still in the queue."""
    facts = (await ward.stored(ward.play.store_id)).facts
    await ward.patch(
        ward.play.store_id, facts={**facts, "told_since": (datetime.now(UTC) - timedelta(days=1)).isoformat()}
    )
    await ward.play.magento.control("POST", "consumer", {"paused": True})
    await settings(ward, clock_offset=-60 * minutes)
    await ward.play.magento.control("POST", "storefront-order", {"items": [{"sku": "MUG", "qty": 1}]})
    await settings(ward, clock_offset=0)


async def test_a_consumer_that_does_not_run_is_told_with_the_commands(ward: Clinic) -> None:
    await changed_long_ago(ward, 25)
    level, text = said(await ward.store(), "deliveries_late")
    assert (level, "25 minutes ago" in text, "no message ever came" in text) == ("warning", True, True), text
    for command in ("queue:consumers:list", "cron:run --group consumers", "cron_consumers_runner"):
        assert command in text
    await ward.play.magento.control("POST", "consumer", {"paused": False})
    await ward.play.magento.control("GET", "deliveries?wait=10")
    assert said(await ward.store(), "deliveries")[0] == "ok"


async def test_after_an_hour_it_is_an_error_and_who_may_silence_us_is_named(ward: Clinic) -> None:
    await changed_long_ago(ward, 95)
    hook = {"topic": "orders/update", "app_key": "a", "address": "https://o.example/h", "integration_id": "77"}
    await ward.play.magento.control("POST", "registrations", {**hook, "first": True})
    level, text = said(await ward.store(), "deliveries_late")
    assert (level, "integration 77" in text) == ("error", True), text


async def test_what_changed_a_moment_ago_is_not_late(ward: Clinic) -> None:
    await changed_long_ago(ward, 4)
    level, text = said(await ward.store(), "deliveries")
    assert (level, "not long" in text) == ("ok", True)


async def test_what_changed_before_we_were_told_is_not_late(ward: Clinic) -> None:
    await changed_long_ago(ward, 90)
    await ward.play.magento.control("DELETE", "registrations", {})
    await ward.store()
    assert "deliveries_quiet" in codes(await ward.store(), "ok")


async def test_changes_that_no_message_told_of_are_counted(ward: Clinic) -> None:
    await changed_long_ago(ward, 25)
    await ward.play.magento.control("POST", "consumer", {"paused": False})
    await ward.play.magento.control("GET", "deliveries?wait=10")
    now = datetime.now(UTC)
    row = {"order_id": "ord_x", "shop_id": "shp_x", "side": "store", "effect": "refund", "found_by": "sweep"}
    row |= {"because": "", "connection_id": ward.play.store_id}
    times = {"changed_at": now, "found_at": now, "healed_at": None}

    async def write(conn: Any) -> None:
        for number, told in enumerate((None, None, now)):
            await conn.execute(insert(drifts).values(id=f"drf_{number}", told_at=told, **row, **times))

    await ward.service.db.write(write)
    level, text = said(await ward.store(), "deliveries_lost")
    assert (level, "2 changes of the last day" in text) == ("warning", True), text
