from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.outcomes import RemoteProblem, Retry
from bridge.storage import attention, changelog, jobs, ledger, orders
from tests.integration.web.house import TIKTOK, House

UNIT = {"unit_id": "1", "seller_sku": "A", "name": "Shirt", "price": "9.99", "channel": "living", "store": "refunded"}


async def an_order(house: House) -> tuple[str, str]:
    """An order with everything on it, and its shop."""
    shop_id, store_id = await house.tied_shop()

    async def write(conn: AsyncConnection) -> str:
        record = await orders.ensure(conn, shop_id, "576")
        await orders.update(
            conn,
            record.id,
            state="held",
            because="A buyer asks to cancel",
            store_connection_id=store_id,
            store_order_id="42",
            store_number="TT-576",
            reading={"units": [UNIT], "channel": {"status": "AWAITING_SHIPMENT"}},
        )
        claim = await ledger.open_claim(
            conn,
            order_id=record.id,
            side="channel",
            kind="cancel",
            units=["1"],
            token="tok",
            attempt=1,
            payload={"address": "1 Secret Street"},
        )
        await ledger.done(conn, claim.id, "c9", "cancelled")
        await changelog.write(conn, record.id, "cancelled", "The store refunded every unit.", {"cancel_id": "c9"})
        await attention.raise_item(
            conn,
            kind="buyer_request",
            fingerprint="f",
            title="A buyer asks",
            because="deadline tomorrow",
            what_to_do="Answer on TikTok Shop",
            facts={"cancel_id": "c9"},
            order_id=record.id,
        )
        return record.id

    return await house.db.write(write), shop_id


async def test_one_order_by_either_id_with_everything_on_it(each_house: House) -> None:
    house = each_house
    order_id, shop_id = await an_order(house)
    order = (await house.ask("GET", f"/api/v1/orders/{order_id}")).json
    assert (await house.ask("GET", "/api/v1/orders/576")).json == order
    assert (order["channel_order_id"], order["store_order_id"], order["store_number"]) == ("576", "42", "TT-576")
    assert (order["shop"], order["state"], order["units"]) == (shop_id, "held", [UNIT])
    assert order["reading"] == {"channel": {"status": "AWAITING_SHIPMENT"}}
    [claim] = order["claims"]
    assert (claim["side"], claim["kind"], claim["units"], claim["state"]) == ("channel", "cancel", ["1"], "done")
    [entry] = order["changelog"]
    assert (entry["event"], entry["facts"]) == ("cancelled", {"cancel_id": "c9"})
    [item] = order["attention"]
    assert (item["kind"], item["order"]) == ("buyer_request", order_id)
    assert "Secret Street" not in str(order)


async def test_unknown_orders_are_404_and_doubled_numbers_409(house: House) -> None:
    from bridge.ports import FoundShop

    assert (await house.ask("GET", "/api/v1/orders/999")).status == 404
    order_id, _ = await an_order(house)
    house.tiktok.shops = (FoundShop("7001", "Second", "GB", "c2"),)
    house.tiktok.facts = {"identity": "app1/7001"}
    other = (await house.connect_tiktok(credentials={**TIKTOK, "access_token": "t2"}))["shops"][0]["id"]
    twin = await house.db.write(lambda conn: orders.ensure(conn, other, "576"))
    answer = await house.ask("GET", "/api/v1/orders/576")
    assert (answer.status, order_id in answer.json["detail"], twin.id in answer.json["detail"]) == (409, True, True)


async def test_orders_are_listed_searched_and_paged(house: House) -> None:
    shop_id, _ = await house.tied_shop()
    for number in range(5):
        await house.db.write(lambda conn, number=number: orders.ensure(conn, shop_id, f"57{number}"))  # type: ignore[misc] # bound now
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await house.ask("GET", "/api/v1/orders", params={"limit": "2", "cursor": cursor})).json
        seen += [order["channel_order_id"] for order in page["orders"]]
        cursor = page["next"]
    assert seen == ["574", "573", "572", "571", "570"]
    found = (await house.ask("GET", "/api/v1/orders?query=572")).json
    assert [order["channel_order_id"] for order in found["orders"]] == ["572"]
    assert (await house.ask("GET", "/api/v1/orders?state=held")).json["orders"] == []
    assert len((await house.ask("GET", f"/api/v1/orders?state=new&shop={shop_id}")).json["orders"]) == 5


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=%00", "state=odd", "nope=1", "limit=1&limit=2"]
)
async def test_a_wrong_query_is_422(house: House, query: str) -> None:
    answer = await house.ask("GET", f"/api/v1/orders?{query}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/invalid")


