"""The audit in the browser: from what to what in words, one thing's history, and the next page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from bridge.storage import audit
from bridge.storage.ids import id_floor
from bridge.web.pages.audit import differences
from tests.integration.pages.browsing import Browser
from tests.integration.web.house import House


def test_a_change_is_told_field_by_field_and_only_what_differs() -> None:
    before: Any = {"a": {"enabled": True, "same": 1}, "reasons": ["x"], "gone": "so"}
    after: Any = {"a": {"enabled": False, "same": 1}, "reasons": ["x", "y"], "gone": None}
    assert differences(before, after) == [
        ("a › enabled", "yes", "no"),
        ("reasons", "x", "x, y"),
        ("gone", "so", "none"),
    ]
    assert differences(None, {"url": "https://shop.test"}) == [("url", "none", "https://shop.test")]
    assert differences(None, None) == []
    assert differences({"a": None, "b": ""}, {"a": "", "b": False}) == [("b", "none", "no")]
    assert differences(None, "z" * 500)[0][2].endswith("… (500 characters)")


def test_rules_are_told_by_their_names_and_in_their_order() -> None:
    packed: Any = {"name": "packed", "decision": "reject", "older": None}
    young: Any = {"name": "young", "decision": "approve", "older": 12.0}
    assert differences({"rules": []}, {"rules": [packed]}) == [
        ("rules › packed › decision", "none", "reject"),
        ("rules › in this order", "none", "packed"),
    ]
    assert differences({"rules": [packed, young]}, {"rules": [young, packed]}) == [
        ("rules › in this order", "packed, young", "young, packed")
    ]
    assert differences({"rules": [packed]}, {"rules": [{**packed, "decision": "hold"}]}) == [
        ("rules › packed › decision", "reject", "hold")
    ]
    # Names that do not tell them apart: nothing is lost.
    [(name, before, after)] = differences({"rules": [packed, packed]}, {"rules": [packed, packed, packed]})
    assert (name, before.count("packed"), after.count("packed")) == ("rules", 2, 3)


async def test_the_newest_come_first_one_thing_can_be_followed_and_pages_lead_on(
    house: House, browser: Browser
) -> None:
    async def write(conn: Any) -> None:
        for count in range(55):
            await audit.write(conn, "user <b>eve</b>", f"thing {count % 5}", {"x": f"old{count}"}, {"x": f"new{count}"})

    await house.db.write(write)
    page = await browser.get("/audit")
    assert "x: old54 → new54" in page.words
    assert "old1 " not in page.words
    assert "user <b>eve</b>" in page.words
    assert "<b>eve" not in page.html
    onward = await browser.get(next(one for one in page.links if "cursor=" in one))
    assert "x: old1 → new1" in onward.words
    assert "/audit" in onward.links
    one = await browser.get("/audit?what=thing%203")
    assert "old53" in one.words
    assert "old54" not in one.words
    assert (await browser.get("/audit?what=nothing")).words.count("Nothing of this was changed by hand")
    assert (await browser.get("/audit?cursor=garbage")).status in {400, 422}


async def test_changes_are_found_by_person_and_day_and_lead_to_what_was_changed(house: House, browser: Browser) -> None:
    shop_id, store_id = await house.tied_shop()

    async def write(conn: Any) -> None:
        await audit.write(conn, "user kim", f"shop {shop_id} settings", {"on": False}, {"on": True})
        await audit.write(conn, "user eve", f"connection {store_id} connected", None, {"state": "connected"})
        await audit.write(conn, "user eve", "connection con_gone deleted", {"name": "Old"}, None)
        await audit.write(conn, "user eve", "token a b made", None, None)
        old = text("UPDATE audit SET at = :at, id = :id WHERE what LIKE 'connection con_gone%'")
        moment = datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
        await conn.execute(old, {"at": int(moment.timestamp() * 1000), "id": id_floor("aud", moment)})

    await house.db.write(write)
    page = await browser.get("/audit")
    assert "TikTok Shop Test shop : settings" in page.words
    assert {f"/settings/cancellation-sync/{shop_id}", f"/connections/{store_id}"} <= set(page.links)
    assert "Connection con_gone: deleted" in page.words
    assert "/connections/con_gone" not in page.links, "it is not there any more"
    assert "Token a b made" in page.words
    mine = await browser.submit(page, "/audit", who="user kim")
    assert ("on: no → yes" in mine.words, "con_gone" in mine.words) == (True, False)
    assert "/audit?who=user%20eve" in page.links

    browser.cookies["bridge_zone"] = "America%2FNew_York"
    before = await browser.submit(page, "/audit", who="user eve", since="2026-02-28", until="2026-02-28")
    assert ("con_gone" in before.words, "connected" in before.words) == (True, False), "a day of the viewer's calendar"
    after = await browser.submit(page, "/audit", since="2026-03-01")
    assert ("con_gone" in after.words, "on: no → yes" in after.words) == (False, True)
    wrong_days: list[tuple[dict[str, Any], str]] = [
        ({"since": "2026-13-01"}, "is no day; write it as 2026-11-26"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "lies before the first day"),
        ({"until": "9999-12-31"}, "is no day"),
    ]
    for days, said in wrong_days:
        wrong = await browser.submit(page, "/audit", **days)
        assert (wrong.status, said in wrong.words) == (422, True), wrong.words
        assert set(days.items()) <= set(wrong.form("/audit").fields), "shown again as it was typed"
    listed = await house.ask("GET", "/api/v1/audit?who=user%20kim&since=2026-01-01T00:00:00Z")
    assert [one["what"] for one in listed.json["changes"]] == [f"shop {shop_id} settings"]
