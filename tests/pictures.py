"""Pictures of the pages for the docs: `make pictures` plays a day on the sandboxes and takes them anew.

The service is the real one, and the orders went the way they go. Only their times are then spread over a month, so that
the overview has something to show.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from bridge.bootstrap import Service
from bridge.storage import sessions, users
from bridge.storage.engine import Database
from bridge.storage.migrate import migrate
from bridge.web.users import add_user
from tests.support.stage import Stage, stage

if TYPE_CHECKING:
    from playwright.async_api import Browser

FOLDER: Final = Path(__file__).parents[1] / "docs" / "pictures"
LARGEST: Final = 80_000
"""Bytes. A page of the docs is read over a telephone too."""
HOUR: Final = 3_600_000
SHOWN_AS: Final = "https://bridge.example.com"
_MUG: Final = {"seller_sku": "MUG-BLUE", "product_name": "Mug, blue", "sale_price": "12.00"}
_POSTER: Final = {"seller_sku": "POSTER-A2", "product_name": "Poster, A2", "sale_price": "20.00"}
_TOTE: Final = {"seller_sku": "TOTE-GREY", "product_name": "Tote bag, grey", "sale_price": "15.00"}


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    path: str
    """`{shop}` and the like are what the day made."""
    height: int = 860
    width: int = 1040
    scheme: str = "light"
    from_: str = ""
    """What is at the top, by CSS; else the page's own top."""


PICTURES: Final = (
    Picture("sign-in", "/sign-in", 520, 720),
    Picture("overview", "/", 900),
    Picture("overview-dark", "/", 900, scheme="dark"),
    Picture("cancellation-sync", "/settings/cancellation-sync/{shop}", 1000),
    Picture("orders", "/orders", 800),
    Picture("order", "/orders/{refunded}", 900),
    Picture("order-story", "/orders/{refunded}", 760, from_="section:has(#story)"),
    Picture("order-narrow", "/orders/{refunded}", 800, 360),
    Picture("attention", "/attention", 900),
    Picture("buyer-request", "/attention/{request}", 1000),
    Picture("sweeps", "/attention", 520, from_="section:has(#checked-heading)"),
    Picture("connect-magento", "/connections/new/magento", 900),
    Picture("history", "/history/{shop}", 700),
    Picture("alerts", "/alerts", 760),
)
"""What is shown in the docs, and nothing else: a unit test holds both to each other."""


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url)
    try:
        yield database
    finally:
        await database.close()


async def played(play: Stage) -> dict[str, str]:
    """A day of a small shop; the ids that pages are found by."""
    await play.connect()
    for line, quantity in ((_MUG, 400), (_POSTER, 120), (_TOTE, 90)):
        body = {
            "sku": line["seller_sku"],
            "name": line["product_name"],
            "price": float(line["sale_price"]),
            "qty": quantity,
        }
        await play.magento.control("POST", "products", [body])
    plain = [await play.place({**line, "quantity": 1}) for line in (_MUG, _POSTER, _TOTE) * 6]
    for order in plain:
        await play.imported(order)
    # By the buyers, complete on TikTok Shop.
    for order in plain[:5]:
        asked = await play.tiktok.control("POST", f"orders/{order}/cancel", {"role": "BUYER"})
        await play.tiktok.control("POST", f"cancellations/{asked['cancellation']['cancel_id']}/accept")
    # By the merchant, in Magento.
    for order in plain[5:8]:
        number = (await play.store_order(order))["increment_id"]
        await play.magento.control("POST", "refund", {"increment_id": number, "comment": "Out of stock"})
    for order in plain[:8]:
        await play.settled(order, "both books agree: all")
    # What waits for a person: a request of a buyer, and one unit of two that was refunded.
    wanted = await play.place({**_TOTE, "quantity": 2}, {**_MUG, "quantity": 1})
    parted = await play.place({**_MUG, "quantity": 2})
    shown = await play.place({**_MUG, "quantity": 2}, {**_POSTER, "quantity": 1})
    for order in (wanted, parted, shown):
        await play.imported(order)
    number = (await play.store_order(shown))["increment_id"]
    await play.magento.control("POST", "refund", {"increment_id": number, "back_to_stock": True, "comment": "Broken"})
    await play.settled(shown, "both books agree: all")
    await play.tiktok.control("POST", f"orders/{wanted}/cancel", {"role": "BUYER"})
    there = await play.store_order(parted)
    row = there["items"][0]
    sent = {"increment_id": there["increment_id"], "items": [{"order_item_id": row["item_id"], "qty": 1}]}
    await play.magento.control("POST", "refund", sent)

    async def asked_about() -> Any:
        found = (await play.api("GET", "attention?state=open"))["items"]
        return found if {"buyer_request", "partial_refund"} <= {one["kind"] for one in found} else None

    items = await play.until(asked_about, "both are asked about", 30)
    job = (await play.api("POST", f"shops/{play.shop_id}/history", {"days": 30}))["job"]

    async def looked_back() -> bool:
        return bool((await play.api("GET", f"jobs/{job}"))["state"] == "done")

    await play.until(looked_back, "the past is looked at", 60)
    request = next(one["id"] for one in items if one["kind"] == "buyer_request")
    refunded = await play.order(shown)
    assert refunded is not None
    return {"shop": play.shop_id, "request": request, "refunded": refunded["id"]}


