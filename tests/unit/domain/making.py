"""Readings of both sides, made short: two units on one row unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.channel_order import Cancellation, ChannelOrder, Payment, Unit
from bridge.domain.comparison import Case, compare
from bridge.domain.effects import Settlement
from bridge.domain.link import Link
from bridge.domain.money import Money
from bridge.domain.plans import Piece, Reserved
from bridge.domain.settings import CancellationSync, ChannelToStore, ShopSettings, StoreToChannel, Tie
from bridge.domain.store_order import StoreOrder, StoreRefund, StoreRow

PLACED = datetime(2026, 11, 1, 8, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SWITCHED_ON = datetime(2026, 11, 2, tzinfo=UTC)
BEFORE = SWITCHED_ON - timedelta(minutes=1)
AFTER = SWITCHED_ON + timedelta(minutes=1)
REASON = "seller_cancel_reason_out_of_stock"

COMPLETE = "CANCELLATION_REQUEST_COMPLETE"
SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
PENDING = "CANCELLATION_REQUEST_PENDING"
CLOSED = "CANCELLATION_REQUEST_CANCEL"


def usd(amount: str | int) -> Money:
    return Money.of(amount, "USD")


def unit(unit_id: str, sku: str = "A", *, status: str = "AWAITING_SHIPMENT", left: bool = False) -> Unit:
    return Unit(
        id=unit_id,
        seller_sku=sku,
        sku_id=f"sku-{sku}",
        product_id=f"product-{sku}",
        name=f"Thing {sku}",
        sale_price=usd("10"),
        original_price=usd("10"),
        seller_discount=usd(0),
        platform_discount=usd(0),
        tax=usd(0),
        status=status,
        left_seller=left,
    )


def record(
    record_id: str,
    units: Iterable[str],
    *,
    status: str = COMPLETE,
    kind: str = "CANCEL",
    role: str = "BUYER",
    reason: str = "ecom_order_to_ship_canceled_reason_no_longer_needed",
    text: str = "No longer needed",
    at: datetime = AFTER,
    replenish: bool | None = None,
    respond_by: datetime | None = None,
) -> Cancellation:
    return Cancellation(
        id=record_id,
        kind=kind,
        status=status,
        role=role,
        reason=reason,
        reason_text=text,
        created_at=at,
        updated_at=at,
        unit_ids=frozenset(units),
        replenish=replenish,
        respond_by=respond_by,
    )


def request(record_id: str, units: Iterable[str], *, status: str = PENDING) -> Cancellation:
    """A buyer asks; the seller has a day."""
    return record(record_id, units, status=status, kind="BUYER_CANCEL", respond_by=NOW + timedelta(days=1))


def channel(
    units: Sequence[Unit] | None = None,
    cancellations: Sequence[Cancellation] = (),
    *,
    status: str = "AWAITING_SHIPMENT",
    total: str = "20",
    **more: Any,
) -> ChannelOrder:
    zero = usd(0)
    payment = Payment(usd(total), usd(total), zero, zero, zero, zero, zero, zero, zero)
    return ChannelOrder(
        id="577001",
        shop_id="shop",
        region="US",
        status=status,
        created_at=more.pop("created_at", PLACED),
        updated_at=AFTER,
        currency="USD",
        units=tuple(units if units is not None else [unit("1"), unit("2")]),
        payment=payment,
        cancellations=tuple(cancellations),
        **more,
    )


def row(row_id: str = "A", ordered: int = 2, *, shipped: int = 0, invoiced: int | None = None) -> StoreRow:
    return StoreRow(
        id=row_id,
        sku=f"SKU-{row_id}",
        price=Decimal(10),
        ordered=ordered,
        invoiced=ordered if invoiced is None else invoiced,
        shipped=shipped,
    )


def memo(
    memo_id: str, quantities: Mapping[str, int], *, at: datetime = AFTER, token: str = "", total: str | None = None
) -> StoreRefund:
    return StoreRefund(
        id=memo_id,
        created_at=at,
        updated_at=at,
        quantities=dict(quantities),
        total=usd(total if total is not None else 10 * sum(quantities.values())),
        tokens=frozenset([token] if token else []),
        number=f"M{memo_id}",
    )


def store(
    rows: Sequence[StoreRow] | None = None, memos: Sequence[StoreRefund] = (), *, paid: str = "20", **more: Any
) -> StoreOrder:
    """A store order whose rows count what its memos refunded."""
    counted = tuple(
        replace(r, refunded=r.refunded + sum(m.quantities.get(r.id, 0) for m in memos))
        for r in (rows if rows is not None else [row()])
    )
    refunded = sum((m.total.amount for m in memos), Decimal(0))
    base = StoreOrder(
        id="7",
        number="TT-577001",
        view="1",
        channel_order_id="577001",
        state="processing",
        status="processing",
        created_at=PLACED,
        updated_at=AFTER,
        currency="USD",
        grand_total=usd(paid),
        total_paid=usd(paid),
        total_refunded=Money(refunded, "USD"),
        total_invoiced=usd(paid),
        rows=counted,
        refunds=tuple(memos),
        refund_word="credit memo",
    )
    return replace(base, **more)


def pieces(**units: str) -> dict[str, tuple[Piece, ...]]:
    """`pieces(u1="A", u2="AB", u3="A2")`: unit 1 on row A, unit 2 on rows A and B, unit 3 twice on row A."""
    found: dict[str, tuple[Piece, ...]] = {}
    for name, text in units.items():
        rows: list[Piece] = []
        for letter in text:
            if letter.isdigit():
                rows[-1] = Piece(rows[-1].row, int(letter))
            else:
                rows.append(Piece(letter, 1))
        found[name.removeprefix("u")] = tuple(rows)
    return found


def link(unit_map: Mapping[str, tuple[Piece, ...]] | None = None, **more: Any) -> Link:
    base = Link(
        create_sent=True,
        store_order_id="7",
        store_number="TT-577001",
        unit_map=pieces(u1="A", u2="A") if unit_map is None else unit_map,
        reserved=Reserved.YES,
        reserved_because="the plugin reported the reservation as done",
    )
    return replace(base, **more)


def able(**more: Any) -> StoreCapabilities:
    base = StoreCapabilities(
        reported="1.0.26",
        restock_allowed=True,
        restock_because="plugin 1.0.26 restocks",
        refunds_work=True,
        refunds_because="",
        creditmemo_events=True,
        reservation_result=True,
        reserves_on_create=True,
    )
    return replace(base, **more)


def settings(
    to_channel: Mapping[str, Any] | None = None, to_store: Mapping[str, Any] | None = None, **more: Any
) -> ShopSettings:
    """Both directions on, switched on at `SWITCHED_ON`, with a reason."""
    one: dict[str, Any] = {"enabled": True, "default_reason": REASON, "effective_from": SWITCHED_ON}
    two: dict[str, Any] = {"enabled": True, "effective_from": SWITCHED_ON}
    sync = CancellationSync(
        store_to_channel=StoreToChannel(**{**one, **(to_channel or {})}),
        channel_to_store=ChannelToStore(**{**two, **(to_store or {})}),
    )
    return ShopSettings(**{"store": Tie(connection="magento"), "cancellation_sync": sync, **more})


def case(of_channel: ChannelOrder, of_store: StoreOrder | None, **more: Any) -> Case:
    tied = more.pop("link", None)
    return Case(
        channel=of_channel,
        store=of_store,
        link=tied if tied is not None else (link() if of_store is not None else Link()),
        settings=more.pop("settings", None) or settings(),
        capabilities=more.pop("capabilities", None) or able(),
        now=more.pop("now", NOW),
        **more,
    )


def decide(of_channel: ChannelOrder, of_store: StoreOrder | None, **more: Any) -> Settlement:
    """Compare, and check what holds for every answer."""
    settlement = compare(case(of_channel, of_store, **more))
    assert settlement.because
    assert (settlement.effect is not None) == (settlement.verdict == "act")
    assert all(hold.because and hold.text.title and hold.text.what_to_do for hold in settlement.holds)
    if settlement.verdict == "held":
        assert settlement.holds
    if settlement.effect is not None:
        assert settlement.effect.units
    return settlement
