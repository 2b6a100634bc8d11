"""The audit in the browser: from what to what in words, one thing's history, and the next page."""

from __future__ import annotations

from typing import Any

from bridge.storage import audit
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
