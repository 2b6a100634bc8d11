"""Who may see the pages, who may change things, and what becomes of forms that are forged, late or guessed."""

from __future__ import annotations

import asyncio
import re
from contextlib import ExitStack
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from bridge.storage import sessions, users
from bridge.storage.engine import Database
from bridge.storage.errors import InUse
from bridge.storage.failed_sign_ins import ADDRESS, BOTH, NAME
from bridge.storage.users import Role
from bridge.web import passwords
from bridge.web.pages.table import ROUTES
from bridge.web.pages.visits import HOME, local_path
from bridge.web.users import add_user, change_password, change_role, first_user
from tests.integration.pages.browsing import PASSWORD, Browser, signed_in
from tests.integration.web.house import House, opened


async def change(house: House, sql: str, **values: Any) -> None:
    async def write(conn: Any) -> None:
        await conn.execute(text(sql), values)

    await house.db.write(write)


async def test_a_stranger_is_led_to_the_sign_in_and_then_to_what_was_asked_for(house: House) -> None:
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    browser = Browser(house)
    asked = await browser.get("/users?x=1")
    assert (asked.status, asked.url) == (200, "/sign-in?next=/users?x%3D1")
    wrong = await browser.submit(asked, "/sign-in", name="admin", password="not it at all")
    assert wrong.status == 422
    assert "do not match" in wrong.words
    assert ("name", "admin") in wrong.form("/sign-in").fields, "what was typed stays, but for the password"
    assert ("password", "") in wrong.form("/sign-in").fields
    there = await browser.submit(wrong, "/sign-in", name="ADMIN ", password=PASSWORD)
    assert (there.status, there.url) == (200, "/users?x=1")
    out = await browser.submit(there, "/sign-out")
    assert out.url == "/sign-in"
    assert not browser.cookies
    assert (await browser.get("/users")).url.startswith("/sign-in")


async def test_every_page_but_the_sign_in_wants_a_session_and_every_form_a_token(house: House) -> None:
    stranger, known = Browser(house), await signed_in(house)
    for route in ROUTES:
        path = re.sub(r"{\w+}", "1", route.path)
        if route.open:
            continue
        assert (await stranger.send(route.method, path)).url.startswith("/sign-in"), route.path
        if route.method == "POST":
            bare = await known.send("POST", path, data={"csrf": "0" * 64})
            assert bare.status == 403, route.path
            assert "nothing was changed" in bare.words
            foreign = await known.send("POST", path, data={}, headers={"Sec-Fetch-Site": "cross-site"})
            assert foreign.status == 403, route.path


async def test_a_viewer_looks_and_changes_nothing_but_the_own_account(house: House) -> None:
    viewer = await signed_in(house, "vera", Role.VIEWER)
    page = await viewer.get("/users")
    assert page.status == 200
    assert [one.action for one in page.forms] == ["/sign-out"]
    token = dict(page.forms[0].fields)["csrf"]
    for route in ROUTES:
        if route.method == "POST" and not route.own and not route.open:
            path = re.sub(r"{\w+}", "1", route.path)
            refused = await viewer.send("POST", path, data={"csrf": token})
            assert refused.status == 403, route.path
            assert "may look" in refused.words
    zone = await viewer.submit(await viewer.get("/account"), "/account/zone", zone="Europe/Berlin")
    assert zone.status == 200
    assert "Europe/Berlin" in zone.words
    assert viewer.cookies["bridge_zone"] == "Europe/Berlin"


async def test_guessing_is_stopped_for_one_name_from_one_address_without_locking_out_others(house: House) -> None:
    await add_user(house.db, "other", PASSWORD, "viewer", "test")
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    browser = Browser(house)
    for _ in range(BOTH):
        assert (await browser.sign_in(password="guess number one")).status == 422
    blocked = await browser.sign_in()
    assert blocked.status == 429
    assert "15 minutes" in blocked.words
    assert "Sign out" in (await browser.sign_in("other")).words
    await change(house, "UPDATE failed_sign_ins SET since = since - :ms", ms=16 * 60_000)
    again = Browser(house)
    assert "Sign out" in (await again.sign_in()).words
    unknown = Browser(house)
    assert "do not match" in (await unknown.sign_in("nobody")).words, "a name that is not there is answered alike"


