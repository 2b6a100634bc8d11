"""Exports over HTTP: what is in them, what is not, and what a wrong question is answered."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.support.stage import TOKEN, Stage

PRIVATE = ("Thenardier", "17 Rue Plumet", "eponine@example.com", "+1 555 0188")


async def fetch(play: Stage, path: str) -> tuple[int, dict[str, str], str]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with play.session.get(f"{play.url}/api/v1/export/{path}", headers=headers) as answer:
        return answer.status, dict(answer.headers), await answer.text()


async def a_story(play: Stage) -> str:
    """An order of a buyer with an address, refunded by hand in the store, to its last look."""
    name, street, mail, phone = PRIVATE
    recipient = {"name": f"Eponine {name}", "last_name": name, "address_line1": street, "phone_number": phone}
    overrides: dict[str, Any] = {"recipient_address": recipient, "buyer_email": mail, "buyer_message": f"ring {name}"}
    line = {"seller_sku": "MUG", "sale_price": "10.00", "product_name": "=cmd|mug"}
    order_id = await play.place(line, overrides=overrides)
    await play.imported(order_id)
    store = await play.store_order(order_id)
    await play.magento.control("POST", "refund", {"order": store["id"], "adjustment_negative": 2})
    await play.settled(order_id, "refunded in the store")
    await play.at_rest()
    return order_id


@pytest.mark.both_databases
async def test_every_export_names_no_buyer_and_no_secret(play: Stage) -> None:
    order_id = await a_story(play)
    texts = {}
    for book in ("changelog", "money", "audit", "drifts", "attention"):
        for kind in ("csv", "jsonl"):
            status, headers, text = await fetch(play, f"{book}?format={kind}")
            assert status == 200
            assert headers["Content-Disposition"] == f'attachment; filename="{book}.{kind}"'
            rows = list(csv.reader(io.StringIO(text, newline=""))) if kind == "csv" else text.splitlines()
            if book != "money":
                assert len(rows) - (kind == "csv") == int(headers["Bridge-Rows"])
            texts[book, kind] = text
    whole = "".join(texts.values())
    secrets = (play.tiktok_box.app.secret, TOKEN, *PRIVATE)
    assert not [word for word in secrets if word in whole]
    entries = [json.loads(line) for line in texts["changelog", "jsonl"].splitlines()]
    assert {"arrived", "claimed", "done", "decided"} <= {one["event"] for one in entries if one["order"] == order_id}
    assert [one["store_order"] for one in entries][-1] == f"TT-{order_id}"
    audited = [json.loads(line)["what"] for line in texts["audit", "jsonl"].splitlines()]
    assert len(audited) >= 2


@pytest.mark.both_databases
async def test_money_is_exported_by_line_for_people_and_by_order_for_programs(play: Stage) -> None:
    order_id = await a_story(play)
    _, _, text = await fetch(play, "money?format=csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["line"], row["tiktok"], row["store"], row["difference"]) for row in rows] == [
        ("total", "14.00", "12.00", "-2.00"),
        ("unit", "10.00", "10.00", "0.00"),
        ("shipping_and_fees", "4.00", "4.00", "0.00"),
        ("adjustment", "0.00", "-2.00", "-2.00"),
    ]
    assert {row["order"] for row in rows} == {order_id}
    _, _, text = await fetch(play, f"money?format=jsonl&shop={play.shop_id}")
    (found,) = [json.loads(line) for line in text.splitlines()]
    assert (found["state"], len(found["lines"])) == ("different", 3)
    assert (await fetch(play, "money?format=jsonl&shop=shp_other"))[2] == ""


async def test_wrong_questions_are_answered_with_what_is_wrong(bare: Stage) -> None:
    assert (await fetch(bare, "orders"))[0] == 404
    for query, place in (
        ("audit?shop=shp_1", "#/shop"),
        ("changelog?format=xlsx", "#/format"),
        ("changelog?since=yesterday", "#/since"),
        ("changelog?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "#/until"),
    ):
        status, _, text = await fetch(bare, query)
        assert (status, json.loads(text)["errors"][0]["pointer"]) == (422, place)
    async with bare.session.get(f"{bare.url}/api/v1/export/audit") as answer:
        assert answer.status == 401
