"""What the API takes and gives. Credentials go in and never come out."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from bridge.domain.settings import CancellationSync, ShopSettings, Tie
from bridge.web.api.proof_models import ProofOut
from bridge.web.api.request_models import SEEN, BuyerRequestsChange
from bridge.web.bodies import Asked, Beginning

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=191)]


class Page(Asked):
    cursor: str | None = Field(default=None, max_length=1000, description="`next` of the page before")
    limit: int = Field(default=50, ge=1, le=200)


# --- connections ----------------------------------------------------------------------------------------------------


class NewConnection(Asked):
    kind: str = Field(max_length=20, description="magento, tiktok, …")
    name: Name | None = Field(default=None, description="What people call it; default: its host or shop")
    url: str | None = Field(default=None, max_length=500, description="The store's base address, or another API host")
    auth_url: str | None = Field(default=None, max_length=500, description="TikTok Shop: another token server")
    credentials: dict[str, Any] | None = Field(
        default=None,
        description="magento: consumer_key, consumer_secret, access_token, access_token_secret; left out, the store is "
        "announced and connects itself by Activate. tiktok: app_key, app_secret, access_token, refresh_token; without "
        "tokens (then with service_id), the seller authorizes in the browser.",
    )


class ConnectionChange(Asked):
    name: Name | None = None
    plugin_version_override: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        default=None, description="The plugin version really installed, where its report is ambiguous; null: none"
    )
    admin_url: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = Field(
        default=None,
        description="Magento: the address of its admin, such as https://shop.example.com/backend_x1, for links to "
        "orders; null: no links",
    )


class FindingOut(BaseModel):
    level: str = Field(description="ok, warning or error")
    code: str
    text: str


class ShopBrief(BaseModel):
    id: str
    name: str
    region: str
    channel_shop_id: str


class ConnectionOut(BaseModel):
    id: str
    kind: str
    name: str
    url: str
    state: str = Field(description="announced, connected, reauth or failed")
    because: str = Field(description="Why it is in this state; empty when all is well")
    hook_urls: list[str] = Field(description="Where the remote delivers to")
    shops: list[ShopBrief]
    findings: list[FindingOut] = Field(description="What connecting, or doctor, last found")
    facts: dict[str, Any] = Field(description="What is known of the remote: plugin version, store views, mode, …")
    plugin_version_override: str | None
    admin_url: str | None = Field(description="Where people open its admin; null where nobody said")
    blocked_until: datetime | None = Field(description="The remote asked everybody to wait until then")
    token_expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    callback_url: str | None = Field(default=None, description="Announced Magento store: paste into the integration")
    identity_url: str | None = Field(default=None, description="Announced Magento store: paste into the integration")
    authorize_url: str | None = Field(default=None, description="TikTok Shop without tokens: open in a browser, once")


class ConnectionList(BaseModel):
    connections: list[ConnectionOut]


# --- shops ----------------------------------------------------------------------------------------------------------


def as_shown(what: str) -> Any:
    """A field that the answer shows and that cannot be set here, so that what was read can be sent back whole."""
    return Field(default=None, exclude=True, description=what, json_schema_extra={"readOnly": True})


_FIXED = "As shown: taken where it is unchanged, refused where it differs"


class StoreChange(Asked):
    connection: Id = Field(description="Id of the store's connection")
    store_view: str | None = Field(default=None, max_length=64, description="Store view code; empty: the default view")
    payment_method: str | None = Field(default=None, min_length=1, max_length=64)
    shipping_method: str | None = Field(default=None, min_length=1, max_length=120)


class ShopChange(Asked):
    """Fields left out keep their value."""

    store: StoreChange | None = Field(default=None, description="The store that takes this shop's orders; null unties")
    create_orders: bool = True
    orders_since: Beginning | None = Field(default=None, description="Orders created before this are left alone")
    hold_minutes: int = Field(default=60, ge=0, le=10_080)
    dry_run: bool = False
    create_fulfilled_by_tiktok: bool = False
    create_samples: bool = False
    create_replacements: bool = False
    create_digital: bool = False
    create_zero_totals: bool = False
    platform_discount: Literal["discount", "revenue"] = "discount"
    prices_include_tax: bool | None = None
    order_number_prefix: str = Field(default="TT-", max_length=12, pattern=r"^[A-Za-z0-9_-]*$")
    link_patterns: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = Field(
        default_factory=list, max_length=10
    )
    link_orders: bool = True
    link_note_patterns: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=5
    )
    money_tolerance: Decimal = Field(default=Decimal("0.05"), ge=0, le=1000, max_digits=6, decimal_places=2)
    id: str | None = as_shown(_FIXED)
    connection: str | None = as_shown(_FIXED)
    channel_shop_id: str | None = as_shown(_FIXED)
    name: str | None = as_shown(_FIXED)
    region: str | None = as_shown(_FIXED)
    seller_type: str | None = as_shown(_FIXED)
    cancellation_sync: CancellationSync | None = as_shown(f"{_FIXED}; it has its own address")
    restock: dict[str, Any] | None = as_shown("As shown; ignored")
    findings: list[Any] | None = as_shown("As shown; ignored")


class ShopOut(BaseModel):
    id: str
    connection: str
    channel_shop_id: str
    name: str
    region: str
    seller_type: str
    store: Tie | None
    create_orders: bool
    orders_since: datetime | None
    hold_minutes: int
    dry_run: bool
    create_fulfilled_by_tiktok: bool
    create_samples: bool
    create_replacements: bool
    create_digital: bool
    create_zero_totals: bool
    platform_discount: str
    prices_include_tax: bool | None
    order_number_prefix: str
    link_patterns: list[str]
    money_tolerance: Decimal = Field(description="How far credit memos may be from TikTok's own amounts")
    link_orders: bool
    link_note_patterns: list[str]
    cancellation_sync: CancellationSync | None = Field(description="null where the store has no such settings (Amazon)")
    restock: dict[str, Any] = Field(description="Whether the store's plugin may restock, and why")
    findings: list[FindingOut] = Field(default_factory=list, description="What a person should know of these settings")


class ShopList(BaseModel):
    shops: list[ShopOut]


class StoreToChannelChange(Asked):
    enabled: bool = False
    default_reason: Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    fallback_reasons: list[Annotated[str, StringConstraints(min_length=1, max_length=120)]] = Field(
        default_factory=list, max_length=20
    )
    partial: Literal["hold", "cancel_lines", "ignore"] = "hold"
    max_cancels_per_hour: int = Field(default=30, ge=1, le=10_000)
    effective_from: Beginning | None = None


class ChannelToStoreChange(Asked):
    enabled: bool = True
    restock: bool = True
    effective_from: Beginning | None = None


class CancellationSyncChange(Asked):
    """Fields left out keep their value."""

    store_to_channel: StoreToChannelChange = Field(default_factory=StoreToChannelChange)
    channel_to_store: ChannelToStoreChange = Field(default_factory=ChannelToStoreChange)
    buyer_requests: BuyerRequestsChange = Field(default_factory=BuyerRequestsChange)
    restock_allowed: bool | None = as_shown("As shown; ignored: the store's plugin decides")
    restock_because: str | None = as_shown("As shown; ignored")
    findings: list[Any] | None = as_shown("As shown; ignored")


class CancellationSyncOut(CancellationSync):
    """Both directions, and what the store allows."""

    restock_allowed: bool | None = Field(default=None, description="null: not known yet")
    restock_because: str = ""
    findings: list[FindingOut] = Field(default_factory=list, description="What a person should know of these settings")


class Reason(BaseModel):
    key: str
    text: str
    seller_fault: bool | None = Field(description="Counts against the shop; null: TikTok does not say")
    statuses: list[str]
    cancels_lines: bool = Field(description="Single lines may be cancelled with it (US and UK: out of stock only)")


class ReasonList(BaseModel):
    region: str
    reasons: list[Reason]


SellerSku = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class SkuMappings(Asked):
    mappings: dict[SellerSku, SellerSku] = Field(
        max_length=100_000, description="Seller SKU → the store's SKU, where they differ; replaces the whole mapping"
    )


class SkuMappingChanges(Asked):
    mappings: dict[SellerSku, SellerSku | None] = Field(
        min_length=1, max_length=100_000, description="Seller SKU → the store's SKU; null takes a mapping away"
    )


class SkuMappingsChanged(BaseModel):
    changed: int = Field(description="Mappings that are others now")
    orders: int = Field(description="Orders that waited for one of these SKUs and are looked at now")


class MissingSku(BaseModel):
    sku: str
    orders: int = Field(description="Orders that wait for it")


class MissingSkus(BaseModel):
    missing: list[MissingSku]


# --- orders ---------------------------------------------------------------------------------------------------------


class OrderQuery(Page):
    query: str | None = Field(default=None, max_length=100, description="Beginning of an id or number, ours or theirs")
    state: str | None = Field(default=None, max_length=20)
    shop: Id | None = None


class OrderBrief(BaseModel):
    id: str
    channel_order_id: str
    shop: str
    state: str
    because: str
    store_connection: str | None
    store_view: str | None
    store_order_id: str | None
    store_number: str | None
    origin: str | None
    reserved: str | None
    reserved_because: str
    blocked: str | None
    channel_created_at: datetime | None
    settled_at: datetime | None
    created_at: datetime
    updated_at: datetime


class OrderPage(BaseModel):
    orders: list[OrderBrief]
    next: str | None


class ClaimOut(BaseModel):
    id: str
    side: str
    kind: str
    units: list[str]
    attempt: int
    token: str
    state: str
    claimed_at: datetime
    acted_at: datetime | None
    quiet_until: datetime | None
    ended_at: datetime | None
    reference: str
    because: str


class EntryOut(BaseModel):
    at: datetime
    event: str
    because: str
    facts: dict[str, Any]


class AttentionOut(BaseModel):
    id: str
    kind: str
    state: str
    title: str
    because: str
    what_to_do: str
    order: str | None
    shop: str | None
    connection: str | None
    facts: dict[str, Any]
    note: str = Field(description="What the person wrote who dismissed it")
    deadline_at: datetime | None = Field(description="Until when an answer counts; null where nothing runs out")
    overdue: bool = Field(description="Its deadline has passed")
    reopened: str | None = Field(description="Why it is here again; null where it never was before")
    seen: str = Field(
        description="Of what it says now: an answer that carries it is refused once that is something else"
    )
    opened_at: datetime = Field(description="Since when it waits this time")
    dismissed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class AttentionPage(BaseModel):
    items: list[AttentionOut]
    next: str | None


class OrderOut(OrderBrief):
    units: list[dict[str, Any]] = Field(description="Both sides, unit by unit, as last read")
    reading: dict[str, Any] = Field(description="Everything else of the last reading")
    money: ProofOut | None = Field(description="Its credit memos against TikTok's own amounts; null without any")
    claims: list[ClaimOut]
    changelog: list[EntryOut]
    attention: list[AttentionOut]


class Settle(Asked):
    seen: str | None = SEEN
    allow: list[Literal["create", "past", "brake", "link", "lines"]] = Field(
        default_factory=list, max_length=5, description="What a person lets through for this order"
    )


class Link(Asked):
    store_order: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)] = Field(
        description="Id or number of the store's order"
    )


class Accepted(BaseModel):
    id: str
    says: str


class LinesAccepted(Accepted):
    lines: list[str] = Field(description="TikTok's order lines that are cancelled by themselves")


# --- attention, sweeps, audit ---------------------------------------------------------------------------------------


class AttentionQuery(Page):
    state: Literal["open", "dismissed", "closed", "all"] = "open"
    kind: str | None = Field(default=None, max_length=64)
    order: Id | None = None
    shop: Id | None = None
    connection: Id | None = None
    sort: Literal["newest", "deadline"] = Field(
        default="newest", description="deadline: only what runs out, what does so first at the front"
    )


class Dismiss(Asked):
    seen: str | None = SEEN
    note: str = Field(default="", max_length=2000)


SHOWN_FIELDS = ("id", "connection", "channel_shop_id", "name", "region", "seller_type", "cancellation_sync")
"""What a shop's PUT takes only unchanged."""
SHOP_FIELDS = tuple(name for name in ShopSettings.model_fields if name != "cancellation_sync")