async def test_behind_a_proxy_a_stranger_closes_the_sign_in_for_nobody_else(house: House) -> None:
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    strangers = [Browser(house, f"{forged}, 198.51.100.1") for forged in ("203.0.113.7", "10.0.0.1", "127.0.0.1")]
    tried = [await one.sign_in(password="guess number one") for one in strangers * 2]
    assert [one.status for one in tried] == [422] * BOTH + [429], "what a stranger writes before the proxy is nothing"
    assert "Sign out" in (await Browser(house, "203.0.113.7").sign_in()).words


async def test_where_the_address_is_not_known_only_the_name_is_limited(house: House) -> None:
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    stranger = Browser(house, None)
    page = await stranger.get("/sign-in")
    for n in range(ADDRESS + 1):
        assert (await stranger.submit(page, "/sign-in", name=f"name {n}", password="guess")).status == 422
    for _ in range(NAME - 1):
        assert (await stranger.submit(page, "/sign-in", name="admin", password="guess")).status == 422
    assert "Sign out" in (await Browser(house, None).sign_in()).words
    assert (await stranger.submit(page, "/sign-in", name="admin", password="guess")).status == 422
    assert (await Browser(house, None).sign_in()).status == 429


async def test_a_new_password_opens_the_name_again_for_every_address(house: House) -> None:
    known = await signed_in(house, "ben")
    await add_user(house.db, "admin", PASSWORD, "manager", "test")
    admin = await house.db.read(lambda conn: users.by_name(conn, "admin"))
    assert admin is not None
    addresses = ("203.0.113.7", "198.51.100.1")

    async def closed() -> None:
        for address in addresses:
            for _ in range(BOTH):
                await Browser(house, address).sign_in("Admin", "guess number one")
            blocked = await Browser(house, address).sign_in()
            assert blocked.status == 429
            assert "A new password opens the name at once" in blocked.words

    async def opened_with(password: str) -> None:
        for address in addresses:
            assert "Sign out" in (await Browser(house, address).sign_in(password=password)).words

    await closed()
    # What `bridge users password` sends.
    sent = await house.ask("PATCH", "/api/v1/users/ADMIN", json={"password": "a sentence by command"})
    assert sent.status == 200
    await opened_with("a sentence by command")
    await closed()
    page = await known.get(f"/users/{admin.id}")
    await known.submit(page, f"/users/{admin.id}/password", password="a sentence by a page")
    await opened_with("a sentence by a page")


async def test_guesses_sent_at_once_are_no_more_guesses(database: Database) -> None:
    async with opened(database) as house:
        await add_user(house.db, "admin", PASSWORD, "manager", "test")
        browser = Browser(house)
        page = await browser.get("/sign-in")
        guesses = (browser.submit(page, "/sign-in", name="admin", password=f"guess number {n}") for n in range(40))
        answers = [guess.status for guess in await asyncio.gather(*guesses)]
        assert sorted(answers) == [422] * BOTH + [429] * (40 - BOTH)


async def test_with_too_many_in_the_queue_a_visitor_is_told_so_and_it_counts_for_nothing(house: House) -> None:
    browser = await signed_in(house)
    stranger = Browser(house)
    with ExitStack() as stack:
        for _ in range(passwords.PLACES):
            stack.enter_context(passwords.place())
        for _ in range(BOTH + 1):
            told = await stranger.sign_in()
            assert (told.status, told.headers["Retry-After"]) == (429, "5")
            assert "Too many sign in at this moment" in told.words
            assert ("name", "admin") in told.form("/sign-in").fields
        own = await browser.submit(await browser.get("/account"), "/account/password", current=PASSWORD)
        assert (own.status, own.headers["Retry-After"]) == (429, "5")
    assert "Sign out" in (await stranger.sign_in()).words


async def test_a_session_ends_and_a_form_sent_after_it_changes_nothing(house: House) -> None:
    browser = await signed_in(house)
    page = await browser.get("/users")
    await change(house, "UPDATE sessions SET seen_at = seen_at - :ms", ms=int(sessions.IDLE.total_seconds() * 1000))
    ended = await browser.submit(page, "/users", name="late", password=PASSWORD)
    assert "session had ended" in ended.words
    assert "nothing was changed" in ended.words
    assert ended.url == "/sign-in?next=/users&ended=1"
    assert await house.db.read(lambda conn: users.by_name(conn, "late")) is None
    back = await browser.submit(ended, "/sign-in", name="admin", password=PASSWORD)
    assert back.url == "/users"


