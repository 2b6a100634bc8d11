"""Alerts in the browser: added, the secret shown once, tested, changed, removed; and the outbox with its reasons."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.domain.outcomes import Retry
from bridge.storage import alerts, attention
from bridge.storage.tables import alerts as table
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.pages.seeding import HOSTILE
from tests.integration.web.fakes import FakeSender
from tests.integration.web.house import House


def sender(house: House) -> FakeSender:
    found = house.desk.alert_senders["webhook"]
    assert isinstance(found, FakeSender)
    return found


async def raise_items(conn: AsyncConnection, kind: str, count: int) -> None:
    for number in range(count):
        await attention.raise_item(
            conn,
            kind=kind,
            fingerprint=f"f{number}",
            title=f"Question {number} {HOSTILE}",
            because="so",
            what_to_do="look",
            facts={},
            connection_id=f"con_{number}",
        )


async def add(browser: Browser, name: str = "Ops", **fields: Any) -> str:
    """The new target's page."""
    given: dict[str, Any] = {"kind": "webhook", "address": "https://hooks.example", "name": name, **fields}
    made = await browser.submit(await browser.get("/alerts"), "/alerts", **given)
    assert made.status == 200, made.words
    return next(link for link in (made.url, *made.links) if link.startswith("/alerts/tgt_"))


async def test_a_target_is_added_tested_changed_and_removed(house: House, browser: Browser) -> None:
    page = await browser.get("/alerts")
    assert "Nobody is told yet" in page.words
    wrong = await browser.submit(page, "/alerts", kind="webhook", address="nowhere", name=HOSTILE)
    assert (wrong.status, "must look like https://hooks.example" in wrong.words) == (422, True)
    assert 'href="#address"' in wrong.html
    assert {("address", "nowhere"), ("name", HOSTILE), ("kind", "webhook")} <= set(wrong.form("/alerts").fields)
    assert "<script>alert" not in wrong.html
    empty = await browser.submit(page, "/alerts", address="")
    assert (empty.status, "Say where to" in empty.words) == (422, True)
    none = await browser.submit(page, "/alerts", address="https://hooks.example", which="only")
    assert (none.status, "Tick at least one kind" in none.words) == (422, True)

    given: dict[str, Any] = {"which": "only", "kinds": ["brake", "poison"], "name": HOSTILE}
    made = await browser.submit(page, "/alerts", kind="webhook", address="https://hooks.example", **given)
    assert "whsec_made" in made.words
    assert "<script>alert" not in made.html
    here = next(link for link in made.links if link.startswith("/alerts/tgt_"))
    one = await browser.get(here)
    assert "whsec_made" not in one.html, "shown once"
    assert [value for name, value in one.form(here).fields if name == "kinds"] == ["brake", "poison"]

    tested = await browser.submit(one, f"{here}/test")
    assert "The test arrived. It was taken: 202" in tested.words
    assert sender(house).sent[0][1].test
    sender(house).outcome = Retry(f"the other side says {HOSTILE}")
    failed = await browser.submit(tested, f"{here}/test")
    assert "The test did not arrive: the other side says" in failed.words
    assert "<script>alert" not in failed.html


async def test_it_is_renamed_told_of_other_kinds_switched_off_and_removed(house: House, browser: Browser) -> None:
    here = await add(browser, secret="whsec_mine", kind="email")
    page = await browser.get(here)
    nameless = await browser.submit(page, here, name="")
    assert (nameless.status, "Give it a name" in nameless.words) == (422, True)
    saved = await browser.submit(page, here, name="Night", which="only", kinds=["brake"], enabled=False)
    assert (
        "It is called Night now. It is told of only 1 kind. It is off; what waited for it was dropped." in saved.words
    )
    assert "switched off" in saved.words
    assert not [form for form in saved.forms if form.action.endswith("/test")]
    same = await browser.submit(saved, here)
    assert "Nothing was different" in same.words
    assert "switched off" in (await browser.get("/alerts")).words
    gone = await browser.submit(same, f"{here}/remove")
    assert (gone.url, "Night is told nothing more" in gone.words) == ("/alerts", True)
    assert (await browser.get(here)).status == 404
    audited = await house.rows("SELECT who, what FROM audit WHERE what LIKE 'alert target%' ORDER BY id")
    assert [row["who"] for row in audited] == ["user admin"] * 3


