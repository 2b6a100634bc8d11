"""Channel orders for tests, priced the way TikTok prices them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from bridge.connectors.magento.ordering import Product
from bridge.domain.channel_order import Address, Cancellation, ChannelOrder, Payment, Unit
from bridge.domain.money import Money
from bridge.domain.settings import ShopSettings, Tie
from bridge.ports import StoreView

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
VIEW = StoreView("default", "1", "base", "USD")
SETTINGS = ShopSettings(store=Tie(connection="c1"))
ZERO = Decimal(0)


def usd(amount: str | int | Decimal) -> Money:
    return Money.of(amount, "USD")


@dataclass(frozen=True)
class Line:
    sku: str
    price: Decimal
    seller: Decimal = ZERO
    platform: Decimal = ZERO
    tax: Decimal = ZERO
    gift: bool = False

    @property
    def paid(self) -> Decimal:
        return self.price - self.seller - self.platform


def line(sku: str, price: str, seller: str = "0", platform: str = "0", tax: str = "0", *, gift: bool = False) -> Line:
    return Line(sku, Decimal(price), Decimal(seller), Decimal(platform), Decimal(tax), gift)


def unit_of(number: int, one: Line, currency: str = "USD") -> Unit:
    def money(amount: Decimal) -> Money:
        return Money(amount, currency)

    return Unit(
        id=f"5779{number:04d}",
        seller_sku=one.sku,
        sku_id=f"1729{one.sku}",
        product_id="1",
        name=f"Product {one.sku}",
        sale_price=money(one.paid),
        original_price=money(one.price),
        seller_discount=money(one.seller),
        platform_discount=money(one.platform),
        tax=money(one.tax),
        status="AWAITING_SHIPMENT",
        is_gift=one.gift,
    )


def order_of(
    lines: Sequence[Line],
    *,
    shipping: str | Decimal = "0",
    shipping_tax: str | Decimal = "0",
    shipping_platform: str | Decimal = "0",
    fees: dict[str, Decimal] | None = None,
    net_prices: bool = True,
    unit_taxes: bool = True,
    region: str = "US",
    currency: str = "USD",
    order_id: str = "576461413038785752",
) -> ChannelOrder:
    """Adds up as Get Order Detail describes: taxes on top where prices are net, inside them where they are not."""
    units = tuple(unit_of(number, one, currency) for number, one in enumerate(lines))
    if not unit_taxes:
        units = tuple(replace(unit, tax=Money.zero(currency)) for unit in units)
    sub_total = sum((one.paid for one in lines), ZERO)
    tax = sum((one.tax for one in lines), ZERO) + Decimal(shipping_tax)
    total = sub_total + Decimal(shipping) + sum((fees or {}).values(), ZERO) + (tax if net_prices else ZERO)

    def money(amount: str | Decimal) -> Money:
        return Money.of(amount, currency)

    return ChannelOrder(
        id=order_id,
        shop_id="7495",
        region=region,
        status="AWAITING_SHIPMENT",
        created_at=NOW,
        updated_at=NOW,
        currency=currency,
        units=units,
        payment=Payment(
            total=money(total),
            sub_total=money(sub_total),
            shipping=money(shipping),
            shipping_tax=money(shipping_tax),
            tax=money(tax),
            seller_discount=money(sum((one.seller for one in lines), ZERO)),
            platform_discount=money(sum((one.platform for one in lines), ZERO)),
            shipping_seller_discount=money("0"),
            shipping_platform_discount=money(shipping_platform),
            fees={name: money(fee) for name, fee in (fees or {}).items()},
        ),
        address=Address("Robin Sample", "Robin", "Sample", "555", ("1 Main St",), "Austin", "Texas", "78701", "US"),
        buyer_email="v2b2V5@chat.seller.tiktok.com",
    )


def cancelled(
    order: ChannelOrder, numbers: Sequence[int], refund: str | Decimal | None, *, record: str = "c1"
) -> ChannelOrder:
    """The order after a finished cancellation of these units."""
    cancellation = Cancellation(
        id=record,
        kind="CANCEL",
        status="CANCELLATION_REQUEST_SUCCESS",
        role="BUYER",
        reason="ecom_order_to_ship_canceled_reason_no_longer_needed",
        reason_text="No longer needed",
        created_at=NOW,
        updated_at=NOW,
        unit_ids=frozenset(order.units[number].id for number in numbers),
        refund=None if refund is None else Money.of(refund, order.currency),
    )
    return replace(order, cancellations=(*order.cancellations, cancellation))


def products_of(*skus: str, type_id: str = "simple") -> dict[str, Product]:
    return {sku: Product(str(number), sku, f"Test {sku}", type_id) for number, sku in enumerate(skus, start=1)}