async def test_users_are_added_changed_and_removed_and_the_audit_tells(browser: Browser) -> None:
    house = browser.house
    page = await browser.get("/users")
    short = await browser.submit(page, "/users", name="vera", password="short")
    assert short.status == 422
    assert "at least 10" in short.words
    assert ("name", "vera") in short.form("/users").fields
    added = await browser.submit(short, "/users", name="vera", password=PASSWORD, role="viewer")
    assert added.url == "/users"
    assert "vera may sign in now" in added.words
    assert "may sign in now" not in (await browser.get("/users")).words, "said once"
    taken = await browser.submit(added, "/users", name="Vera", password=PASSWORD)
    assert taken.status == 409
    assert "already" in taken.words
    vera = await house.db.read(lambda conn: users.by_name(conn, "vera"))
    assert vera is not None
    theirs = Browser(house)
    await theirs.sign_in("vera")
    one = await browser.get(f"/users/{vera.id}")
    await browser.submit(one, f"/users/{vera.id}/password", password="another long sentence")
    assert (await theirs.get("/users")).url.startswith("/sign-in"), "a new password ends the sessions"
    await browser.submit(one, f"/users/{vera.id}/role", role="manager")
    me = await house.db.read(lambda conn: users.by_name(conn, "admin"))
    assert me is not None
    gone = await browser.submit(await browser.get(f"/users/{me.id}"), f"/users/{me.id}/remove")
    assert gone.url.startswith("/sign-in"), "who removes the own user is out"
    assert "Sign out" in (await theirs.sign_in("vera", "another long sentence")).words
    last = await theirs.submit(await theirs.get(f"/users/{vera.id}"), f"/users/{vera.id}/remove")
    assert last.status == 409
    assert "Nobody would be left" in last.words
    told = (await house.ask("GET", "/api/v1/audit?limit=200")).json["changes"]
    theirs_were = {f"user {vera.id} {done}" for done in ("added", "role", "password")}
    assert theirs_were | {f"user {me.id} removed"} <= {one["what"] for one in told}
    assert "argon2" not in str(told)
    assert "sentence" not in str(told)


async def test_the_own_password_wants_the_present_one(browser: Browser) -> None:
    page = await browser.get("/account")
    new = "quite another sentence"
    wrong = await browser.submit(page, "/account/password", current="no", password=new, again=new)
    assert wrong.status == 422
    assert "not your present password" in wrong.words
    differ = await browser.submit(page, "/account/password", current=PASSWORD, password=new, again="x")
    assert differ.status == 422
    assert "differ" in differ.words
    done = await browser.submit(page, "/account/password", current=PASSWORD, password=new, again=new)
    assert done.status == 200, "and stays signed in"
    assert "was changed" in done.words
    assert "Sign out" in (await Browser(browser.house).sign_in(password=new)).words


