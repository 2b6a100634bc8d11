"""What a shop keeps: the app, shops, orders, cancellations, returns, grants.

An order is kept in the shape the API shows it, so that any documented field can be set.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from bridge.sandbox.tiktok.errors import Json
from bridge.sandbox.tiktok.regions import Region, region_of

PENDING = "CANCELLATION_REQUEST_PENDING"
SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
CLOSED = "CANCELLATION_REQUEST_CANCEL"
COMPLETE = "CANCELLATION_REQUEST_COMPLETE"

# The order's way through fulfilment; PARTIALLY_SHIPPING only where lines go one by one.
FLOW = ("UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")

SCOPES = (
    "seller.authorization.info",
    "seller.order.info",
    "seller.return_refund.basic",
    "seller.product.write",
)


@dataclass(slots=True)
class App:
    """The developer's app as Partner Center knows it. `scopes` are names of the sandbox's own: the real keys are not
    published per endpoint.
    """

    key: str = "sandboxappkey"
    secret: str = "sandboxappsecret0123456789abcdef"  # noqa: S105 -- a made-up secret of a sandbox
    service_id: str = "7480000000000000001"
    redirect_url: str = "http://127.0.0.1:8080/oauth/tiktok/callback"
    webhook_url: str | None = None
    """App-level address: gets every event a shop has no address of its own for."""


@dataclass(frozen=True, slots=True)
class Shop:
    id: str
    name: str
    region: str
    cipher: str
    seller_type: str = "LOCAL"
    code: str = ""

    @property
    def facts(self) -> Region:
        return region_of(self.region)

    @property
    def is_local(self) -> bool:
        return self.seller_type == "LOCAL"

    def render(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "region": self.region,
            "seller_type": self.seller_type,
            "cipher": self.cipher,
            "code": self.code or f"{self.region}LC{self.id[-6:]}",
        }


@dataclass(slots=True)
class Grant:
    """What one seller gave the app: a pair of tokens over some shops."""

    access_token: str
    refresh_token: str
    access_expires: float
    refresh_expires: float
    shop_ids: list[str]
    scopes: list[str]
    open_id: str
    revoked: bool = False


@dataclass(slots=True)
class Order:
    shop: Shop
    body: Json
    recipient: Json
    """The full address; the API shows it only once the order is past UNPAID and ON_HOLD."""
    effects: Counter[str] = field(default_factory=Counter)

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def status(self) -> str:
        return str(self.body["status"])

    @property
    def lines(self) -> list[Json]:
        lines: list[Json] = self.body["line_items"]
        return lines

    def living(self) -> list[Json]:
        return [line for line in self.lines if line["display_status"] != "CANCELLED"]

    def line(self, line_id: str) -> Json:
        return next(line for line in self.lines if line["id"] == line_id)


@dataclass(slots=True)
class Cancellation:
    id: str
    order: Order
    type: str
    status: str
    role: str
    reason: str
    line_ids: dict[str, str]
    """Order line item id to cancel line item id."""
    create_time: int
    update_time: int
    whole: bool
    deadline: int | None = None
    replenish: bool | None = None
    refund: Json | None = None
    line_refunds: dict[str, Json] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.status == PENDING


@dataclass(slots=True)
class Return:
    order: Order
    body: Json
    records: list[Json] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.body["return_id"])

    @property
    def is_open(self) -> bool:
        return not str(self.body["return_status"]).endswith(("_CANCEL", "_COMPLETE", "_REJECT"))
