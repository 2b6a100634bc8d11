from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.connectors.woocommerce.refunding import Mixed, body_of, left_of, reason_of, remaining
from bridge.domain.plans import RefundRequest
from bridge.domain.tokens import mark, tokens_in
from tests.unit.woocommerce.woo_json import line, order, refund, refunded, shipping

TOKEN = "0123456789abcdef"


def request(
    quantities: dict[str, int], *, everything: bool = False, restock: set[str] | None = None, comment: str = "why"
) -> RefundRequest:
    rows = frozenset(quantities if restock is None else restock)
    return RefundRequest(TOKEN, f"{comment} {mark(TOKEN)}", quantities, everything, rows)


def sent(made: Any, asked: RefundRequest, *refunds: Any) -> dict[str, Any]:
    body = body_of(made, list(refunds), asked)
    assert isinstance(body, str), body
    found: dict[str, Any] = json.loads(body)
    return found


def test_one_unit_of_two() -> None:
    body = sent(order(), request({"11": 1}))
    assert body["line_items"] == [{"id": 11, "quantity": 1, "refund_total": "10.00"}]
    assert body["amount"] == "10.00"
    assert (body["api_refund"], body["api_restock"]) == (False, True)
    assert tokens_in(body["reason"]) == {TOKEN}


def test_nothing_is_left_to_a_default_of_woocommerces() -> None:
    """Both are true where they are left out, and a quantity without an amount is a refund over nothing."""
    body = sent(order(), request({"11": 1}, restock=set()))
    assert body["api_refund"] is False
    assert body["api_restock"] is False
    assert all("refund_total" in item for item in body["line_items"])


def test_everything_takes_shipping_fees_and_taxes_with_it() -> None:
    made = order(
        [line(11, "A", 2, "20.00", taxes=[(1, "1.60"), (2, "0.21")])],
        shipping_lines=[shipping(12, "5.00", taxes=[(1, "0.40")])],
        fee_lines=[shipping(15, "1.00")],
        total="28.21",
    )
    body = sent(made, request({"11": 2}, everything=True))
    assert body["amount"] == "28.21"
    assert body["line_items"] == [
        {
            "id": 11,
            "quantity": 2,
            "refund_total": "20.00",
            "refund_tax": [{"id": 1, "refund_total": "1.60"}, {"id": 2, "refund_total": "0.21"}],
        },
        {"id": 12, "refund_total": "5.00", "refund_tax": [{"id": 1, "refund_total": "0.40"}]},
        {"id": 15, "refund_total": "1.00"},
    ]


def test_everything_after_a_part_takes_what_is_left() -> None:
    before = refund(31, "10.00", [refunded(41, 11, 1, "10.00")])
    body = sent(order(refunds=[before]), request({"11": 1}, everything=True), before)
    assert body["line_items"] == [
        {"id": 11, "quantity": 1, "refund_total": "10.00"},
        {"id": 12, "refund_total": "5.00"},
    ]
    assert body["amount"] == "15.00"


def test_money_that_a_person_gave_back_is_not_given_twice() -> None:
    before = refund(31, "20.00")
    made = order(refunds=[before])
    assert remaining(made) == 5
    assert sent(made, request({"11": 1}), before)["amount"] == "5.00"
    assert sent(made, request({"11": 2}, everything=True), before)["amount"] == "5.00"


def test_a_store_with_more_decimals_is_never_asked_for_more_than_is_left() -> None:
    made = order([line(11, "A", 1, "10.0060")], shipping_lines=[], total="10.0060")
    assert sent(made, request({"11": 1}, everything=True))["amount"] == "10.0060"
    assert sent(made, request({"11": 1}))["amount"] == "10.0060"


def test_a_gift_is_taken_back_over_nothing() -> None:
    made = order([line(11, "A", 1, "20.00"), line(13, "GIFT", 1, "0.00")])
    body = sent(made, request({"13": 1}))
    assert (body["amount"], body["line_items"]) == ("0.00", [{"id": 13, "quantity": 1, "refund_total": "0.00"}])


def test_rows_that_go_back_and_rows_that_do_not_are_two_refunds() -> None:
    made = order([line(11, "A", 1, "10.00"), line(13, "B", 1, "10.00")])
    assert body_of(made, [], request({"11": 1, "13": 1}, restock={"11"})) == Mixed(frozenset({"11"}), frozenset({"13"}))


def test_the_mark_is_whole_whatever_is_said() -> None:
    said = reason_of(request({"11": 1}, comment="long " * 100))
    assert len(said) <= 250
    assert tokens_in(said) == {TOKEN}


CENTS = st.integers(0, 99_999).map(lambda value: Decimal(value) / 100)


@given(st.integers(1, 6), CENTS, CENTS, st.data())
def test_units_refunded_one_after_another_sum_to_the_row_to_the_cent(
    count: int, total: Decimal, tax: Decimal, data: st.DataObject
) -> None:
    row = line(11, "A", count, f"{total:.2f}", taxes=[(1, f"{tax:.2f}")])
    whole = total + tax + 5
    refunds: list[Any] = []
    given_back = Decimal(0)
    while True:
        made = order([row], refunds=refunds, total=f"{whole:.2f}")
        left = left_of(made, refunds)["11"]
        if not left:
            break
        take = data.draw(st.integers(1, left))
        body = sent(made, request({"11": take}, everything=take == left), *refunds)
        item = body["line_items"][0]
        taxed = [(one["id"], one["refund_total"]) for one in item.get("refund_tax", [])]
        again = refunded(40 + len(refunds), 11, take, item["refund_total"], taxes=taxed)
        refunds.append(refund(31 + len(refunds), body["amount"], [again]))
        given_back += Decimal(body["amount"])
    assert given_back == whole
    assert sum(Decimal(one["line_items"][0]["total"]) for one in refunds) == -total
