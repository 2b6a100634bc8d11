"""The audit in the browser: from what to what in words, one thing's history, and the next page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from bridge.domain.attention import TEXTS, AttentionKind
from bridge.storage import attention, audit
from bridge.storage.ids import id_floor
from bridge.web.pages.audit import differences
from bridge.web.users import add_user
from tests.integration.pages.browsing import PASSWORD, Browser
from tests.integration.pages.seeding import an_order
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


async def test_a_user_is_told_by_name_and_never_taken_for_another_whose_name_is_a_part_of_it(
    house: House, browser: Browser
) -> None:
    made = {
        name: await add_user(house.db, name, PASSWORD, "viewer", "test") for name in ("Anna", "Anna Smith", "Ben B")
    }

    async def earlier(conn: Any) -> None:
        for what in ("user Anna Smith role", "user Anna role", "user Anna Jones password"):
            await audit.write(conn, "user Anna Smith", what, "viewer", "manager")

    await house.db.write(earlier)
    page = await browser.get("/audit")
    for words in ("User Anna Smith : role", "User Anna : role", "User Anna Jones: password", "User Ben B : added"):
        assert words in page.words, words
    links = [one for one in page.links if one.startswith("/users/")]
    assert {links.count(f"/users/{made[name].id}") for name in ("Anna", "Anna Smith")} == {2}
    assert {one for one in links if "Anna" in one} == set(), "by name it may be somebody else's page"

    here = f"/users/{made['Ben B'].id}"
    await browser.submit(await browser.get(here), f"{here}/role", role="manager")
    shown = await browser.get(here)
    await browser.submit(shown, f"{here}/remove")
    again = await browser.submit(shown, f"{here}/remove")
    assert (again.status, again.url) == (200, "/users"), "the form sent twice is no mistake"
    assert "There is no such user any more, so nothing was changed." in again.words
    page = await browser.get("/audit")
    for words in ("User Ben B: removed", "User Ben B: role", "role: viewer → manager"):
        assert words in page.words, "who is gone is still named"
    assert here not in page.links
    one = await browser.get(f"/audit?what=user%20{made['Ben B'].id}%20role")
    assert ("Only User Ben B: role" in one.words, "Anna" in one.words) == (True, False)
    theirs = await browser.get("/audit?who=user%20Anna%20Smith")
    assert ("User Anna Jones: password" in theirs.words, "Ben B" in theirs.words) == (True, False)


async def test_what_people_said_to_questions_is_told(house: House, browser: Browser) -> None:
    order_id = await an_order(house, AttentionKind.BEFORE_SWITCH_ON)
    item = str((await house.rows("SELECT id FROM attention"))[0]["id"])
    await browser.submit(
        await browser.get(f"/attention/{item}"), f"/attention/{item}/dismiss", note="seen with the buyer"
    )

    async def brake(conn: Any) -> None:
        kind = AttentionKind.BRAKE.value
        words: dict[str, Any] = {"title": "Paused", "because": "so", "what_to_do": "look"}
        await attention.raise_item(conn, kind=kind, fingerprint="f", facts={}, shop_id="shp_1", **words)

    await house.db.write(brake)
    await browser.submit(await browser.get("/attention"), "/attention/dismiss", note="all meant")
    [every, one] = (await house.ask("GET", "/api/v1/audit?limit=2")).json["changes"]
    assert (every["who"], every["what"]) == ("user admin", "attention kind brake dismissed")
    assert every["after"] == {"items": 1, "shop": None, "connection": None}
    assert (one["who"], one["what"]) == ("user admin", f"attention item {item} dismissed")
    assert one["after"] == {"kind": "before_switch_on", "order": order_id}
    page = await browser.get("/audit")
    assert "Question A question : dismissed" in page.words
    assert f"All questions of the kind {TEXTS[AttentionKind.BRAKE].title} : dismissed" in page.words
    assert {f"/attention/{item}", "/attention/items?state=all&kind=brake"} <= set(page.links)
    assert "buyer" not in page.words, "what was noted stays with the question"
    count = len(await house.rows("SELECT id FROM audit"))
    assert (await house.ask("POST", f"/api/v1/attention/{item}/dismiss", json={})).status == 409
    await house.ask("POST", "/api/v1/attention/dismiss", json={"kind": "brake"})
    assert len(await house.rows("SELECT id FROM audit")) == count, "nothing was changed"
