"""Settings of one TikTok Shop, as a merchant makes them under *Channel settings › Cancellation sync*."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def is_before(moment: datetime, limit: datetime) -> bool:
    """Whether a remote's time lies before a limit of ours. Remotes tell whole seconds, so the limit is taken so too."""
    return moment < limit.replace(microsecond=0)


class StoreToChannel(_Settings):
    """*Magento refund → TikTok Shop cancellation*."""

    enabled: bool = Field(default=False, description="Cancel on TikTok what the store refunded")
    default_reason: str | None = Field(
        default=None, max_length=120, description="TikTok's reason key shown on the cancelled order"
    )
    fallback_reasons: tuple[str, ...] = Field(
        default=(), max_length=20, description="Reason keys tried in this order where the default is not valid"
    )
    partial: Literal["hold", "cancel_lines", "ignore"] = Field(
        default="hold", description="What to do when the store refunded some of an order's living units"
    )
    max_cancels_per_hour: int = Field(
        default=30, ge=1, le=10_000, description="More than this pauses the direction and asks a person"
    )
    effective_from: datetime | None = Field(
        default=None, description="Credit memos older than this are shown, never acted on by themselves"
    )

    @property
    def listed_reasons(self) -> tuple[str, ...]:
        """The default, then the fallbacks: TikTok is never told a reason that the merchant did not list."""
        return tuple(dict.fromkeys([*filter(None, [self.default_reason]), *self.fallback_reasons]))


class ChannelToStore(_Settings):
    """*TikTok Shop cancellation → Magento refund*."""

    enabled: bool = Field(default=True, description="Refund in the store what was cancelled on TikTok")
    restock: bool = Field(
        default=True,
        description="Put cancelled units back to stock; off writes unshipped units off the physical stock",
    )
    effective_from: datetime | None = Field(
        default=None, description="Cancellations completed before this are shown, never acted on by themselves"
    )


class CancellationSync(_Settings):
    store_to_channel: StoreToChannel = StoreToChannel()
    channel_to_store: ChannelToStore = ChannelToStore()


class Tie(_Settings):
    """Which store takes this shop's orders, and how they are made there."""

    connection: str = Field(min_length=1, description="Id of the store's connection")
    store_view: str = Field(default="", description="Store view code; empty for the store's default view")
    payment_method: str = Field(default="checkmo", min_length=1, max_length=64, description="Payment method code")
    shipping_method: str = Field(
        default="flatrate_flatrate", min_length=1, max_length=120, description="Shipping method code"
    )


class ShopSettings(_Settings):
    """Everything settled for one TikTok Shop but the cancellation directions."""

    store: Tie | None = Field(default=None, description="The store that takes this shop's orders")
    create_orders: bool = Field(default=True, description="Create store orders; off when another connector does")
    orders_since: datetime | None = Field(default=None, description="Orders created before this are left alone")
    hold_minutes: int = Field(
        default=60, ge=0, le=10_080, description="Minutes an order rests before it is created, where TikTok holds none"
    )
    dry_run: bool = Field(default=False, description="Decide and write down, but do nothing on either side")
    create_fulfilled_by_tiktok: bool = Field(default=False, description="Also create orders TikTok ships itself")
    create_samples: bool = Field(default=False, description="Also create sample orders")
    create_replacements: bool = Field(default=False, description="Also create replacement orders")
    create_digital: bool = Field(default=False, description="Also create digital orders")
    create_zero_totals: bool = Field(default=False, description="Also create orders with a total of zero")
    platform_discount: Literal["discount", "revenue"] = Field(
        default="discount", description="Book TikTok's own discount as a discount, or as revenue TikTok pays"
    )
    prices_include_tax: bool | None = Field(
        default=None, description="Whether TikTok's prices contain tax (VAT); unset: by the shop's region"
    )
    order_number_prefix: str = Field(
        default="TT-", max_length=12, pattern=r"^[A-Za-z0-9_-]*$", description="Store order number = this + TikTok's id"
    )
    link_patterns: tuple[str, ...] = Field(
        default=(), max_length=10, description="Further store order numbers another connector gives; {id} is TikTok's"
    )
    link_orders: bool = Field(
        default=True, description="Look in the store for orders another connector made, and settle them like any other"
    )
    link_note_patterns: tuple[str, ...] = Field(
        default=(), max_length=5, description="Texts another connector writes into the customer note; {id} is TikTok's"
    )
    money_tolerance: Decimal = Field(
        default=Decimal("0.05"),
        ge=0,
        le=1000,
        max_digits=6,
        decimal_places=2,
        description="How far credit memos may be from TikTok's own amounts, in the order's currency, to count as equal",
    )
    cancellation_sync: CancellationSync = CancellationSync()
