"""After a refund: is the store's book where it was expected to be? Pure.

Magento does not lock a merchant's own click in the admin against a refund by REST (measured: both went through, stock
came back twice), so what was read before is held against what is read after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.domain.store_order import StoreOrder, StoreRefund


@dataclass(frozen=True, slots=True)
class BookState:
    """What a refund is measured against, small enough to be kept with its claim."""

    memos: frozenset[str]
    refunded: Mapping[str, int]
    shipped: Mapping[str, int]
    total_refunded: Decimal

    @classmethod
    def of(cls, order: StoreOrder) -> BookState:
        return cls(
            memos=frozenset(refund.id for refund in order.refunds),
            refunded={row.id: row.refunded for row in order.rows},
            shipped={row.id: row.shipped for row in order.rows},
            total_refunded=order.total_refunded.amount,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "memos": sorted(self.memos),
            "refunded": dict(self.refunded),
            "shipped": dict(self.shipped),
            "total_refunded": str(self.total_refunded),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BookState:
        return cls(
            memos=frozenset(data["memos"]),
            refunded=dict(data["refunded"]),
            shipped=dict(data["shipped"]),
            total_refunded=Decimal(data["total_refunded"]),
        )


def memo_of(order: StoreOrder, token: str) -> StoreRefund | None:
    return next((refund for refund in order.refunds if token in refund.tokens), None)


def differences(before: BookState, after: StoreOrder, token: str, asked: Mapping[str, int]) -> list[str]:
    """What is not as expected after our credit memo, each with both numbers. Empty when all is well."""
    found: list[str] = []
    new = [refund for refund in after.refunds if refund.id not in before.memos]
    ours = [refund for refund in new if token in refund.tokens]
    if len(ours) != 1:
        found.append(f"expected one {after.refund_word} with mark {token}, found {len(ours)}")
    if len(new) != len(ours):
        others = ", ".join(refund.number or refund.id for refund in new if token not in refund.tokens)
        found.append(f"expected 1 new {after.refund_word}, found {len(new)}: {others} is not ours")
    for refund in ours[:1]:
        took = {row: quantity for row, quantity in refund.quantities.items() if quantity}
        if took != dict(asked):
            found.append(f"asked for quantities {dict(asked)}, the {after.refund_word} says {took}")
    for row in after.rows:
        expected = before.refunded.get(row.id, 0) + asked.get(row.id, 0)
        if row.refunded != expected:
            found.append(f"row {row.sku}: expected {expected} refunded, found {row.refunded}")
        if row.shipped != before.shipped.get(row.id, 0):
            found.append(f"row {row.sku}: {row.shipped} shipped, {before.shipped.get(row.id, 0)} before")
    here = {row.id for row in after.rows}
    found += [
        f"row {row_id}: {before.refunded[row_id]} refunded before, and the order no longer shows it"
        for row_id in sorted(before.refunded.keys() - here)
    ]
    expected_total = before.total_refunded + sum((refund.total.amount for refund in new), Decimal(0))
    if abs(after.total_refunded.amount - expected_total) > Decimal("0.005"):
        found.append(f"expected {expected_total} refunded in all, found {after.total_refunded.amount}")
    return found
