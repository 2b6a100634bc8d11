"""What TikTok pays back for cancelled units: its own amounts where it names them, else the units' share. Pure.

Source: Partner Center, "Search Cancellations": `refund_amount` of a cancellation and of each of its lines. Both are
absent for orders paid on delivery and for unpaid ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bridge.domain.channel_order import Cancellation, ChannelOrder, Unit
from bridge.domain.money import spread

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class ChannelAmounts:
    units: Mapping[str, Decimal]
    """What is paid back by unit asked for; never negative, and with `extras` the sum of TikTok's own totals."""
    basis: Mapping[str, str]
    """Where each comes from: `told` for this unit, a `share` of its cancellation, or `price`."""
    extras: Decimal
    """Shipping and fees paid back with them."""
    extras_basis: str
    paid: Mapping[str, Decimal]
    """What the buyer paid for every unit of the order."""


def amounts_of(channel: ChannelOrder, dead: Iterable[str]) -> ChannelAmounts:
    """`dead`: the units asked for, dead on the channel."""
    wanted = list(dead)
    paid = paid_for(channel)
    deaths = channel.deaths()
    by_id = {record.id: record for record in channel.cancellations}
    amounts: dict[str, Decimal] = {}
    basis: dict[str, str] = {}
    extras, extras_basis, told_nothing = ZERO, "told", []
    for record in [by_id[name] for name in dict.fromkeys(deaths[u].cancellation_id for u in wanted) if name in by_id]:
        mine = [unit for unit in deaths if deaths[unit].cancellation_id == record.id]
        if record.refund is None and not record.unit_refunds:
            told_nothing.append(record)
            continue
        shares, bases, rest = _of_record(record, mine, paid)
        amounts |= shares
        basis |= bases
        extras += rest
    for unit in wanted:
        if unit not in amounts:
            amounts[unit], basis[unit] = paid[unit], "price"
    if "price" in {basis[unit] for unit in wanted} and not channel.living:
        # The whole order is dead and TikTok does not say what it pays back: then it is what the buyer paid.
        whole = channel.payment.total.amount - sum(paid.values(), ZERO)
        extras, extras_basis = max(extras, whole), "price"
    return ChannelAmounts(
        {unit: amounts[unit] for unit in wanted}, {unit: basis[unit] for unit in wanted}, extras, extras_basis, paid
    )


def _of_record(
    record: Cancellation, units: Sequence[str], paid: Mapping[str, Decimal]
) -> tuple[dict[str, Decimal], dict[str, str], Decimal]:
    """By unit of one cancellation, and what is left of its total: shipping and fees."""
    told = {unit: record.unit_refunds[unit].amount for unit in units if unit in record.unit_refunds}
    if record.refund is None:
        priced = {unit: paid[unit] for unit in units if unit not in told}
        return told | priced, dict.fromkeys(told, "told") | dict.fromkeys(priced, "price"), ZERO
    total = record.refund.amount
    named = sum(told.values(), ZERO)
    if named > total:
        # Its lines say more than it does: the total is what the buyer gets.
        shares = dict(zip(told, spread(total, list(told.values())), strict=True))
        rest = {unit: ZERO for unit in units if unit not in told}
        return shares | rest, dict.fromkeys([*shares, *rest], "share"), ZERO
    untold = [unit for unit in units if unit not in told]
    worth, left = [paid[unit] for unit in untold], total - named
    if sum(worth, ZERO) > left:
        worth = spread(left, worth)
    shares = dict(zip(untold, worth, strict=True))
    bases = dict.fromkeys(told, "told") | dict.fromkeys(untold, "share")
    return told | shares, bases, left - sum(worth, ZERO)


def paid_for(channel: ChannelOrder) -> dict[str, Decimal]:
    """What the buyer paid by unit: its price after discounts, with its tax where taxes are added to prices.

    Where TikTok names a tax for the order and none for the units, they share it by price.
    """
    payment = channel.payment
    goods = sum((unit.sale_price.amount for unit in channel.units), ZERO)
    fees = sum((fee.amount for fee in payment.fees.values()), ZERO)
    on_top = payment.total.amount - goods - payment.shipping.amount - fees
    if not payment.tax.amount or on_top < payment.tax.amount:
        return {unit.id: unit.sale_price.amount for unit in channel.units}
    taxes = _taxes(channel.units, payment.tax.amount - payment.shipping_tax.amount)
    return {unit.id: unit.sale_price.amount + tax for unit, tax in zip(channel.units, taxes, strict=True)}


def _taxes(units: Sequence[Unit], products: Decimal) -> list[Decimal]:
    own = [unit.tax.amount for unit in units]
    if any(own) or products <= 0:
        return own
    return spread(products, [unit.sale_price.amount for unit in units])
