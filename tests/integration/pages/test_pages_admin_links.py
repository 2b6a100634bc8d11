"""Where Magento's admin is: said by a person, by page or API, and then an order's page links to the order there."""

from __future__ import annotations

import pytest

from bridge.connectors.magento.platform import order_link
from bridge.storage.users import Role
from tests.integration.pages.browsing import Browser, signed_in
from tests.integration.pages.seeding import order_of

ADMIN = "https://shop.test/index.php/backend_x1"


async def test_the_address_of_magentos_admin_is_said_once_and_links_to_each_order(browser: Browser) -> None:
    house = browser.house
    shop_id, store_id = await house.tied_shop()
    order_id = await order_of(house, shop_id, store_id)
    assert "Open in Magento" not in (await browser.get(f"/orders/{order_id}")).words
    where, change = f"/connections/{store_id}", f"/connections/{store_id}/change"
    page = await browser.get(where)
    wrong = await browser.submit(page, change, admin_url=f"{ADMIN}/admin/dashboard/index/key/0a1b2c/")
    assert wrong.status == 422
    assert "leave out what follows it" in wrong.words
    assert "key/0a1b2c" in wrong.html, "what was typed is there to be corrected"
    saved = await browser.submit(wrong, change, admin_url=f" {ADMIN}/ ")
    assert saved.status == 200
    assert "was saved" in saved.words
    order = await browser.get(f"/orders/{order_id}")
    assert f"{ADMIN}/sales/order/view/order_id/42" in order.links, "by the store's own id, not by its number"
    assert "Open in Magento" in order.words
    said = (await house.ask("GET", f"/api/v1/connections/{store_id}")).json
    assert said["admin_url"] == ADMIN
    renamed = await browser.submit(await browser.get(where), change, name="Other")
    assert renamed.status == 200
    assert (await house.store(store_id)).admin_url == ADMIN, "what a form shows is what it keeps"
    await house.connect_magento()
    assert (await house.store(store_id)).admin_url == ADMIN, "connecting again does not forget it"
    changes = await house.rows("SELECT value_after FROM audit ORDER BY id")
    assert any(ADMIN in str(row["value_after"]) for row in changes)
    cleared = await house.ask("PATCH", f"/api/v1/connections/{store_id}", json={"admin_url": None})
    assert cleared.json["admin_url"] is None
    assert "Open in Magento" not in (await browser.get(f"/orders/{order_id}")).words
    viewer = await signed_in(house, "vera", Role.VIEWER)
    assert change not in [form.action for form in (await viewer.get(where)).forms]


async def test_what_is_no_address_of_an_admin_is_refused(browser: Browser) -> None:
    house = browser.house
    _, store_id = await house.tied_shop()
    for address, words in (
        ("https://shop.test", "lacks the path"),
        ("javascript:alert(1)", "must look like https://"),
        ("https://admin:secret@shop.test/backend", "user name or password"),
        ("https://shop.test/backend?key=1", "must not contain"),
        ("https://shop.test/backend/admin/index", "leave out what follows"),
    ):
        answer = await house.ask("PATCH", f"/api/v1/connections/{store_id}", json={"admin_url": address})
        assert answer.status == 422, address
        assert words in answer.text, address
    [channel] = await house.rows("SELECT id FROM connections WHERE kind = 'tiktok'")
    refused = await house.ask("PATCH", f"/api/v1/connections/{channel['id']}", json={"admin_url": ADMIN})
    assert refused.status == 422
    assert "is only for Magento" in refused.text
    assert "admin_url" not in (await browser.get(f"/connections/{channel['id']}")).html
    assert (await house.store(store_id)).admin_url is None


@pytest.mark.parametrize("order_id", ["42", "a/../b?c", "\N{LATIN SMALL LETTER U WITH DIAERESIS}"])
def test_an_id_cannot_lead_elsewhere(order_id: str) -> None:
    link = order_link(ADMIN, order_id)
    assert link.startswith(f"{ADMIN}/sales/order/view/order_id/")
    assert link.isascii()
    assert link.count("/") == ADMIN.count("/") + 5
    assert "?" not in link
