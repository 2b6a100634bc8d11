"""The overview: its numbers are those that were written, and page and API say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from bridge.storage import brake, cursors, ledger, orders
from bridge.storage.columns import to_millis
from bridge.storage.engine import Database
from bridge.storage.overview import Arrivals
from bridge.storage.users import Role
from bridge.web.api.overview import Period, overview_of
from bridge.web.pages.overview import settling
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
        await conn.execute(text("UPDATE orders SET state = 'waiting' WHERE id = :id"), {"id": record.id})
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
    assert "The quicker of 2 cancellations" in page.words
    assert "The middle one of 3 cancellations" in page.words
    assert "the slowest took 90 s" in page.words
    assert {"/attention", "/orders", "/orders?state=waiting"} <= set(page.links)
    assert "cancellations to TikTok Shop are paused" in page.words
    assert "<script>x" in page.words
    assert "<script>x" not in page.html
    store = (await house.rows("SELECT id FROM connections WHERE state = 'failed'"))[0]["id"]
    assert f"/connections/{store}" in page.links


async def test_before_anything_is_connected_a_viewer_reads_what_to_do_first(house: House) -> None:
    viewer = await signed_in(house, "vera", Role.VIEWER)
    page = await viewer.get("/")
    assert (page.status, page.url) == (200, "/")
    assert "Nothing is connected yet" in page.words
    assert "none yet" in page.words
    assert [one.action for one in page.forms] == ["/sign-out"]


async def test_hours_and_days_are_the_viewers_own(browser: Browser) -> None:
    house = browser.house
    await written(house)
    zone = ZoneInfo("Asia/Kolkata")
    found = await overview_of(house.desk, zone)
    starts = [one.start.astimezone(zone) for one in found.month.steps]
    assert {(one.hour, one.minute) for one in starts} == {(0, 0)}
    assert starts[-1].date() == found.at.astimezone(zone).date()
    assert {one.start.minute for one in found.day.steps} == {30}, "its full hours are half past in UTC"
    assert sum(one.in_store for one in found.month.steps) == 2
    browser.cookies["bridge_zone"] = "Asia/Kolkata"
    page = await browser.get("/")
    assert "Each day in Asia/Kolkata" in page.words
    first = found.day.steps[0].start
    shown = f"{first.astimezone(zone):%H:%M}"
    assert f"{shown} ({first:%H:%M} UTC)" in page.words or f"{shown} ({first.day} {first:%b %H:%M} UTC)" in page.words


async def test_a_day_the_clocks_change_has_its_own_length(house: House) -> None:
    """The clock of the house is fixed: the zone's day is what is counted, whatever its length."""
    found = await overview_of(house.desk, ZoneInfo("Europe/Berlin"))
    lengths = {b.start - a.start for a, b in zip(found.month.steps, found.month.steps[1:], strict=False)}
    assert lengths <= {timedelta(hours=hours) for hours in (23, 24, 25)}
    assert (len(found.day.steps), len(found.month.steps)) == (24, 30)


async def test_a_connection_was_swept_when_the_last_of_its_lists_was_read_to_the_end(browser: Browser) -> None:
    """A channel's lists are its shops', a store's its own; a list that is behind is not hidden by one that is not."""
    house = browser.house
    shop_id, store_id = await house.tied_shop()
    moments: dict[str, datetime] = {}

    async def swept(scope: str, stream: str, minutes: int | None) -> None:
        async def write(conn: Any) -> None:
            running = await cursors.begin(conn, scope, stream, since=None, next_since=None)
            if minutes is not None:
                await cursors.finish(conn, running)
                await conn.execute(
                    text(
                        "UPDATE cursors SET finished_at = finished_at - :ms WHERE scope = :scope AND stream = :stream"
                    ),
                    {"ms": minutes * 60_000, "scope": scope, "stream": stream},
                )
            stored = await cursors.get(conn, scope, stream)
            assert stored is not None
            at = stored.finished_at or stored.started_at
            assert at is not None
            moments[stream] = at

        await house.db.write(write)

    async def glance() -> dict[str, Any]:
        said = (await house.ask("GET", "/api/v1/overview")).json
        return {one["kind"]: (one["is_swept"], one["swept_at"], one["sweeping_since"]) for one in said["connections"]}

    def told(stream: str) -> str:
        return moments[stream].isoformat().replace("+00:00", "Z")

    assert await glance() == {"magento": (True, None, None), "tiktok": (True, None, None)}
    assert "not yet" in (await browser.get("/")).words
    await swept(shop_id, "orders", 5)
    await swept(shop_id, "cancellations", 300)
    await swept(store_id, "creditmemos", 7)
    assert await glance() == {
        "magento": (True, told("creditmemos"), None),
        "tiktok": (True, told("cancellations"), None),
    }
    shown = moments["cancellations"]
    assert f"{shown.day} {shown:%b %Y, %H:%M} UTC" in (await browser.get("/")).words
    await swept(shop_id, "cancellations", None)
    assert (await glance())["tiktok"] == (True, told("orders"), told("cancellations")), "one that runs says since when"
    assert "One is under way" in (await browser.get("/")).words
    await house.ask("PUT", f"/api/v1/shops/{shop_id}", json={"store": None})
    assert (await glance())["tiktok"] == (False, None, None)
    assert "not tied to anything" in (await browser.get("/")).words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "No cancellation was carried"),
        (1, "the only cancellation took"),
        (2, "The quicker of 2 cancellations"),
        (3, "The middle one of 3 cancellations"),
        (1200, "Half of 1\N{NARROW NO-BREAK SPACE}200 cancellations took no longer"),
    ],
)
def test_how_long_it_took_is_said_in_words_that_fit_the_number(count: int, words: str) -> None:
    least, most = (0.4, 7200.0) if count else (None, None)
    period = Period(
        orders=0,
        in_store=0,
        on_channel=0,
        measured=count,
        median_seconds=least,
        slow_seconds=most,
        drifts_healed=0,
        steps=[],
    )
    figure, sentence = settling(period)
    assert words in sentence
    assert figure == ("under a second" if count else "none yet")
    assert ("2\N{NARROW NO-BREAK SPACE}h" in sentence) == (count > 1)


async def test_stretches_that_are_over_are_counted_once(sqlite_database: Database) -> None:
    """But not one that may still get an order: it is committed moments after its time is read."""
    now = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
    edges = [now - timedelta(minutes=minutes) for minutes in (120, 60, 5, 0)]
    arrivals = Arrivals()

    async def arrive(at: datetime, number: int) -> None:
        async def write(conn: Any) -> None:
            record = await orders.ensure(conn, "shp_1", str(number))
            await conn.execute(
                text("UPDATE orders SET created_at = :at WHERE id = :id"), {"at": to_millis(at), "id": record.id}
            )

        await sqlite_database.write(write)

    async def counted() -> list[int]:
        return await sqlite_database.read(lambda conn: arrivals.between(conn, edges, now))

    await arrive(edges[0], 1)
    await arrive(edges[1] + timedelta(minutes=1), 2)
    assert await counted() == [1, 1, 0]
    await arrive(edges[0] + timedelta(minutes=1), 3)
    await arrive(edges[1] + timedelta(minutes=2), 4)
    await arrive(edges[2] + timedelta(minutes=1), 5)
    assert await counted() == [1, 2, 1], "the first stretch is over for an hour, the second ended five minutes ago"
