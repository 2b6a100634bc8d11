"""The overview: its numbers are those that were written, and page and API say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from bridge.storage import brake, ledger, orders
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.web.house import House


async def written(house: House) -> str:
    """Three orders now; a refund of 10 s, a cancellation of 30 s, one void, one ten days old; a drift and an order
    that waits.
    """
    shop_id, store_id = await house.tied_shop()

    async def write(conn: Any) -> None:
        record = await orders.ensure(conn, shop_id, "570")
        for number, (side, kind, seconds, days) in enumerate(
            [("store", "refund", 10, 0), ("channel", "cancel", 30, 0), ("store", "refund", 90, 10)]
        ):
            record = await orders.ensure(conn, shop_id, f"57{number}")
            claim = await ledger.open_claim(
                conn, order_id=record.id, side=side, kind=kind, units=["1"], token="t", attempt=1, payload={}
            )
            await ledger.done(conn, claim.id, "r", "done")
            begun = text(
                "UPDATE ledger SET claimed_at = claimed_at - :ms, ended_at = claimed_at + :took WHERE id = :id"
            )
            values = {"ms": days * 86_400_000, "took": seconds * 1000 - days * 86_400_000, "id": claim.id}
            await conn.execute(begun, values)
            void = await ledger.open_claim(
                conn, order_id=record.id, side=side, kind=kind, units=["2"], token="t", attempt=1, payload={}
            )
            await ledger.void(conn, void.id, "refused")
        moment = int(datetime.now(UTC).timestamp() * 1000)
        await conn.execute(
            text(
                "INSERT INTO drifts (id, order_id, shop_id, side, connection_id, effect, found_by, because, found_at,"
                " healed_at) VALUES ('drf_1', :order, :shop, 'store', :store, 'refund', 'sweep', '', :at, :at)"
            ),
            {"order": record.id, "shop": shop_id, "store": store_id, "at": moment},
        )
        await conn.execute(text("UPDATE orders SET waiting_since = 1 WHERE id = :id"), {"id": record.id})
        await conn.execute(
            text("UPDATE connections SET state = 'failed', because = '<script>x' WHERE id = :id"), {"id": store_id}
        )
        await brake.pull(conn, shop_id, {"at": "2026-01-01T00:00:00+00:00"})

    await house.db.write(write)
    return shop_id


async def test_numbers_are_those_that_were_written_and_the_table_has_a_row_for_each_bar(browser: Browser) -> None:
    house = browser.house
    await written(house)
    said = (await house.ask("GET", "/api/v1/overview")).json
    day, month = said["day"], said["month"]
    assert [day[one] for one in ("orders", "in_store", "on_channel", "measured", "drifts_healed")] == [3, 1, 1, 2, 1]
    assert [month[one] for one in ("orders", "in_store", "on_channel", "measured", "drifts_healed")] == [3, 2, 1, 3, 1]
    assert (day["median_seconds"], day["slow_seconds"]) == (10.0, 30.0)
    assert (month["median_seconds"], month["slow_seconds"]) == (30.0, 90.0)
    assert said["waiting"] == 1
    old = (datetime.fromisoformat(said["at"]) - timedelta(days=10)).date()
    assert {datetime.fromisoformat(one["start"]).date() for one in month["steps"] if one["in_store"]} == {
        old,
        old + timedelta(days=10),
    }
    page = await browser.get("/")
    assert page.status == 200
    for each, count in (("hour", 24), ("day", 30)):
        assert page.html.count(f'<tr class="step-{each}">') == count
    assert page.html.count('<rect class="two"') == page.html.count('<rect class="one"') == 54
    assert "for half of 3 cancellations; the slowest tenth took longer than 90.0 s" in page.words
    assert "cancellations to TikTok Shop are paused" in page.words
    assert "<script>x" in page.words
    assert "<script>x" not in page.html
    assert "bridge doctor con_" in page.words


async def test_before_anything_is_connected_a_viewer_reads_what_to_do_first(house: House) -> None:
    viewer = await signed_in(house, "vera", Role.VIEWER)
    page = await viewer.get("/")
    assert (page.status, page.url) == (200, "/")
    assert "Nothing is connected yet" in page.words
    assert "none yet" in page.words
    assert [one.action for one in page.forms] == ["/sign-out"]
