"""Pages of much: they stay below 100 kB, leave nothing out of reach, and ask as often for much as for little."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import attention, changelog, ledger, orders
from bridge.storage.engine import Database
from bridge.storage.trips import Trips
from tests.integration.pages.browsing import Browser
from tests.integration.pages.seeding import UNIT, order_of
from tests.integration.web.house import House

LIMIT = 100_000
LONG = 'a long reason with "quotes" in it, as remotes write them; ' * 20


@contextmanager
def _counted(db: Database) -> Iterator[list[str]]:
    """Statements that are read with."""
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):
            said.append(statement)

    assert isinstance(db._reader, Trips)
    event.listen(db._reader._engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db._reader._engine, "before_cursor_execute", note)


async def _much(house: House, order_id: str) -> None:
    """500 entries and 200 units with hostile lengths, 90 attempts, and 40 questions of one order."""

    async def write(conn: AsyncConnection) -> None:
        units = [
            {**UNIT, "unit_id": f"unit-{place}", "name": LONG, "seller_sku": f"S{place}" * 30, "because": LONG[:300]}
            for place in range(200)
        ]
        await orders.update(conn, order_id, reading={"units": units, "channel": {"status": "CANCELLED"}, "store": None})
        facts = {f"fact {place}": [LONG] for place in range(30)}
        for step in range(500):
            await changelog.write(conn, order_id, "cancelled", f"step {step}. {LONG}", {} if step % 50 else facts)
        for place in range(90):
            claim = await ledger.open_claim(
                conn,
                order_id=order_id,
                side="channel",
                kind="cancel",
                units=[f"unit-{place}"],
                token=str(place),
                attempt=1,
                payload={},
            )
            await ledger.void(conn, claim.id, LONG)
        for kind in AttentionKind:
            await attention.raise_item(
                conn,
                kind=kind.value,
                fingerprint="f",
                title=f"About {kind.value}",
                because=LONG,
                what_to_do=LONG[:400],
                facts={"said": LONG},
                order_id=order_id,
            )

    await house.db.write(write)


async def test_an_order_of_500_entries_and_200_units_is_told_whole_page_by_page(browser: Browser) -> None:
    house = browser.house
    shop_id, store_id = await house.tied_shop()
    order_id = await order_of(house, shop_id, store_id)
    with _counted(house.db) as few:
        small = await browser.get(f"/orders/{order_id}")
    await _much(house, order_id)
    with _counted(house.db) as many:
        page = await browser.get(f"/orders/{order_id}")
    assert len(many) == len(few) <= 16
    assert not [one for one in many if "changelog" in one and "LIMIT" not in one]
    assert len(small.html.encode()) < LIMIT
    told: list[str] = []
    steps: list[str] = []
    pages = 0
    while True:
        pages += 1
        assert len(page.html.encode()) < LIMIT, page.url
        steps += re.findall(r"Step (\d+)\.", page.words)
        if not (further := [link for link in page.links if "before=" in link and "units=" not in link]):
            break
        page = await browser.get(further[0].split("#")[0])
    assert steps == [str(place) for place in reversed(range(500))], "each entry once, the newest first"
    assert "The newest" in page.words
    page = await browser.get(f"/orders/{order_id}")
    while True:
        assert len(page.html.encode()) < LIMIT, page.url
        told += re.findall(r"<code>(unit-\d+)</code>", page.html)
        if not (further := [link for link in page.links if "units=" in link]):
            break
        page = await browser.get(further[0].split("#")[0])
    assert told == [f"unit-{place}" for place in range(200)]
    assert "First units" in page.words
    for odd in ("units=9999", "units=-1", "units=x", "before=odd"):
        assert (await browser.get(f"/orders/{order_id}?{odd}")).status == 200


async def test_lists_are_cut_off_and_all_kinds_of_questions_take_the_statements_of_one(browser: Browser) -> None:
    house = browser.house
    shop_id, store_id = await house.tied_shop()
    ids = [await order_of(house, shop_id, store_id, channel_order_id="1")]
    with _counted(house.db) as few:
        await browser.get("/attention")

    async def write(conn: AsyncConnection) -> None:
        for number in range(60):
            record = await orders.ensure(conn, shop_id, f"9{number:03}")
            await orders.update(conn, record.id, because=LONG)
            ids.append(record.id)
            for kind in (AttentionKind.UNKNOWN_SKU, AttentionKind.POISON):
                await attention.raise_item(
                    conn,
                    kind=kind.value,
                    fingerprint="f",
                    title=f"About {kind.value}",
                    because=LONG,
                    what_to_do="look",
                    facts={},
                    order_id=record.id,
                )

    await house.db.write(write)
    await _much(house, ids[0])
    with _counted(house.db) as many:
        page = await browser.get("/attention")
    assert page.status == 200
    assert len(page.html.encode()) < LIMIT
    assert page.html.count('<section aria-labelledby="group-') == len(AttentionKind)
    assert "See all 61" in page.words
    assert len(many) - len(few) <= 1, "the words of what is there; nothing for each kind"
    for path in ("/attention/items?limit=200", "/orders?limit=200", "/attention/items?state=all"):
        listed = await browser.get(path)
        assert len(listed.html.encode()) < LIMIT, path
        assert any("cursor=" in link for link in listed.links), path