async def spread(database: Database) -> None:
    """The orders that rest, each some hours further back, and what was done about them."""

    async def write(conn: Any) -> None:
        rows = await conn.execute(text("SELECT id FROM orders WHERE state = 'settled' ORDER BY created_at"))
        for place, row in enumerate(list(rows)[:18]):
            values = {"id": row.id, "ms": (place * place * 2 + 1) * HOUR}
            for column in ("channel_created_at", "settled_at", "created_at", "updated_at"):
                await conn.execute(text(f"UPDATE orders SET {column} = {column} - :ms WHERE id = :id"), values)
            for column in ("claimed_at", "acted_at", "ended_at"):
                await conn.execute(text(f"UPDATE ledger SET {column} = {column} - :ms WHERE order_id = :id"), values)
            await conn.execute(text("UPDATE changelog SET at = at - :ms WHERE order_id = :id"), values)

    await database.write(write)


async def signed_in(database: Database) -> str:
    """The cookie of a manager."""
    await add_user(database, "kim", "a sentence to remember", "manager", "kim")

    async def begin(conn: Any) -> str:
        user = await users.by_name(conn, "kim")
        assert user is not None
        return await sessions.begin(conn, user.id)

    return await database.write(begin)


async def taken(browser: Browser, service: Service, known: dict[str, str], cookie: str) -> None:
    url = f"http://127.0.0.1:{service.port}"
    for one in PICTURES:
        context = await browser.new_context(
            viewport={"width": one.width, "height": one.height},
            color_scheme="dark" if one.scheme == "dark" else "light",
            timezone_id="UTC",
            reduced_motion="reduce",
        )
        if one.name != "sign-in":
            sent: Any = {"name": "__Host-bridge_session", "value": cookie, "domain": "127.0.0.1", "path": "/"}
            sent |= {"secure": True, "httpOnly": True}
            await context.add_cookies([sent])
        page = await context.new_page()
        answer = await page.goto(url + one.path.format_map(known))
        assert answer is not None
        assert answer.status == 200, f"{one.path}: {answer.status}"
        clip: dict[str, float] = {"x": 0, "y": 0, "width": one.width, "height": one.height, "scale": 1}
        if one.from_:
            box = await page.locator(one.from_).bounding_box()
            assert box is not None
            height = min(one.height, box["height"] + 24)
            clip |= {"x": box["x"] - 12, "y": box["y"] - 12, "width": box["width"] + 24, "height": height}
        asked = {"format": "webp", "quality": 82, "clip": clip, "captureBeyondViewport": True}
        protocol = await context.new_cdp_session(page)
        made = base64.b64decode((await protocol.send("Page.captureScreenshot", asked))["data"])
        assert len(made) <= LARGEST, f"{one.name} has {len(made)} bytes"
        (FOLDER / f"{one.name}.webp").write_bytes(made)
        print(f"{one.name}.webp {len(made) // 1000} kB")
        await context.close()


async def main() -> None:
    from tests.integration.pages.chromium import launched

    FOLDER.mkdir(exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-pictures-")))
        url = f"sqlite:///{folder / 'bridge.db'}"
        async with opened(url) as database:
            await migrate(database)
        play = await stack.enter_async_context(stage(folder, url, regions=2))
        async with play.inside(sweep_interval=5):
            known = await played(play)
        # One SQLite file takes one service, and this while none runs.
        async with opened(url) as database:
            await spread(database)
            cookie = await signed_in(database)
        browser = await stack.enter_async_context(launched())
        async with play.inside(public_url=SHOWN_AS) as service:
            await taken(browser, service, known, cookie)


if __name__ == "__main__":
    os.umask(0o022)
    asyncio.run(main())