async def test_settle_asks_the_core_and_says_who(house: House) -> None:
    order_id, _ = await an_order(house)
    assert (await house.ask("POST", "/api/v1/orders/576/settle")).status == 202
    assert (await house.ask("POST", f"/api/v1/orders/{order_id}/settle", json={"allow": ["past"]})).status == 202
    assert [(one[0], one[1]) for one in house.actions.settled] == [
        (order_id, frozenset()),
        (order_id, frozenset({"past"})),
    ]
    assert house.actions.settled[0][2].startswith("token ")
    assert (await house.ask("POST", "/api/v1/orders/576/settle", json={"allow": ["all"]})).status == 422
    assert (await house.ask("POST", "/api/v1/orders/999/settle")).status == 404
    house.actions.refuse = "The shop is not tied to a store; tie it first."
    refused = await house.ask("POST", "/api/v1/orders/576/settle")
    assert (refused.status, refused.json["detail"]) == (409, house.actions.refuse)


async def test_link_asks_the_core(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id, _ = await an_order(house)
    answer = await house.ask("POST", "/api/v1/orders/576/link", json={"store_order": " 000042 "})
    assert (answer.status, answer.json["id"]) == (200, order_id)
    assert house.actions.linked[0][:2] == (order_id, "000042")
    assert (await house.ask("POST", "/api/v1/orders/576/link", json={})).status == 422

    async def no_answer(*_: Any) -> None:
        raise RemoteProblem(Retry("the store does not answer", after=12.0))

    monkeypatch.setattr(house.actions, "link", no_answer)
    answer = await house.ask("POST", "/api/v1/orders/576/link", json={"store_order": "42"})
    assert (answer.status, answer.headers["Retry-After"]) == (502, "12")


async def test_attention_is_listed_settled_and_dismissed(each_house: House) -> None:
    house = each_house
    order_id, _ = await an_order(house)
    [item] = (await house.ask("GET", "/api/v1/attention")).json["items"]
    assert (item["kind"], item["state"], item["facts"]) == ("buyer_request", "open", {"cancel_id": "c9"})
    path = f"/api/v1/attention/{item['id']}"
    assert (await house.ask("POST", f"{path}/settle", json={"allow": ["brake"]})).status == 202
    assert house.actions.settled[0][:2] == (order_id, frozenset({"brake"}))
    done = await house.ask("POST", f"{path}/dismiss", json={"note": "handled by phone"})
    assert (done.status, done.json["state"], "handled by phone" in done.json["note"]) == (200, "dismissed", True)
    assert (await house.ask("POST", f"{path}/dismiss")).status == 409
    assert (await house.ask("GET", "/api/v1/attention")).json["items"] == []
    assert len((await house.ask("GET", "/api/v1/attention?state=all&kind=buyer_request")).json["items"]) == 1
    assert (await house.ask("POST", "/api/v1/attention/att_x/dismiss")).status == 404


async def test_an_item_about_a_connection_points_to_its_doctor(house: House) -> None:
    store = await house.connect_magento()
    await house.db.write(
        lambda conn: attention.raise_item(
            conn,
            kind="connection",
            fingerprint="f",
            title="t",
            because="b",
            what_to_do="w",
            facts={},
            connection_id=store["id"],
        )
    )
    [item] = (await house.ask("GET", "/api/v1/attention")).json["items"]
    answer = await house.ask("POST", f"/api/v1/attention/{item['id']}/settle")
    assert (answer.status, f"{store['id']}/doctor" in answer.json["detail"]) == (409, True)


async def test_sweeps_and_jobs(house: House) -> None:
    store = await house.connect_magento()
    since = "2026-02-01T00:00:00Z"
    answer = await house.ask("POST", "/api/v1/sweeps", json={"connection": store["id"], "since": since})
    assert (answer.status, answer.json, answer.headers["Location"]) == (202, {"job": "job_1"}, "/api/v1/jobs/job_1")
    assert house.actions.swept[0][:2] == (store["id"], datetime(2026, 2, 1, tzinfo=UTC))
    assert (await house.ask("POST", "/api/v1/sweeps")).status == 202
    for body in ({"connection": "con_x"}, {"since": "2027-01-01T00:00:00Z"}, {"since": "2026-02-01T00:00:00"}):
        assert (await house.ask("POST", "/api/v1/sweeps", json=body)).status == 422
    job = await house.db.write(lambda conn: jobs.create(conn, "sweep", progress={"seen": 3}))
    shown = (await house.ask("GET", f"/api/v1/jobs/{job.id}")).json
    assert (shown["kind"], shown["state"], shown["progress"]) == ("sweep", "queued", {"seen": 3})
    assert (await house.ask("GET", "/api/v1/jobs/job_x")).status == 404
