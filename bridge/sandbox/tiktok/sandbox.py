"""One TikTok Shop world in memory: the app, its shops, their orders, and what the control API may do to them."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence

from bridge.sandbox.faults import Faults
from bridge.sandbox.tiktok.clock import Clock
from bridge.sandbox.tiktok.deliveries import Deliveries
from bridge.sandbox.tiktok.errors import Json
from bridge.sandbox.tiktok.limits import Limits
from bridge.sandbox.tiktok.model import App, Cancellation, Order, Return, Shop
from bridge.sandbox.tiktok.placing import OrderSpec, build_order
from bridge.sandbox.tiktok.settings import Settings
from bridge.sandbox.tiktok.tokens import Tokens

DEFAULT_SHOPS = (
    Shop(id="7495000000000000001", name="Sample Shop US", region="US", cipher="ROW_sandboxUS+/=1"),
    Shop(id="7495000000000000002", name="Sample Shop UK", region="GB", cipher="ROW_sandboxGB+/=2"),
    Shop(id="7495000000000000003", name="Sample Shop DE", region="DE", cipher="ROW_sandboxDE+/=3"),
    Shop(id="7495000000000000004", name="Sample Shop MX", region="MX", cipher="ROW_sandboxMX+/=4"),
)

# First digits and length of ids as the official examples show them.
_ID_BASES = {
    "order": 577900000000000000,
    "line": 577910000000000000,
    "user": 7490000000000000000,
    "package": 1153400000000000000,
    "cancel": 4035318000000000000,
    "cancel_line": 4035227000000000000,
    "return": 4035417000000000000,
    "return_line": 4035327000000000000,
    "notification": 7380066000000000000,
}


class TikTokSandbox:
    """The state behind one server; give it to `create_app`, or let `create_app` make one."""

    def __init__(
        self, *, app: App | None = None, shops: Sequence[Shop] | None = None, settings: Settings | None = None
    ) -> None:
        self.app = app or App()
        self.settings = settings or Settings()
        self.clock = Clock()
        self.shops: dict[str, Shop] = {shop.id: shop for shop in (DEFAULT_SHOPS if shops is None else shops)}
        self.orders: dict[str, Order] = {}
        self.cancellations: dict[str, Cancellation] = {}
        self.returns: dict[str, Return] = {}
        self.webhooks: dict[tuple[str, str], Json] = {}
        """(shop id, event type) to the subscription as the API shows it."""
        self.idempotent: dict[str, tuple[str, Json]] = {}
        self.faults = Faults()
        self.limits = Limits(self.settings)
        self.tokens = Tokens(self.settings, self.clock)
        self.deliveries = Deliveries(self.settings, self.app)
        self._ids = {kind: itertools.count(1) for kind in _ID_BASES}

    def new_id(self, kind: str) -> str:
        return str(_ID_BASES[kind] + next(self._ids[kind]))

    def now(self) -> int:
        """Unix seconds of the shop's clock."""
        return self.clock.seconds()

    def shop_by_cipher(self, cipher: str) -> Shop | None:
        return next((shop for shop in self.shops.values() if shop.cipher == cipher), None)

    def add_shop(self, shop: Shop) -> None:
        """KeyError for a region TikTok Shop does not sell in."""
        _ = shop.facts
        self.shops[shop.id] = shop

    def place_order(self, spec: OrderSpec) -> Order:
        """KeyError for an unknown shop, ValueError for an order id that is taken."""
        shop = self.shops[spec.shop_id] if spec.shop_id is not None else next(iter(self.shops.values()))
        if spec.id in self.orders:
            raise ValueError(f"order {spec.id} exists")
        order = build_order(spec, shop, self.new_id, self.now())
        self.orders[order.id] = order
        if spec.announce:
            self.announce_order(order)
        return order

    def order_of(self, shop: Shop, order_id: str) -> Order | None:
        """None too for an order of another shop."""
        order = self.orders.get(order_id)
        return order if order is not None and order.shop.id == shop.id else None

    def cancellations_of(self, order: Order) -> list[Cancellation]:
        return [one for one in self.cancellations.values() if one.order is order]

    def open_cancellation_of(self, order: Order) -> Cancellation | None:
        return next((one for one in self.cancellations_of(order) if one.is_open), None)

    def open_returns_of(self, order: Order) -> list[Return]:
        return [one for one in self.returns.values() if one.order is order and one.is_open]

    def touch(self, order: Order) -> None:
        order.body["update_time"] = max(self.now(), int(order.body["update_time"]))

    def announce(self, event_type: str, shop: Shop, data: Json) -> None:
        """Queue a message to the address the shop has for this event, or to the app's own; none: nothing is sent."""
        subscription = self.webhooks.get((shop.id, event_type))
        address = subscription["address"] if subscription else self.app.webhook_url
        if address is not None:
            self.deliveries.publish(
                event_type, shop.id, data, address=address, message_id=self.new_id("notification"), at=self.now()
            )

    def announce_order(self, order: Order) -> None:
        # The message says CANCEL where the API says CANCELLED (Partner Center, "Order status change").
        status = "CANCEL" if order.status == "CANCELLED" else order.status
        self.announce(
            "ORDER_STATUS_CHANGE",
            order.shop,
            {
                "order_id": order.id,
                "order_status": status,
                "is_on_hold_order": order.body["is_on_hold_order"],
                "update_time": order.body["update_time"],
            },
        )

    def request_id(self) -> str:
        return f"{self.now()}{uuid.uuid4().hex[:22].upper()}"

    async def close(self) -> None:
        """Stop sending messages and drop what is held back."""
        await self.deliveries.close()
        await self.faults.close()
