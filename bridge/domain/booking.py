"""How a TikTok order's amounts stand in a store order, to the cent. Pure.

What must hold, or later invoices and refunds differ from the order, is (Magento computes nothing on `POST /V1/orders`;
Magento\\Sales\\Model\\Order\\Invoice\\Total\\*):

    grand_total = Σ row_total + shipping + tax (items and shipping) − Σ discount

TikTok's side, by the field texts of Get Order Detail: what the buyer pays = sub_total (after discounts) + shipping +
taxes + fees; taxes are added where prices are net (US) and already inside where prices contain VAT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from bridge.domain.channel_order import ChannelOrder, Unit
from bridge.domain.money import cents, spread
from bridge.domain.settings import ShopSettings

NET_PRICE_REGIONS = frozenset({"US"})
"""Markets whose prices are without tax (Get Order Detail: "For the US market, this is pre-tax total amount")."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class UnitAmounts:
    """One living unit as it is booked: `price` without tax, before discount. The buyer pays price + tax − discount."""

    unit_id: str
    price: Decimal
    discount: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class OrderAmounts:
    units: tuple[UnitAmounts, ...]
    shipping: Decimal
    """Shipping with the fees that have no column of their own, without tax."""
    shipping_tax: Decimal
    total: Decimal
    notes: tuple[str, ...]


class AmountsDiffer(Exception):
    """TikTok's amounts do not add up; the text says which, for a person."""


def prices_include_tax(region: str, settings: ShopSettings) -> bool:
    if settings.prices_include_tax is not None:
        return settings.prices_include_tax
    return region.upper() not in NET_PRICE_REGIONS


def book(order: ChannelOrder, settings: ShopSettings) -> OrderAmounts:
    """The living units' amounts. Raises `AmountsDiffer`."""
    notes: list[str] = []
    _whole_cents(order)
    inclusive = prices_include_tax(order.region, settings)
    revenue = settings.platform_discount == "revenue"
    taxes, fee_tax = _unit_taxes(order, notes)
    living = order.living
    booked = [_book_unit(unit, taxes[unit.id], inclusive=inclusive, revenue=revenue) for unit in living]
    payment = order.payment
    fees = sum((fee.amount for fee in payment.fees.values()), ZERO)
    shipping_revenue = payment.shipping_platform_discount.amount if revenue else ZERO
    shipping_tax = payment.shipping_tax.amount + fee_tax
    extras = payment.shipping.amount + fees + shipping_revenue + (ZERO if inclusive else shipping_tax)
    platform = sum((unit.platform_discount.amount for unit in living if not _is_free(unit)), ZERO) if revenue else ZERO
    total = payment.total.amount + platform + shipping_revenue - _refunded_before(order)
    rest = total - sum((unit.price + unit.tax - unit.discount for unit in booked), ZERO)
    if len(living) == len(order.units):
        if rest != extras:
            raise AmountsDiffer(_differ(order, rest, extras, inclusive=inclusive, tax=payment.tax.amount))
    elif not ZERO <= rest <= extras:
        raise AmountsDiffer(
            f"TikTok's total of {payment.total} less its refunds for cancelled units leaves {rest:.2f} for shipping "
            f"and fees, which were {extras:.2f}. Create this order by hand."
        )
    elif rest != extras:
        notes.append(
            f"TikTok refunded {extras - rest:.2f} of shipping and fees with the units that were cancelled before."
        )
        shipping_tax = cents(shipping_tax * rest / extras)
    shipping_tax = min(shipping_tax, rest)
    for name, fee in sorted(payment.fees.items()):
        notes.append(f"TikTok's {name} of {fee} is booked with the shipping, as the store has no column for it.")
    if revenue and (platform or shipping_revenue):
        notes.append(
            f"TikTok's own discount of {platform + shipping_revenue:.2f} is booked as revenue that TikTok pays."
        )
    if inclusive and not payment.tax.amount:
        notes.append("TikTok named no tax; the prices are booked as they are, without tax.")
    return OrderAmounts(tuple(booked), rest - shipping_tax, shipping_tax, total, tuple(notes))


