"""One refund of a WooCommerce order, as the core asks for it: amounts by row, and the exact request. Pure.

Always a refund, never the status `cancelled`: that puts the whole order back to stock beside what refunds put back, and
says nothing of amounts. `api_refund` and `api_restock` are true where they are left out, so both are always sent:
TikTok pays the buyer back, and nothing may move at a payment service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bridge.connectors.woocommerce.reading import Json, amount, number_of, refunded_row, rows_in, units
from bridge.domain.money import cents, spread
from bridge.domain.plans import RefundRequest
from bridge.domain.tokens import mark

REASON_LENGTH: Final = 250
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Some rows are to go back to stock and some are not: one refund does the one or the other."""

    restock: frozenset[str]
    keep: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What refunds took of one row before."""

    units: int
    total: Decimal
    taxes: Mapping[str, Decimal]


def reason_of(request: RefundRequest) -> str:
    """What is told of the refund, cut to length with the mark whole at its end."""
    end = mark(request.token)
    said = " ".join(request.comment.replace(end, " ").split())
    room = REASON_LENGTH - len(end) - 1
    return f"{said if len(said) <= room else said[: room - 1].rstrip() + '…'} {end}".strip()


def remaining(order: Json) -> Decimal:
    """What of the order's money no refund gave back yet; more than this WooCommerce refuses."""
    given = sum((abs(amount(one, "total")) for one in rows_in(order, "refunds")), _ZERO)
    # Not rounded: a store may keep more decimals, and a cent more than is left is refused.
    return amount(order, "total") - given


def left_of(order: Json, refunds: Sequence[Json]) -> dict[str, int]:
    """Units of each row that no refund took."""
    lines = rows_in(order, "line_items")
    taken = _taken(lines, refunds, "line_items")
    return {
        (row := number_of(line.get("id"))): max(0, units(line) - (taken[row].units if row in taken else 0))
        for line in lines
    }


def body_of(order: Json, refunds: Sequence[Json], request: RefundRequest) -> str | Mixed:
    """What to send for these units, or for all that is left with shipping and fees. Order and refunds as read now."""
    lines = rows_in(order, "line_items")
    left = left_of(order, refunds)
    quantities = {row: count for row, count in (left if request.everything else request.quantities).items() if count}
    restock = frozenset(quantities) & request.restock_rows
    if restock and restock != frozenset(quantities):
        return Mixed(restock, frozenset(quantities) - restock)
    before = _taken(lines, refunds, "line_items")
    items = [
        _item(line, quantities[row], units(line), before.get(row))
        for line in lines
        if (row := number_of(line.get("id"))) in quantities
    ]
    if request.everything:
        for name in ("shipping_lines", "fee_lines"):
            gone = _taken(rows_in(order, name), refunds, name)
            items += [
                item
                for line in rows_in(order, name)
                if (item := _item(line, 0, 0, gone.get(number_of(line.get("id")))))["refund_total"] != "0.00"
                or "refund_tax" in item
            ]
    asked = sum((_sum(item) for item in items), _ZERO)
    # Of an order that is wholly refunded, all the money goes back: by cents, rounded rows may differ from the total.
    total = remaining(order) if request.everything else min(asked, remaining(order))
    body = {
        "amount": _written(max(_ZERO, total)),
        "reason": reason_of(request),
        "api_refund": False,
        "api_restock": bool(restock),
        "line_items": items,
    }
    return json.dumps(body, separators=(",", ":"), sort_keys=True)


def _written(value: Decimal) -> str:
    return f"{value:.2f}" if value == cents(value) else f"{value:f}"


def _sum(item: Mapping[str, Any]) -> Decimal:
    taxes = sum((Decimal(one["refund_total"]) for one in item.get("refund_tax", ())), _ZERO)
    return Decimal(item["refund_total"]) + taxes


def _item(line: Json, count: int, ordered: int, before: _Taken | None) -> dict[str, Any]:
    """So many units of a row at what they were sold for; all that is left of it with the last unit, or without any."""
    gone = before or _Taken(0, _ZERO, {})
    is_last = gone.units + count >= ordered
    taxes = {
        rate: _share(amount(one, "total"), gone.taxes.get(rate, _ZERO), ordered, gone.units, count, is_last=is_last)
        for one in rows_in(line, "taxes")
        if (rate := number_of(one.get("id")))
    }
    share = _share(amount(line, "total"), gone.total, ordered, gone.units, count, is_last=is_last)
    named = number_of(line.get("id"))
    item: dict[str, Any] = {"id": int(named), "refund_total": f"{share:.2f}"}
    if count:
        item["quantity"] = count
    taxed = [{"id": int(rate), "refund_total": f"{tax:.2f}"} for rate, tax in taxes.items() if tax]
    return item | ({"refund_tax": taxed} if taxed else {})


def _share(whole: Decimal, gone: Decimal, ordered: int, taken: int, count: int, *, is_last: bool) -> Decimal:
    rest = max(_ZERO, cents(whole) - cents(gone))
    if is_last or not ordered:
        return rest
    shares = spread(cents(whole), [Decimal(1)] * ordered)
    return min(rest, sum(shares[taken : taken + count], _ZERO))


def _taken(lines: Sequence[Json], refunds: Sequence[Json], name: str) -> dict[str, _Taken]:
    """What refunds took of the order's `lines` before. `name`: `line_items`, `shipping_lines`, `fee_lines`."""
    found: dict[str, _Taken] = {}
    for refund in refunds:
        for item in rows_in(refund, name):
            row = refunded_row(item, lines)
            old = found.get(row, _Taken(0, _ZERO, {}))
            taxes = dict(old.taxes)
            for one in rows_in(item, "taxes"):
                rate = number_of(one.get("id"))
                taxes[rate] = taxes.get(rate, _ZERO) + abs(amount(one, "total"))
            count = units(item) if name == "line_items" else 0
            found[row] = _Taken(old.units + count, old.total + abs(amount(item, "total")), taxes)
    return found