async def test_a_form_sent_twice_adds_one_target_and_removes_it_once(house: House, browser: Browser) -> None:
    page = await browser.get("/alerts")
    given: dict[str, Any] = {"kind": "webhook", "address": "https://hooks.example", "name": "Ops"}
    made = await browser.submit(page, "/alerts", **given)
    assert "whsec_made" in made.words
    again = await browser.submit(page, "/alerts", **given)
    here = again.url
    assert here.startswith("/alerts/tgt_")
    assert "Ops is there already, with just these settings, so nothing was added." in again.words
    assert "Its secret was shown when it was added" in again.words
    assert "whsec_made" not in again.html
    mail: dict[str, Any] = {"kind": "email", "address": "ops@example.com", "which": "only", "kinds": ["brake"]}
    mails = [await browser.submit(page, "/alerts", **mail, secret="whsec_x") for _ in range(2)]
    assert mails[0].url == mails[1].url != here
    assert "secret" not in mails[1].words
    assert len(await house.rows("SELECT id FROM alert_targets")) == 2
    assert len(await house.rows("SELECT id FROM audit WHERE what LIKE 'alert target%'")) == 2
    # What differs is another target.
    for other in ({"name": "Night"}, {"which": "only", "kinds": ["brake"]}, {"secret": "whsec_own"}):
        assert "is there already" not in (await browser.submit(page, "/alerts", **(given | other))).words
    await browser.submit(await browser.get(mails[0].url), mails[0].url, enabled=False)
    assert "is there already" not in (await browser.submit(page, "/alerts", **mail, secret="whsec_x")).words
    assert len(await house.rows("SELECT id FROM alert_targets")) == 6

    shown = await browser.get(here)
    await browser.submit(shown, f"{here}/remove")
    gone = await browser.submit(shown, f"{here}/remove")
    assert (gone.status, gone.url) == (200, "/alerts")
    assert "There is no such target any more: it is told nothing." in gone.words
    assert (await house.ask("DELETE", f"/api/v1/alert-targets/{here.rpartition('/')[2]}")).status == 404


async def test_the_outbox_says_why_and_what_next_and_is_filtered(house: House, browser: Browser) -> None:
    targets = [(await add(browser, name, secret="whsec_x")).removeprefix("/alerts/") for name in ("Ops", "Night")]

    await house.db.write(lambda conn: raise_items(conn, AttentionKind.BRAKE.value, 30))
    page = await browser.get("/alerts/outbox")
    assert "Question 29" in page.words
    assert "It goes out within about a minute" in page.words
    assert "<script>alert" not in page.html
    rest = await browser.get(next(one for one in page.links if "cursor=" in one))
    assert "Question 0" in rest.words
    rows = await house.rows("SELECT target_id FROM alerts")
    assert len(rows) == 60

    async def fail(conn: AsyncConnection) -> None:
        await conn.execute(table.update().where(table.c.target_id == targets[0]).values(message_id="msg_1"))
        await alerts.not_sent(conn, targets[0], "msg_1", f"550 {HOSTILE}", again_in=None)

    await house.db.write(fail)
    failed = await browser.submit(page, "/alerts/outbox", state="failed", target=targets[0])
    assert "550 <script>" in failed.words
    assert "<script>alert" not in failed.html
    assert "It is not tried again. Mend what the reason names" in failed.words
    assert "(1 attempt)" in failed.words
    none = await browser.submit(page, "/alerts/outbox", state="failed", target=targets[1])
    assert "Nothing of this kind was told" in none.words
    listed = await browser.get("/alerts")
    assert "30 given up" in listed.words
    assert "does not get through" in listed.words
    assert (await browser.get("/alerts/outbox?state=frobnicate")).status == 422
    assert (await browser.get("/alerts/outbox?cursor=x")).status in {400, 422}


async def test_viewers_see_and_change_nothing(house: House, browser: Browser) -> None:
    here = await add(browser, secret="whsec_x")
    viewer = await signed_in(house, "anna", Role.VIEWER)
    for path in ("/alerts", here):
        page = await viewer.get(path)
        assert page.status == 200
        assert [form.action for form in page.forms] == ["/sign-out"]
    mine = await browser.get(here)
    csrf = next(value for name, value in mine.form(here).fields if name == "csrf")
    assert (await viewer.send("POST", f"{here}/remove", data={"csrf": csrf})).status == 403
    assert (await browser.get(here)).status == 200