def _is_free(unit: Unit) -> bool:
    return unit.is_gift and not unit.sale_price.amount


def _book_unit(unit: Unit, tax: Decimal, *, inclusive: bool, revenue: bool) -> UnitAmounts:
    if _is_free(unit):
        return UnitAmounts(unit.id, ZERO, ZERO, ZERO)
    discount = unit.seller_discount.amount + (ZERO if revenue else unit.platform_discount.amount)
    paid = unit.sale_price.amount + (unit.platform_discount.amount if revenue else ZERO)
    # The listed price is rebuilt from what is paid: of the two, only what is paid must be right to the cent.
    price = paid + discount - (tax if inclusive else ZERO)
    if price < ZERO or discount < ZERO or tax < ZERO:
        raise AmountsDiffer(f"Order line {unit.id} has a negative price, discount or tax.")
    return UnitAmounts(unit.id, price, discount, tax)


def _unit_taxes(order: ChannelOrder, notes: list[str]) -> tuple[Mapping[str, Decimal], Decimal]:
    """Tax per unit, and tax that belongs to no unit and not to shipping (on fees)."""
    own = {unit.id: unit.tax.amount for unit in order.units}
    products = order.payment.tax.amount - order.payment.shipping_tax.amount
    named = sum(own.values(), ZERO)
    if products < named:
        raise AmountsDiffer(
            f"The order lines' taxes sum to {named:.2f}, but the order's tax without shipping is {products:.2f}."
        )
    if products == named or named:
        if products > named:
            notes.append(f"Tax of {products - named:.2f} on fees is booked with the tax on shipping.")
        return own, products - named
    paying = [unit for unit in order.units if unit.sale_price.amount > ZERO]
    if not paying:
        return own, products
    shares = spread(products, [unit.sale_price.amount for unit in paying])
    return own | {unit.id: share for unit, share in zip(paying, shares, strict=True)}, ZERO


def _refunded_before(order: ChannelOrder) -> Decimal:
    """What TikTok pays back for the units left out. Raises `AmountsDiffer` where it does not say."""
    deaths = order.deaths()
    if not deaths or not order.living:
        return ZERO
    records = {death.cancellation_id for death in deaths.values()}
    total = ZERO
    for record in order.cancellations:
        if record.id in records and record.is_dead:
            records.discard(record.id)
            if record.refund is None:
                raise AmountsDiffer(f"TikTok does not say what it paid back with cancellation {record.id}.")
            total += record.refund.amount
    if records:
        raise AmountsDiffer(
            "TikTok does not say what it paid back for units that were cancelled before the order came."
        )
    return total


def _whole_cents(order: ChannelOrder) -> None:
    payment = order.payment
    amounts = [payment.total, payment.shipping, payment.shipping_tax, payment.tax, *payment.fees.values()]
    amounts += [payment.shipping_platform_discount]
    amounts += [record.refund for record in order.cancellations if record.refund is not None]
    for unit in order.units:
        amounts += [unit.sale_price, unit.original_price, unit.seller_discount, unit.platform_discount, unit.tax]
    if any(amount.currency != order.currency for amount in amounts):
        raise AmountsDiffer("The order has amounts in more than one currency.")
    if any(amount.amount != cents(amount.amount) for amount in amounts):
        raise AmountsDiffer("The order has amounts with fractions of a cent, which the store cannot keep.")
    if any(money.amount < ZERO for money in (payment.total, payment.shipping, payment.shipping_tax, payment.tax)):
        raise AmountsDiffer("The order has negative amounts.")


def _differ(order: ChannelOrder, rest: Decimal, extras: Decimal, *, inclusive: bool, tax: Decimal) -> str:
    told = (
        f"TikTok's total is {order.payment.total}, but its order lines, shipping, tax and fees sum to "
        f"{order.payment.total.amount - rest + extras:.2f}."
    )
    if tax and abs(rest - extras) == tax:
        other = "without" if inclusive else "with"
        return f"{told} The difference is the tax: say in the shop's settings that prices are {other} tax, if they are."
    return f"{told} Create this order by hand, or link it."
