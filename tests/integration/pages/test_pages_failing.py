"""A database that fails: looking goes on as far as it can, what was saved is said to be, what was typed is not lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage.engine import Database
from bridge.storage.errors import CommitUnknown, StorageDown
from bridge.web.keyring import Keyring
from bridge.web.tokens import make_token
from tests.integration.pages.browsing import PASSWORD, Browser, Page, signed_in
from tests.integration.pages.seeding import an_order
from tests.integration.web.house import TIKTOK, House, opened

SYNC = "/settings/cancellation-sync"
CHANGED: dict[str, Any] = {"channel_to_store/restock": "no"}


async def execute(db: Database, *statements: str) -> None:
    async def write(conn: AsyncConnection) -> None:
        for statement in statements:
            await conn.execute(text(statement))

    await db.write(write)


async def nothing_can_be_written(db: Database) -> None:
    """As with a file that became read-only."""
    await execute(db, "PRAGMA query_only = 1")


def broken(
    db: Database, monkeypatch: pytest.MonkeyPatch, *, after: int = 0, reads: bool = False, problem: type = StorageDown
) -> None:
    """Writes fail once so many of them went through; `reads`: so do reads."""
    plain, count = db.write, 0

    async def write(fn: Callable[[Any], Awaitable[Any]], **more: Any) -> Any:
        nonlocal count
        count += 1
        if count > after:
            raise problem("the database db.internal cannot be used: the disk is full")
        return await plain(fn, **more)

    async def read(_fn: Callable[[Any], Awaitable[Any]]) -> Any:
        raise problem("the database db.internal cannot be used: nobody listens there")

    monkeypatch.setattr(db, "write", write)
    if reads:
        monkeypatch.setattr(db, "read", read)


# --- looking, where nothing can be written ----------------------------------------------------------------------------


async def test_looking_goes_on_where_the_last_visit_cannot_be_written(house: House, browser: Browser) -> None:
    await execute(house.db, "UPDATE sessions SET seen_at = seen_at - 600000")
    await nothing_can_be_written(house.db)
    for path in ("/", "/orders", "/attention", "/users", "/audit"):
        page = await browser.get(path)
        assert page.status == 200, page.words


async def test_a_token_reads_on_where_its_last_use_cannot_be_written(house: House) -> None:
    _, token = await make_token(house.db, "report", ("read",), "test")
    await nothing_can_be_written(house.db)
    answer = await house.ask("GET", "/api/v1/orders", token=False, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 200, answer.text


# --- what was saved is said to be -------------------------------------------------------------------------------------


async def test_what_was_saved_is_answered_as_saved_where_it_cannot_be_said_again(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop_id, _ = await house.tied_shop()
    page = await browser.get(f"{SYNC}/{shop_id}")
    broken(house.db, monkeypatch, after=1)
    saved = await browser.submit(page, f"{SYNC}/{shop_id}", **CHANGED)
    assert (saved.status, saved.url) == (200, f"{SYNC}/{shop_id}"), saved.words
    assert (await house.shop(shop_id)).settings.cancellation_sync.channel_to_store.restock is False


async def test_a_connection_is_forgotten_where_the_keys_cannot_be_read_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await house.connect_magento()

    async def read(self: Keyring) -> None:
        raise StorageDown("nobody listens there")

    monkeypatch.setattr(Keyring, "_read", read)
    gone = await house.ask("DELETE", f"/api/v1/connections/{store['id']}")
    assert gone.status == 204, gone.text
    made = await house.ask("GET", f"/api/v1/connections/{store['id']}")
    assert made.status == 404


async def test_what_is_announced_is_in_the_audit_or_not_announced(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, body in enumerate(
        (
            {"kind": "magento", "url": "https://new.test"},
            {"kind": "tiktok", "credentials": {"app_key": "a", "app_secret": "s", "service_id": "1"}},
        )
    ):
        broken(house.db, monkeypatch, after=1)
        await house.ask("POST", "/api/v1/connections", json=body)
        monkeypatch.undo()
        announced = await house.rows("SELECT id FROM connections ORDER BY id")
        noted = await house.rows("SELECT what FROM audit WHERE what LIKE '%announced' ORDER BY id")
        assert [row["what"] for row in noted] == [f"connection {row['id']} announced" for row in announced]
        assert len(noted) == place + 1


# --- what was typed is not lost ---------------------------------------------------------------------------------------


async def test_an_outage_offers_to_send_the_same_form_again(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop_id, _ = await house.tied_shop()
    action = f"{SYNC}/{shop_id}"
    page = failed = await browser.get(action)
    for reads in (False, True):
        broken(house.db, monkeypatch, reads=reads)
        failed = await browser.submit(page, action, **CHANGED)
        assert failed.status == 503
        assert "db.internal" not in failed.html
        assert "nothing was changed" not in failed.words
        assert ("channel_to_store/restock", "no") in failed.form(action).fields
        assert "Send it again" in failed.words
        assert failed.headers["Retry-After"]
        # It fails once more; then the database is back.
        failed = await browser.submit(failed, action)
        assert (failed.status, ("channel_to_store/restock", "no") in failed.form(action).fields) == (503, True)
        assert action in failed.links, "the page that held the form"
        monkeypatch.undo()
    saved = await browser.submit(failed, action)
    assert (saved.status, saved.url) == (200, action), saved.words
    assert (await house.shop(shop_id)).settings.cancellation_sync.channel_to_store.restock is False


async def test_nothing_secret_is_offered_again(house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    page = await browser.get("/users")
    secret = "nobody may see this sentence"
    broken(house.db, monkeypatch, reads=True)
    failed = await browser.submit(page, "/users", name="vera", password=secret)
    assert failed.status == 503
    assert secret not in failed.html
    assert "Send it again" not in failed.words
    assert "/users" in failed.links
    assert "it was not kept" in failed.words


async def test_somebody_elses_form_is_not_offered_again(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(house.db, monkeypatch, reads=True)
    given = {"csrf": "0" * 64, "store_order": "mine"}
    forged = await browser.send("POST", "/orders/ord_x/link", data=given, at="/orders/ord_x")
    assert forged.status == 503
    assert "Send it again" not in forged.words
    assert "mine" not in forged.html
    away = await browser.send("POST", "/users", data={"name": "mine"}, headers={"Origin": "https://evil.test"})
    assert away.status == 403
    assert "mine" not in away.html


async def test_a_lost_commit_says_to_look_first(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop_id, _ = await house.tied_shop()
    page = await browser.get(f"{SYNC}/{shop_id}")
    broken(house.db, monkeypatch, problem=CommitUnknown)
    failed = await browser.submit(page, f"{SYNC}/{shop_id}", **CHANGED)
    assert failed.status == 503
    assert "may be made or not" in failed.words
    assert f"{SYNC}/{shop_id}" in failed.links


async def test_where_only_writing_fails_the_form_itself_is_shown_with_what_was_typed(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, tokens, alerts = [await browser.get(path) for path in ("/users", "/tokens", "/alerts")]
    connect = await browser.get("/connections/new/tiktok")
    broken(house.db, monkeypatch)
    outage = "The database cannot be used now"

    def holds(page: Page, action: str, *fields: tuple[str, str]) -> None:
        assert page.status == 503, page.words
        assert outage in page.words
        assert "Send it again" not in page.words, "the form itself is there"
        assert set(fields) <= set(page.form(action).fields)

    holds(
        await browser.submit(users, "/users", name="vera", password=PASSWORD, role="manager"),
        "/users",
        ("name", "vera"),
    )
    holds(await browser.submit(tokens, "/tokens", name="stock"), "/tokens", ("name", "stock"))
    where: dict[str, Any] = {"kind": "email", "address": "ops@shop.test"}
    holds(await browser.submit(alerts, "/alerts", **where), "/alerts", ("address", "ops@shop.test"))
    given: dict[str, Any] = {f"credentials/{name}": value for name, value in TIKTOK.items()}
    typed = await browser.submit(connect, "/connections/new/tiktok", **given | {"name": "Mine"})
    holds(typed, "/connections/new/tiktok", ("name", "Mine"), ("credentials/app_key", "app1"))
    assert "secret1" not in typed.html


async def test_a_mistake_of_ours_never_says_that_nothing_was_done(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = await an_order(house, AttentionKind.UNKNOWN_VALUE)
    page = await browser.get(f"/orders/{order_id}")

    async def fails(*_given: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(house.actions, "settle", fails)
    failed = await browser.submit(page, f"/orders/{order_id}/settle", allow_past=True)
    assert failed.status == 500
    assert "nothing was" not in failed.words
    assert f"/orders/{order_id}" in failed.links
    answer = await house.ask("POST", f"/api/v1/orders/{order_id}/settle", json={})
    assert (answer.status, "nothing was" in answer.text) == (500, False)


# --- the way back -----------------------------------------------------------------------------------------------------


async def test_an_address_of_a_form_is_a_page_that_leads_to_the_form(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    for path, back in (
        (f"{SYNC}/{shop_id}/store", f"{SYNC}/{shop_id}"),
        ("/users/usr_x/role", "/users/usr_x"),
        ("/tokens/tok_x/end", "/tokens"),
        ("/attention/att_x/reject", "/attention/att_x"),
        ("/sign-out", "/"),
    ):
        page = await browser.get(path)
        assert page.status == 405, path
        assert page.headers["Content-Type"].startswith("text/html")
        assert "POST" in page.headers["Allow"]
        assert back in page.links, path
    plain = await house.ask("GET", "/sign-out", token=False)
    assert (plain.status, plain.json["type"]) == (405, "/problems/method-not-allowed")
    api = await browser.get("/api/v1/sweeps")
    assert api.headers["Content-Type"].startswith("application/problem+json")


async def test_trying_again_asks_for_what_was_asked_for(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(house.db, monkeypatch, reads=True)
    page = await browser.get("/orders?state=held&query=57")
    assert page.status == 503
    assert "/orders?state=held&query=57" in page.links


async def test_after_a_failed_form_the_page_that_held_it_is_one_click_away(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await browser.get("/users?from=here")
    broken(house.db, monkeypatch, reads=True)
    failed = await browser.submit(page, "/users", name="vera", password=PASSWORD)
    assert "/users?from=here" in failed.links
    unsaid = await browser.send("POST", "/users/usr_x/role", data={"role": "viewer"})
    assert "/users/usr_x" in unsaid.links, "also where the browser does not tell"
    monkeypatch.undo()


async def test_a_dead_address_is_a_page_while_the_database_is_gone(sqlite_database: Database) -> None:
    async with opened(sqlite_database) as house:
        browser = await signed_in(house)
        await sqlite_database.close()
        for path, status in (("/nothing/here", 404), ("/sign-out", 405)):
            page = await browser.get(path)
            assert page.status == status
            assert page.headers["Content-Type"].startswith("text/html")
