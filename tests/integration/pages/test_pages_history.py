"""The past in the browser: begun, waited for, read, chosen from, confirmed and applied; and what a dry run left."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.ports import Applied
from bridge.storage import orders
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.pages.past import CANCEL, ON, REFUND, ran
from tests.integration.pages.seeding import HOSTILE
from tests.integration.web.house import House


async def test_a_run_is_begun_watched_and_wrong_input_is_said(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    page = await browser.get("/history")
    assert page.url == f"/history/{shop_id}"
    assert "The past of this shop was never looked at" in page.words
    here = f"/history/{shop_id}"
    for days in ("0", "91", "many", "3.5", "١٢٣"):
        wrong = await browser.submit(page, here, days=days)
        assert (wrong.status, "days from 1 to 90" in wrong.words) == (422, True), days
        assert ("days", days) in wrong.form(here).fields
        assert 'href="#days"' in wrong.html
    none = await browser.submit(page, here, store_to_channel=False, channel_to_store=False)
    assert (none.status, "Choose one direction or both" in none.words) == (422, True)
    house.actions.refuse = "a run over this shop's past is under way already: job job_9"
    assert (await browser.submit(page, here)).status == 409
    house.actions.refuse = ""
    begun = await browser.submit(page, here, days="7", channel_to_store=False)
    assert "The run has begun" in begun.words
    assert house.actions.looked_back == [(shop_id, 7, ("store_to_channel",), "user admin")]
    await ran(house, shop_id, ("577", "refund", "act", REFUND), state="running")
    under_way = await browser.get(here)
    assert "A run is under way" in under_way.words
    assert "12 of about 40" in under_way.words
    assert "data-reload" in under_way.html
    assert here in under_way.links, "Look again, without script"
    assert "577" in under_way.words
    assert not [form for form in under_way.forms if form.boxes], "a page that reloads holds nothing to tick"


async def test_orders_are_read_filtered_chosen_confirmed_and_answered_one_by_one(
    house: House, browser: Browser
) -> None:
    shop_id, _ = await house.tied_shop()
    put = await house.ask("PUT", f"/api/v1/shops/{shop_id}/cancellation-sync", json=ON)
    assert put.status == 200, put.text
    job = await ran(
        house,
        shop_id,
        ("571", "refund", "act", REFUND),
        ("572", "cancel", "act", CANCEL),
        ("573", None, "held", {"holds": [{"kind": "cannot_refund", "because": HOSTILE}], "total": "5.00 USD"}),
        ("574", None, "settled", {}),
        ("575", "cancel", "act", CANCEL),
    )
    await house.db.write(lambda conn: orders.ensure(conn, shop_id, "571"))
    page = await browser.get(f"/history/{shop_id}")
    assert "Credit memo in Store 1" in page.words
    assert "Cancellation on TikTok Shop 2" in page.words
    assert "2 × MUG, not restocked" in page.words
    assert "20.00 USD" in page.words
    assert "574" not in page.words
    assert "<script>alert" not in page.html
    only = await browser.get(f"/history/{shop_id}?effect=nothing")
    assert ("574" in only.words, "571" in only.words) == (True, False)
    assert "574" in (await browser.get(f"/history/{shop_id}?effect=all")).words
    assert "No order of this kind" in (await browser.get(f"/history/{shop_id}?effect=frobnicate")).words

    apply = f"/history/{shop_id}/apply"
    assert page.form(apply).boxes == {"order"}
    nothing = await browser.submit(page, apply)
    assert (nothing.status, "No order was chosen" in nothing.words) == (422, True)
    shown = await browser.submit(page, apply, order=["571", "572"])
    assert "1 × Credit memo in Store , for units worth 20.00 USD" in shown.words
    assert "1 × Cancellation on TikTok Shop" in shown.words
    assert "10.50 USD" in shown.words
    assert "It cannot be undone" in shown.words
    assert "counts as the seller's fault" in shown.words
    assert house.actions.applied == [], "nothing is done yet"
    all_of_page = await browser.submit(page, apply, ("all", "yes"))
    assert [value for name, value in all_of_page.form(apply).fields if name == "order"] == ["571", "572", "575"]
    assert "2 × Cancellation on TikTok Shop , for units worth 21.00 USD" in all_of_page.words

    house.actions.apply_answers = {"572": Applied("572", is_taken=False, says=f"no: {HOSTILE}")}
    done = await browser.submit(shown, apply)
    assert done.status == 200
    assert house.actions.applied == [(shop_id, job, ("571", "572"), "user admin")]
    assert "1 order was accepted, 1 refused" in done.words
    assert f"No: {HOSTILE}".split("<")[0] in done.words
    assert "<script>alert" not in done.html
    assert any(link.startswith("/orders/ord_") for link in done.links)
    assert f"/history/{shop_id}?job={job}" in done.links
    forged = await browser.send("POST", apply, data={"job": job, "order": "571"})
    assert forged.status == 403


async def test_what_stands_in_the_way_is_said_before_anybody_chooses(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    await ran(house, shop_id, ("571", "refund", "act", REFUND), ("572", "cancel", "act", CANCEL))
    page = await browser.get(f"/history/{shop_id}")
    assert "TikTok Shop cancellation is switched off: switch it on first" in page.words
    assert "Choose order 571" in page.html
    assert "Choose order 572" not in page.html, "its direction is off"
    none = await browser.get(f"/history/{shop_id}/apply?job={await newest(house)}&order=572&order=999")
    assert "None of these can be applied now" in none.words
    assert not [form for form in none.forms if form.action.startswith("/history")]
    await house.ask("PUT", f"/api/v1/shops/{shop_id}", json={"dry_run": True})
    dry = await browser.get(f"/history/{shop_id}")
    assert "in dry run, in which nothing is done" in dry.words
    assert "Choose order" not in dry.html


async def newest(house: House) -> str:
    found = await house.rows("SELECT id FROM jobs ORDER BY id DESC")
    return str(found[0]["id"])


async def test_what_a_dry_run_would_have_done_is_listed_and_pages_lead_on(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()

    async def write(conn: AsyncConnection) -> None:
        for number in range(60):
            record = await orders.ensure(conn, shop_id, f"58{number:02}")
            because = f"dry run: would refund. {HOSTILE} {number}" if number else "waits for its payment"
            await orders.update(conn, record.id, state="waiting", because=because)

    await house.db.write(write)
    page = await browser.get(f"/history/{shop_id}")
    assert "Would refund." in page.words
    assert "waits for its payment" not in page.words
    assert "Dry run is off now" in page.words
    assert "<script>alert" not in page.html
    whole = await browser.get(f"/history/{shop_id}/dry-run")
    assert ("5859" in whole.words, "5801" in whole.words) == (True, False)
    rest = await browser.get(next(one for one in whole.links if "cursor=" in one))
    assert ("5801" in rest.words, "5800" in rest.words) == (True, False)
    assert (await browser.get(f"/history/{shop_id}/dry-run?cursor=x")).status in {400, 422}


async def test_viewers_see_it_and_change_nothing_and_the_list_leads_on(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    rows = [(f"6{number:03}", "refund", "act", REFUND) for number in range(60)]
    job = await ran(house, shop_id, *rows)
    viewer = await signed_in(house, "anna", Role.VIEWER)
    page = await viewer.get(f"/history/{shop_id}?effect=refund")
    assert "Credit memo in Store" in page.words
    assert {form.method for form in page.forms if form.action != "/sign-out"} <= {"get"}
    assert not any(form.boxes for form in page.forms)
    rest = await viewer.get(next(one for one in page.links if "cursor=" in one))
    assert ("6059" in rest.words, "6000" in rest.words) == (True, False)
    shown = await viewer.get(f"/history/{shop_id}/apply?job={job}&order=6000")
    assert [form.action for form in shown.forms] == ["/sign-out"]
    for missing in (f"/history/{shop_id}?job=job_none", "/history/shp_none", f"/history/{shop_id}/apply?job=x&order=1"):
        assert (await viewer.get(missing)).status == 404, missing
    assert len((await browser.get(f"/history/{shop_id}")).html.encode()) < 100_000