async def test_the_present_password_cannot_be_guessed_in_an_open_session_either(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    real = passwords.matches

    async def noted(stored: str | None, password: str) -> bool:
        looked_at.append(password)
        return await real(stored, password)

    monkeypatch.setattr(passwords, "matches", noted)
    page, new = await browser.get("/account"), "quite another sentence"
    for tried in [PASSWORD, *["no"] * (BOTH - 1), "x" * (passwords.LONGEST + 1)]:
        # What is given back is the attempt that was right; a mistake in the new password is none in the present one.
        one = await browser.submit(page, "/account/password", current=tried, password=new, again="x")
        assert one.status == 422
        assert ("not your present password" in one.words) is (tried != PASSWORD)
    assert max(map(len, looked_at)) <= passwords.LONGEST
    blocked = await browser.submit(page, "/account/password", current=PASSWORD, password=new, again=new)
    assert blocked.status == 429
    assert "15 minutes" in blocked.words
    assert (await Browser(browser.house).sign_in()).status == 429, "the attempts are counted together"


def change_meanwhile(house: House, patch: pytest.MonkeyPatch, password: str) -> None:
    """The next password is looked at, and found right or wrong; before it is acted on, admin has this one."""
    real = passwords.matches

    async def overtaken(stored: str | None, typed: str) -> bool:
        found = await real(stored, typed)
        patch.setattr(passwords, "matches", real)
        await change_password(house.db, "admin", password, "test")
        return found

    patch.setattr(passwords, "matches", overtaken)


@pytest.mark.parametrize("outdated", [False, True], ids=["hash_of_today", "hash_of_old"])
async def test_a_password_that_changes_while_the_old_one_is_looked_at_stays_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, outdated: bool
) -> None:
    async with opened(database) as house:
        admin = await add_user(house.db, "admin", PASSWORD, "manager", "test")
        if outdated:
            older = PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1).hash(PASSWORD)
            await house.db.write(lambda conn: users.set_password(conn, admin.id, older))
        new, late = "quite another sentence", Browser(house)
        change_meanwhile(house, monkeypatch, new)
        refused = await late.sign_in()
        assert refused.status == 422
        assert "do not match" in refused.words
        assert not late.cookies
        assert (await Browser(house).sign_in()).status == 422, "the old one is not brought back"
        assert "Sign out" in (await Browser(house).sign_in(password=new)).words


async def test_the_own_password_is_changed_over_the_present_one_alone(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, stolen = "quite another sentence", "a sentence of a thief"
    page = await browser.get("/account")
    change_meanwhile(browser.house, monkeypatch, new)
    late = await browser.submit(page, "/account/password", current=PASSWORD, password=stolen, again=stolen)
    assert late.status == 422
    assert "changed meanwhile" in late.words
    assert (await browser.get("/account")).url.startswith("/sign-in")
    assert "Sign out" in (await Browser(browser.house).sign_in(password=new)).words


async def test_an_outdated_hash_is_made_anew_by_who_signs_in(house: House) -> None:
    admin = await add_user(house.db, "admin", PASSWORD, "manager", "test")
    older = PasswordHasher(time_cost=2, memory_cost=1024, parallelism=1).hash(PASSWORD)
    await house.db.write(lambda conn: users.set_password(conn, admin.id, older))
    assert "Sign out" in (await Browser(house).sign_in()).words
    stored = await house.db.read(lambda conn: users.get(conn, admin.id))
    assert stored is not None
    assert stored.password != older
    assert "Sign out" in (await Browser(house).sign_in()).words


async def test_the_first_user_is_made_once_and_nobody_is_left_without_a_manager(database: Database) -> None:
    async with opened(database) as house:
        made_up = await first_user(house.db, None)
        assert made_up is not None
        assert len(made_up) >= 20
        assert await first_user(house.db, None) is None
        assert "Sign out" in (await Browser(house).sign_in(password=made_up)).words
        admin = await house.db.read(lambda conn: users.by_name(conn, "admin"))
        assert admin is not None
        with pytest.raises(InUse):
            await change_role(house.db, admin.id, "viewer", "test")


async def test_pages_carry_their_policy_and_no_secret(browser: Browser) -> None:
    page = await browser.get("/users")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "form-action 'self'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert len(page.html.encode()) < 100_000
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", page.html), "nothing inline that the policy would refuse"
    name, cookie = next(iter(browser.cookies.items()))
    assert name == "__Host-bridge_session"
    assert cookie not in page.html
    assert "argon2" not in page.html
    script = re.search(r'src="(/assets/[^"]+)"', page.html)
    assert script is not None
    assert (await browser.get(script[1])).headers["Content-Type"].startswith("text/javascript")
    missing = await browser.get("/nowhere")
    assert missing.status == 404
    assert "no page at this address" in missing.words
    assert (await browser.house.ask("GET", "/nowhere")).json["status"] == 404, "a program is answered in JSON"


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/orders?x=1", "/orders?x=1"),
        ("//evil.test", HOME),
        ("https://evil.test", HOME),
        ("/\\evil.test", HOME),
        ("/a\nb", HOME),
        ("", HOME),
    ],
)
def test_a_sign_in_leads_to_pages_of_ours_only(path: str, leads_to: str) -> None:
    assert local_path(path) == leads_to
