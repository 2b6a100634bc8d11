"""Orders in the browser: found by any id, one with both books and its story, settled and linked by a manager."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bridge.connectors.shopify.platform import order_link as at_shopify
from bridge.connectors.tiktok.platform import order_link as at_tiktok
from bridge.connectors.woocommerce.platform import order_link as at_woocommerce
from bridge.domain.attention import AttentionKind
from bridge.storage import orders
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.pages.seeding import HOSTILE, an_order
from tests.integration.web.house import House


async def test_orders_are_found_by_any_id_and_paged(browser: Browser) -> None:
    house = browser.house
    empty = await browser.get("/orders")
    assert "No order yet" in empty.words
    order_id = await an_order(house)
    shop_id = (await house.rows("SELECT shop_id FROM orders"))[0]["shop_id"]
    for number in range(600, 660):
        await house.db.write(lambda conn, number=number: orders.ensure(conn, shop_id, str(number)))  # type: ignore[misc] # bound now
    found = empty
    for query in ("576", "TT-5", "42", order_id):
        found = await browser.submit(empty, "/orders", query=query)
        assert "1 order on this page" in found.words, query
        assert f"/orders/{order_id}" in found.links
        assert "<script>alert" not in found.html
    first = await browser.get("/orders?state=new")
    [following] = [link for link in first.links if "cursor=" in link]
    assert "state=new" in following
    second = await browser.get(following)
    assert "10 orders on this page" in second.words
    assert "/orders?state=new" in second.links, "back to the first page"
    assert "No order fits" in (await browser.get("/orders?query=nothing")).words
    wrong = await browser.get("/orders?state=odd")
    assert wrong.status == 422
    assert "must be one of" in wrong.words
    assert (await browser.get("/orders?cursor=odd")).status == 422
    assert max(len(page.html.encode()) for page in (first, second, found)) < 100_000


async def test_an_order_shows_both_books_and_its_story(browser: Browser) -> None:
    order_id = await an_order(browser.house, AttentionKind.PARTIAL_REFUND)
    page = await browser.get(f"/orders/{order_id}")
    for words in ("Units on both sides", "SKU-A", "refunded", "awaiting shipment", "A question", "Waits for a person"):
        assert words in page.words
    assert "<script>alert" not in page.html
    assert HOSTILE in page.words
    assert "https://seller-us.tiktok.com/order/detail?order_no=576" in page.links
    assert "Entry 44." in page.words
    assert "Entry 4." not in page.words, "the newest come first, forty at a time"
    [earlier] = [link for link in page.links if "before=" in link]
    assert "Entry 4." in (await browser.get(earlier.split("#")[0])).words
    assert (await browser.get("/orders/576")).status == 200, "by TikTok's id too"
    assert (await browser.get("/orders/999")).status == 404
    assert len(page.html.encode()) < 100_000
    form = page.form(f"/orders/{order_id}/settle")
    assert form.boxes == {"allow_lines"}, "only what makes sense is offered"
    done = await browser.submit(page, f"/orders/{order_id}/settle", allow_lines=True)
    assert "due now" in done.words
    assert browser.house.actions.settled == [(order_id, frozenset({"lines"}), "user admin")]
    browser.house.actions.refuse = "Its connection is broken."
    refused = await browser.submit(page, f"/orders/{order_id}/settle", allow_lines=True)
    assert refused.status == 409
    assert "Its connection is broken." in refused.words
    assert ("allow_lines", "yes") in refused.form(f"/orders/{order_id}/settle").fields, "what was ticked stays"


async def test_an_order_without_store_order_is_linked(browser: Browser) -> None:
    order_id = await an_order(
        browser.house, AttentionKind.FOUND_OTHER_ORDER, store_order_id=None, store_number=None, reading=None
    )
    page = await browser.get(f"/orders/{order_id}")
    assert page.form(f"/orders/{order_id}/settle").boxes == {"allow_create", "allow_link"}
    assert "Neither side has been read" in page.words
    where = f"/orders/{order_id}/link"
    empty = await browser.submit(page, where, store_order=" ")
    assert empty.status == 422
    assert "#store_order" in empty.links, "the mistake leads to its field"
    browser.house.actions.refuse = "The store has no order 77."
    refused = await browser.submit(page, where, store_order="77")
    assert refused.status == 409
    assert ("store_order", "77") in refused.form(where).fields
    browser.house.actions.refuse = ""
    done = await browser.submit(page, where, store_order="77")
    assert "Linked to the store's order 77" in done.words
    assert browser.house.actions.linked == [(order_id, "77", "user admin")]


async def test_a_viewer_reads_and_changes_nothing(house: House) -> None:
    order_id = await an_order(house, AttentionKind.PARTIAL_REFUND)
    manager, viewer = await signed_in(house), await signed_in(house, "vera", Role.VIEWER)
    page = await viewer.get(f"/orders/{order_id}")
    assert "Units on both sides" in page.words
    assert not [form for form in page.forms if "/orders" in form.action]
    form = (await manager.get(f"/orders/{order_id}")).form(f"/orders/{order_id}/settle")
    stolen = page.form("/sign-out").fields
    answer = await viewer.send("POST", form.action, data=dict(stolen), at=page.url)
    assert answer.status == 403
    assert not house.actions.settled


def test_orders_are_linked_where_their_people_are() -> None:
    assert at_tiktok("GB", "5/7") == "https://seller-uk.tiktok.com/order/detail?order_no=5%2F7"
    assert at_shopify("https://a.myshopify.com/", "9") == "https://a.myshopify.com/admin/orders/9"
    assert at_woocommerce("https://a.test/s", "9") == "https://a.test/s/wp-admin/post.php?post=9&action=edit"


@pytest.mark.parametrize(("kind", "word"), [("magento", "credit memo"), ("woocommerce", "refund")])
async def test_a_stores_refunds_are_called_what_people_call_them_there(browser: Browser, kind: str, word: str) -> None:
    memo = {"number": "7001", "total": "9.99 USD", "ours": True}
    order_id = await an_order(browser.house, reading={"store": {"state": "closed", "memos": [memo]}})
    await browser.house.db.write(
        lambda conn: conn.execute(
            text("UPDATE connections SET kind = :kind WHERE id = (SELECT store_connection_id FROM orders)"),
            {"kind": kind},
        )
    )
    page = await browser.get(f"/orders/{order_id}")
    assert f"{word.capitalize()}s 7001: 9.99 USD, made here" in page.words


@pytest.mark.parametrize("path", ["/settings/cancellation-sync", "/settings/buyer-requests", "/history"])
async def test_before_a_shop_is_connected_each_page_about_one_says_what_to_do(browser: Browser, path: str) -> None:
    page = await browser.get(path)
    assert "No TikTok Shop is connected yet, so there is nothing to show here." in page.words
    assert "/connections" in page.links
    assert "Settings › Channel settings ›" not in page.words, "not where it is"
