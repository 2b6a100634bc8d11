"""What changed behind an effect, and from when on a message counts as one that told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bridge.domain.drift import CLOCKS, Change, behind, told_since
from bridge.domain.effects import ApproveRequest, CancelOrder, CreateOrder, Effect, InvoiceOrder, RefundOrder
from bridge.domain.store_order import StoreOrder, StoreRefund
from tests.unit.domain.making import AFTER, NOW, PLACED, channel, record, row, store, usd

READ = NOW - timedelta(minutes=10)


def memo(name: str, *, ours: bool = False, at: Any = AFTER) -> StoreRefund:
    return StoreRefund(name, at, at, {"A": 1}, usd(10), frozenset({"0" * 16}) if ours else frozenset(), f"00{name}")


def refunding(*units: str) -> Effect:
    return RefundOrder(
        "b", frozenset(units), {}, everything=False, restock_rows=frozenset(), restock_because="", cancellation_id="c"
    )


def cancelling(order: StoreOrder | None) -> Change | None:
    return behind(CancelOrder("b", frozenset({"1"})), channel(), order)


def test_a_refund_answers_the_latest_cancellation_of_its_units() -> None:
    later = AFTER + timedelta(hours=1)
    reading = channel(cancellations=[record("c1", ["1"]), record("c2", ["2"], at=later)])
    assert behind(refunding("1", "2"), reading, store()) == Change(
        "channel", later, frozenset({"c1", "c2"}), "cancellation c1, c2"
    )
    one = behind(refunding("1"), reading, store())
    assert one is not None
    assert (one.at, one.ids) == (AFTER, frozenset({"c1"}))


def test_an_order_that_died_without_a_record_changed_as_a_whole() -> None:
    found = behind(refunding("1"), channel(status="CANCELLED", cancelled_at=AFTER), store())
    assert found is not None
    assert (found.ids, found.what) == (frozenset({"order"}), "the order's cancellation")


def test_a_cancel_answers_the_merchants_own_memos() -> None:
    found = cancelling(replace(store(), refunds=(memo("7"), memo("8", ours=True, at=NOW))))
    assert found == Change("store", AFTER, frozenset({"7"}), "credit memo 007")


def test_rows_cancelled_in_the_store_changed_the_order_there() -> None:
    found = cancelling(replace(store(), rows=(replace(row(), cancelled=2),)))
    assert found is not None
    assert (found.side, found.ids) == ("store", frozenset({"order"}))


def test_what_answers_nobodys_change_is_no_drift() -> None:
    assert behind(InvoiceOrder("b", frozenset(), reserve=False), channel(), store()) is None
    assert behind(ApproveRequest("b", frozenset({"1"}), "c"), channel(), store()) is None
    assert behind(refunding("1"), channel(), store()) is None
    create = behind(CreateOrder("b", frozenset({"1"})), channel(), None)
    assert create is not None
    assert create.at == PLACED


def reading(**more: Any) -> dict[str, Any]:
    shown = {"status": "AWAITING_SHIPMENT", "cancellations": []}
    return {"read_at": READ.isoformat(), "channel": shown, "store": {"state": "processing", "memos": []}} | more


def test_after_a_look_that_did_not_show_it_every_message_tells() -> None:
    change = Change("channel", AFTER, frozenset({"c1"}), "c")
    assert told_since(change, reading()) == READ
    pending = [{"id": "c1", "status": "CANCELLATION_REQUEST_PENDING"}]
    assert told_since(change, reading(channel={"status": "X", "cancellations": pending})) == READ
    assert told_since(replace(change, side="store", ids=frozenset({"7"})), reading()) == READ


def test_without_such_a_look_the_remotes_own_time_has_to_do() -> None:
    change = Change("channel", AFTER, frozenset({"c1"}), "c")
    assert told_since(change, None) == AFTER - CLOCKS
    done = [{"id": "c1", "status": "CANCELLATION_REQUEST_COMPLETE"}]
    assert told_since(change, reading(channel={"status": "X", "cancellations": done})) == AFTER - CLOCKS
    whole = replace(change, ids=frozenset({"order"}))
    assert told_since(whole, reading(channel={"status": "CANCELLED", "cancellations": []})) == AFTER - CLOCKS
