"""Rules for buyers' requests in the browser: added, ordered, switched on and off; and what a store cannot hold."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import RemoteProblem, Retry
from bridge.domain.settings import BuyerRequests
from bridge.storage.users import Role
from bridge.web.pages.buyer_requests import PATH
from tests.integration.pages.browsing import Browser, Page, signed_in
from tests.integration.pages.seeding import HOSTILE
from tests.integration.web.house import House


async def part(house: House, shop_id: str) -> BuyerRequests:
    return (await house.shop(shop_id)).settings.cancellation_sync.buyer_requests


async def add(browser: Browser, here: str, name: str, **fields: Any) -> Page:
    return await browser.submit(await browser.get(f"{here}/rule"), f"{here}/rule", name=name, **fields)


async def test_rules_are_added_ordered_switched_on_and_removed(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    here = f"{PATH}/{shop_id}"
    page = await browser.get(PATH)
    assert (page.url, "No rule yet" in page.words) == (here, True)
    early = await browser.submit(page, here, enabled=True)
    assert (early.status, "Add at least one rule below" in early.words) == (422, True)

    saved = await add(browser, here, "young")
    assert "Saved the rule young: approve when nothing of the request has left, and placed less than 24 h ago." in (
        saved.words
    )
    assert "The rules are switched off." in saved.words
    fields = {
        "decision": "reject",
        "store_shipped": "yes",
        "younger_than_hours": "",
        "total_at_most": "20,00",
        "seller_skus": "MUG\n ENGRAVED-MUG \n\n",
        "reasons": "changed_mind",
        "reject_reason": "seller_reject_apply_product_has_been_packed",
        "comment": HOSTILE,
    }
    second = await add(browser, here, HOSTILE, **fields)
    assert "every unit is of MUG, ENGRAVED-MUG" in second.words
    assert "at most 20.00, in its own currency" in second.words
    assert "<script>alert" not in second.html
    assert [rule.name for rule in (await part(house, shop_id)).rules] == ["young", HOSTILE]

    on = await browser.submit(second, here, enabled=True)
    assert "The rules answer requests made from now on." in on.words
    stored = await part(house, shop_id)
    assert (stored.enabled, stored.effective_from) == (True, house.clock.now())
    assert "Nothing was different" in (await browser.submit(on, here)).words

    moved = await browser.send("POST", f"{here}/order", data={"csrf": csrf(on), "rule": HOSTILE, "do": "up"}, at=on.url)
    assert "has its say earlier now" in moved.words
    assert [rule.name for rule in (await part(house, shop_id)).rules] == [HOSTILE, "young"]

    link = next(one for one in moved.links if one.endswith("rule=young"))
    changed = await browser.submit(await browser.get(link), f"{here}/rule", name="very young", younger_than_hours="2.5")
    assert "placed less than 2.5 h ago" in changed.words
    rules = (await part(house, shop_id)).rules
    assert [(rule.name, rule.younger_than_hours) for rule in rules] == [(HOSTILE, None), ("very young", 2.5)]

    await browser.send("POST", f"{here}/order", data={"csrf": csrf(on), "rule": HOSTILE, "do": "remove"}, at=on.url)
    removed = await browser.send(
        "POST", f"{here}/order", data={"csrf": csrf(on), "rule": "very young", "do": "remove"}, at=on.url
    )
    assert "It was the last: a person answers each request again." in removed.words
    assert (await part(house, shop_id)).enabled is False
    stale = await browser.send(
        "POST", f"{here}/order", data={"csrf": csrf(on), "rule": "young", "do": "remove"}, at=on.url
    )
    assert "not there any more" in stale.words
    audited = await house.rows(f"SELECT who FROM audit WHERE what = 'shop {shop_id} settings' AND who = 'user admin'")
    assert len(audited) == 7


def csrf(page: Page) -> str:
    return next(value for form in page.forms for name, value in form.fields if name == "csrf")


async def test_a_form_sent_twice_moves_a_rule_once(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    here = f"{PATH}/{shop_id}"
    for name in ("a", "b"):
        await add(browser, here, name)
    page = await add(browser, here, "c")

    async def up(at: Page, name: str) -> Page:
        form = next(one for one in at.forms if one.action == f"{here}/order" and ("rule", name) in one.fields)
        return await browser.send("POST", f"{here}/order", data=[*form.fields, ("do", "up")], at=at.url)

    async def names() -> list[str]:
        return [rule.name for rule in (await part(house, shop_id)).rules]

    assert "c has its say earlier now" in (await up(page, "c")).words
    again = await up(page, "c")
    assert "c has its say earlier already" in again.words
    assert await names() == ["a", "c", "b"]
    assert "c has its say earlier now" in (await up(again, "c")).words
    assert await names() == ["c", "a", "b"]
    assert "c was moved meanwhile; nothing was changed" in (await up(page, "c")).words, "an old page knows no better"
    assert "b has its say earlier now" not in (await up(page, "b")).words
    assert await names() == ["c", "a", "b"]


async def test_a_wrong_rule_is_shown_again_with_what_was_typed(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    here = f"{PATH}/{shop_id}"
    await add(browser, here, "young")
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"name": ""}, "Give the rule a name", "name"),
        ({"name": "young"}, "There is a rule of this name", "name"),
        ({"name": "x", "decision": "reject"}, "needs one of TikTok's reason keys", "reject_reason"),
        ({"name": "x", "comment": "so"}, "belong to a rule that rejects", "reject_reason"),
        ({"name": "x", "younger_than_hours": "soon"}, "valid number", "younger_than_hours"),
        ({"name": "x", "younger_than_hours": "721"}, "720", "younger_than_hours"),
        ({"name": "x", "older_than_hours": "24"}, "no order is both", "younger_than_hours"),
        ({"name": "x", "total_at_most": "1.234"}, "decimal places", "total_at_most"),
        ({"name": "x", "decision": "shrug"}, "approve", "decision"),
    ]
    for fields, said, place in wrong:
        page = await add(browser, here, **{"seller_skus": HOSTILE, **fields})
        assert (page.status, said in page.words) == (422, True), (fields, page.words)
        assert f'href="#{place}"' in page.html, fields
        assert ("seller_skus", HOSTILE) in page.form(f"{here}/rule").fields
        assert "<script>alert" not in page.html
    assert len((await part(house, shop_id)).rules) == 1
    assert (await browser.get(f"{here}/rule?rule=gone")).status == 404
    assert (await browser.get(f"{PATH}/shp_none")).status == 404


async def test_holding_is_offered_only_where_the_store_can_and_refused_elsewhere(
    house: House, browser: Browser
) -> None:
    shop_id, store_id = await house.tied_shop()
    here, api = f"{PATH}/{shop_id}", f"/api/v1/shops/{shop_id}/cancellation-sync"
    body = {"buyer_requests": {"hold_fulfilment": True}}
    page = await browser.get(here)
    assert "Store cannot hold what it has not sent yet" in page.words
    assert "hold_fulfilment" not in page.form(here).boxes
    refused = await house.ask("PUT", api, json=body)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/buyer_requests/hold_fulfilment")
    assert "is a Magento store, which cannot hold" in refused.json["detail"]
    assert "A Shopify store can." in refused.json["detail"]

    async def write(conn: AsyncConnection) -> None:
        await conn.execute(text("UPDATE connections SET kind = 'shopify' WHERE id = :id"), {"id": store_id})
        facts = {"capabilities": {"holds_fulfilment": False, "holds_because": "the app lacks a scope"}}
        await house.connections.update(conn, store_id, facts=facts)

    await house.db.write(write)
    page = await browser.get(here)
    without = await browser.submit(page, here, hold_fulfilment=True)
    assert (without.status, "cannot hold what it has not sent yet: the app lacks a scope" in without.words) == (
        422,
        True,
    )
    assert 'href="#hold_fulfilment"' in without.html
    house.gateways.problem = RemoteProblem(Retry("no answer"))
    assert (await house.ask("PUT", api, json=body)).status == 422, "what it said last counts"
    house.gateways.problem, house.gateways.holds = None, True
    saved = await browser.submit(page, here, hold_fulfilment=True)
    assert "What is not sent is held while a request waits." in saved.words
    facts = (await house.store(store_id)).facts["capabilities"]
    assert (facts["holds_fulfilment"], facts["read_at"]) == (True, house.clock.now().isoformat())
    # What is on may be sent back as it was read, and switched off, whatever the store can.
    await house.db.write(
        lambda conn: conn.execute(text("UPDATE connections SET kind = 'magento' WHERE id = :id"), {"id": store_id})
    )
    assert (await house.ask("PUT", api, json=body)).status == 200
    page = await browser.get(here)
    assert "This store cannot hold: nothing is held" in page.words
    off = await browser.submit(page, here, hold_fulfilment=False)
    assert "Nothing more is held" in off.words
    assert (await part(house, shop_id)).hold_fulfilment is False


async def test_viewers_and_one_way_stores_have_nothing_to_change(house: House, browser: Browser) -> None:
    shop_id, store_id = await house.tied_shop()
    here = f"{PATH}/{shop_id}"
    await add(browser, here, "young")
    viewer = await signed_in(house, "anna", Role.VIEWER)
    for path in (here, f"{here}/rule"):
        assert [form.action for form in (await viewer.get(path)).forms] == ["/sign-out"]
    assert "young" in (await viewer.get(here)).words
    await house.db.write(
        lambda conn: conn.execute(text("UPDATE connections SET kind = 'amazon' WHERE id = :id"), {"id": store_id})
    )
    none = await browser.get(here)
    assert "one way only" in none.words
    assert [form.action for form in none.forms] == ["/sign-out"]


async def test_who_saves_an_old_page_undoes_no_rule(house: House, browser: Browser) -> None:
    shop_id, _ = await house.tied_shop()
    here = f"{PATH}/{shop_id}"
    await add(browser, here, "young")
    form = await browser.get(f"{here}/rule")
    listed = await add(browser, here, "old", younger_than_hours="", older_than_hours="24")
    late = await browser.submit(form, f"{here}/rule", name="third")
    assert (late.status, "Somebody saved other settings here" in late.words) == (409, True)
    # Pressed twice, it moves one place.
    again = order_form(listed, place="2", rule="old", do="up")
    for _ in range(2):
        await browser.send("POST", f"{here}/order", data=again, at=here)
    assert [rule.name for rule in (await part(house, shop_id)).rules] == ["old", "young"]
    saved = await browser.submit(late, f"{here}/rule", name="third")
    assert [rule.name for rule in (await part(house, shop_id)).rules] == ["old", "young"], saved.words
    assert saved.status == 409, "it was changed once more"
    assert "Saved the rule third" in (await browser.submit(saved, f"{here}/rule")).words


def order_form(page: Page, **fields: str) -> dict[str, str]:
    form = next(one for one in page.forms if one.action.endswith("/order"))
    return {**dict(form.fields), **fields}
