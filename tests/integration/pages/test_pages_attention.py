"""Needs attention in the browser: by cause, with deadlines, and answered there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind
from bridge.storage import attention, cursors, orders
from bridge.storage.users import Role
from bridge.web.pages.filters import marked
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.pages.seeding import HOSTILE, an_order
from tests.integration.web.house import House


async def item_of(house: House) -> str:
    return str((await house.rows("SELECT id FROM attention"))[0]["id"])


async def raise_for(house: House, kind: AttentionKind, shop_id: str, **more: Any) -> str:
    async def write(conn: AsyncConnection) -> None:
        await attention.raise_item(
            conn,
            kind=kind.value,
            fingerprint="f",
            title=f"About {kind.value}",
            because=HOSTILE,
            what_to_do="Look",
            facts={"limit": 30},
            shop_id=shop_id,
            **more,
        )

    await house.db.write(write)
    return str((await house.rows(f"SELECT id FROM attention WHERE kind = '{kind.value}'"))[0]["id"])


async def test_a_buyers_request_is_rejected_with_tiktoks_own_reason(browser: Browser) -> None:
    house = browser.house
    order_id = await an_order(house, AttentionKind.BUYER_REQUEST)
    item = await item_of(house)
    start = await browser.get("/attention")
    assert "A question" in start.words
    assert f"/attention/{item}" in start.links
    assert "<script>alert" not in start.html
    page = await browser.get(f"/attention/{item}")
    assert HOSTILE in page.words
    assert "<script>alert" not in page.html
    assert f"/orders/{order_id}" in page.links
    assert "Packed already" in page.words, "TikTok's reasons, asked now"
    none = await browser.submit(page, f"/attention/{item}/reject", comment="In the post")
    assert none.status == 422
    assert "#reason" in none.links
    assert "In the post" in none.words, "what was typed stays"
    other = await browser.submit(page, f"/attention/{item}/reject", reason="odd")
    assert other.status == 422
    done = await browser.submit(none, f"/attention/{item}/reject", reason="packed")
    assert "The request c1 is rejected now" in done.words
    second = await browser.get(f"/attention/{item}?request=c2")
    approved = await browser.submit(second, f"/attention/{item}/approve")
    assert "The request c2 is approved now" in approved.words
    assert [
        (shown["cancellation"], answer.decision, answer.reason, answer.comment, answer.who)
        for _, shown, answer in house.actions.answered
    ] == [
        ("c1", "reject", "packed", "In the post", "user admin"),
        ("c2", "approve", "", "", "user admin"),
    ]


async def test_an_outage_of_tiktok_is_told_with_a_way_on(browser: Browser) -> None:
    await an_order(browser.house, AttentionKind.BUYER_REQUEST)
    item = await item_of(browser.house)
    browser.house.actions.refuse = "TikTok Shop cannot be reached."
    page = await browser.get(f"/attention/{item}")
    assert page.status == 200
    assert "could not be asked for: TikTok Shop cannot be reached." in page.words
    assert f"/attention/{item}?request=c1" in page.links, "ask again"
    assert not [form for form in page.forms if form.action.endswith("/reject")]
    refused = await browser.submit(page, f"/attention/{item}/approve")
    assert refused.status == 409
    assert not browser.house.actions.answered


async def test_lines_are_cancelled_only_by_who_knows_what_it_costs(browser: Browser) -> None:
    order_id = await an_order(browser.house, AttentionKind.PARTIAL_REFUND)
    item = await item_of(browser.house)
    page = await browser.get(f"/attention/{item}")
    assert "Counts as the seller's fault" in page.words
    wrong = await browser.submit(page, f"/attention/{item}/cancel-lines")
    assert wrong.status == 422
    assert not browser.house.actions.lines
    done = await browser.submit(page, f"/attention/{item}/cancel-lines", understood=True)
    assert "Lines 11, 12 are cancelled now" in done.words
    assert browser.house.actions.lines == [(order_id, "user admin")]


async def test_settled_dismissed_and_let_through(browser: Browser) -> None:
    house = browser.house
    assert "Nothing waits for you" in (await browser.get("/attention")).words
    order_id = await an_order(house, AttentionKind.BEFORE_SWITCH_ON)
    item = await item_of(house)
    page = await browser.get(f"/attention/{item}")
    assert page.form(f"/attention/{item}/settle").boxes == {"allow_past"}
    settled = await browser.submit(page, f"/attention/{item}/settle", allow_past=True)
    assert "due now" in settled.words
    groups = await browser.get("/attention")
    every = await browser.submit(groups, "/attention/settle", allow_past=True)
    assert "3 orders are looked at now" in every.words
    assert "1 skipped" in every.words
    long = await browser.submit(page, f"/attention/{item}/dismiss", note="x" * 2001)
    assert long.status == 422
    gone = await browser.submit(page, f"/attention/{item}/dismiss", note=f"seen {HOSTILE}")
    assert "Dismissed." in gone.words
    listed = await browser.get("/attention/items?state=dismissed")
    assert f"user admin: seen {HOSTILE}" in listed.words
    assert "<script>alert" not in listed.html
    again = await browser.submit(page, f"/attention/{item}/dismiss")
    assert (again.status, again.url) == (200, "/attention")
    assert "It was dismissed already." in again.words
    api = await house.ask("POST", f"/api/v1/attention/{item}/dismiss", json={})
    assert (api.status, "dismissed, not open" in api.json["detail"]) == (409, True)
    shop_id = (await house.rows("SELECT shop_id FROM orders"))[0]["shop_id"]
    brake = await raise_for(house, AttentionKind.BRAKE, shop_id)
    held = await browser.get(f"/attention/{brake}")
    released = await browser.submit(held, f"/attention/{brake}/settle")
    assert "7 orders that waited are let through" in released.words
    every = await browser.submit(await browser.get("/attention"), "/attention/dismiss", note="all meant")
    assert "1 dismissed" in every.words
    assert house.actions.settled == [
        (order_id, frozenset({"past"}), "user admin"),
        ("before_switch_on", frozenset({"past"}), "user admin"),
        (shop_id, frozenset({"brake"}), "user admin"),
    ]
    assert (await browser.get("/attention/none")).status == 404
    assert (await browser.get("/attention/items?state=odd")).status == 422


async def test_facts_are_said_in_words(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    facts = {"units": ["11", "12"], "rows": {"7": 2}, "is_late": True, "left_out": [], "of": [{"a": 1}]}
    words: dict[str, Any] = {"title": "t", "because": "b", "what_to_do": "w", "fingerprint": "f", "facts": facts}
    kind = AttentionKind.POISON.value
    await house.db.write(lambda conn: attention.raise_item(conn, kind=kind, shop_id=shop_id, **words))
    page = await browser.get(f"/attention/{await item_of(house)}")
    for told in ("Units 11, 12", "Rows 7: 2", "Is late yes", 'Of [{"a": 1}]'):
        assert told in page.words
    assert "Left out" not in page.words


async def test_a_viewer_sees_the_questions_and_no_form(house: House) -> None:
    await an_order(house, AttentionKind.BUYER_REQUEST)
    item = await item_of(house)
    viewer = await signed_in(house, "vera", Role.VIEWER)
    page = await viewer.get("/account")
    for path in ("/attention", f"/attention/{item}"):
        page = await viewer.get(path)
        assert "A question" in page.words
        assert not [form for form in page.forms if "/attention" in form.action], path
    answer = await viewer.send(
        "POST", f"/attention/{item}/approve", data=dict(page.form("/sign-out").fields), at=page.url
    )
    assert answer.status == 403
    assert not house.actions.answered


async def test_what_runs_out_first_is_first_and_nothing_says_what_was_checked(browser: Browser) -> None:
    house = browser.house
    shop_id, store_id = await house.tied_shop()

    async def sweep(conn: AsyncConnection) -> None:
        begun = await cursors.begin(
            conn, store_id, "creditmemos", since=None, next_since=datetime(2026, 1, 1, tzinfo=UTC)
        )
        await cursors.finish(conn, await cursors.advance(conn, begun, None, 1234))

    await house.db.write(sweep)
    empty = await browser.get("/attention")
    for words in (
        "Nothing waits for you",
        "Last sweeps",
        "Store creditmemos",
        "1 234",
        "1 Jan 2026",
    ):
        assert words in empty.words
    now = house.clock.now()
    await raise_for(house, AttentionKind.BUYER_REQUEST, shop_id, deadline_at=now + timedelta(hours=26))
    await raise_for(house, AttentionKind.REQUEST_REFUSED, shop_id, deadline_at=now - timedelta(minutes=5))
    await raise_for(house, AttentionKind.POISON, shop_id)
    page = await browser.get("/attention")
    shown = page.words[page.words.index("With a deadline") :]
    assert shown.index("over since 5") < shown.index("1 d 2 h left")
    assert f"{HOSTILE} Look" in page.words, "why, and what to do"
    assert "About poison" in page.words


def test_advice_keeps_its_marks_and_nothing_else() -> None:
    assert str(marked("*Settle now* with `past` <b>")) == "<em>Settle now</em> with <code>past</code> &lt;b&gt;"


async def test_an_answer_counts_only_for_what_was_shown(browser: Browser) -> None:
    """The parcel left while somebody read the question: that is read before it is approved."""
    house = browser.house
    order_id = await an_order(house, AttentionKind.BUYER_REQUEST)
    item = await item_of(house)
    old = await browser.get(f"/attention/{item}")

    async def leaves(conn: AsyncConnection) -> None:
        shown = await attention.get(conn, item)
        assert shown is not None
        requests = [{**one, "shipped": "yes"} for one in shown.facts["requests"]]
        words: dict[str, Any] = {"title": "A question", "because": "it has left", "what_to_do": "look"}
        kind, facts = AttentionKind.BUYER_REQUEST.value, {"requests": requests}
        await attention.raise_item(conn, kind=kind, fingerprint="left", facts=facts, order_id=order_id, **words)

    await house.db.write(leaves)
    refused = old
    answers: list[tuple[str, dict[str, Any]]] = [("approve", {}), ("reject", {"reason": "packed"}), ("settle", {})]
    for answer, fields in (*answers, ("dismiss", {})):
        refused = await browser.submit(old, f"/attention/{item}/{answer}", **fields)
        assert (refused.status, "says something else by now" in refused.words) == (409, True), answer
        assert "It has left" in refused.words, "what it says now"
    assert (house.actions.answered, house.actions.settled) == ([], [])
    approved = await browser.submit(refused, f"/attention/{item}/approve")
    assert "The request c1 is approved now" in approved.words
    [(_, request, _)] = house.actions.answered
    assert request["shipped"] == "yes"


async def test_all_of_a_kind_are_those_that_were_shown(house: House, browser: Browser) -> None:
    shop_id, store_id = await house.tied_shop()
    await raise_for(house, AttentionKind.POISON, shop_id)
    groups = await browser.get("/attention")

    async def another(conn: AsyncConnection) -> None:
        words: dict[str, Any] = {"title": "t", "because": "b", "what_to_do": "w", "fingerprint": "f"}
        await attention.raise_item(conn, kind=AttentionKind.POISON.value, facts={}, connection_id=store_id, **words)

    await house.db.write(another)
    done = await browser.submit(groups, "/attention/dismiss", note="seen")
    assert "1 dismissed" in done.words
    left = await house.rows("SELECT connection_id FROM attention WHERE state = 'open'")
    assert [row["connection_id"] for row in left] == [store_id]
    for until in ("yesterday", "2026-01-01T00:00:00"):
        odd = await browser.submit(done, "/attention/dismiss", until=until)
        assert (odd.status, "reload the page" in odd.words) == (422, True)


async def test_what_runs_out_first_is_paged_in_that_order(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()

    async def write(conn: AsyncConnection) -> None:
        for number in range(53):
            at = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=number)
            record = await orders.ensure(conn, shop_id, f"57{number}")
            words: dict[str, Any] = {
                "title": f"Number {number}.",
                "because": "b",
                "what_to_do": "w",
                "fingerprint": "f",
            }
            kind = AttentionKind.BUYER_REQUEST.value
            await attention.raise_item(conn, kind=kind, order_id=record.id, facts={}, deadline_at=at, **words)

    await house.db.write(write)
    page = await browser.get(f"/attention/items?sort=deadline&shop={shop_id}")
    onward = await browser.get(next(one for one in page.links if "cursor=" in one))
    assert (onward.status, "Number 52." in onward.words, "Number 0." in onward.words) == (200, True, False)
    first = next(one for one in onward.links if one.startswith("/attention/items") and "cursor" not in one)
    assert "Number 0." in (await browser.get(first)).words
    assert ("sort", "deadline") in onward.form("/attention/items").fields
