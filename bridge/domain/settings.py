"""Settings of one TikTok Shop, as a merchant makes them under *Channel settings › Cancellation sync*."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


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


class RequestRule(_Settings):
    """One rule for buyers' requests. Every condition that is given must hold."""

    name: str = Field(min_length=1, max_length=80, description="What people call it; stands in the changelog")
    decision: Literal["approve", "reject", "hold"] = Field(description="The answer, or hold: leave it to a person")
    store_shipped: bool | None = Field(
        default=None, description="false: nothing of the request has left, by both sides; true: something has"
    )
    younger_than_hours: float | None = Field(
        default=None, gt=0, le=720, description="The order was placed on TikTok less than so many hours ago"
    )
    older_than_hours: float | None = Field(
        default=None, gt=0, le=720, description="The order was placed on TikTok so many hours ago or more"
    )
    reasons: tuple[str, ...] = Field(default=(), max_length=50, description="The buyer's reason is one of these keys")
    seller_skus: tuple[str, ...] = Field(
        default=(), max_length=500, description="Every unit of the request is of one of these seller SKUs"
    )
    total_at_most: Decimal | None = Field(
        default=None, ge=0, max_digits=12, decimal_places=2, description="The order's total, in its own currency"
    )
    reject_reason: str | None = Field(
        default=None, min_length=1, max_length=120, description="TikTok's reason key; for a rule that rejects"
    )
    comment: str = Field(default="", max_length=500, description="What the buyer is told with a rejection")

    @model_validator(mode="after")
    def _makes_sense(self) -> RequestRule:
        if self.decision == "reject" and not self.reject_reason:
            raise ValueError("a rule that rejects needs reject_reason: one of TikTok's keys")
        if self.decision != "reject" and (self.reject_reason or self.comment):
            raise ValueError("reject_reason and comment belong to a rule that rejects")
        young, old = self.younger_than_hours, self.older_than_hours
        if young is not None and old is not None and young <= old:
            raise ValueError("younger_than_hours must be more than older_than_hours: no order is both")
        return self


def check_names(rules: Iterable[RequestRule]) -> None:
    """Raises ValueError where two rules have one name."""
    counted = Counter(rule.name for rule in rules)
    twice = sorted(name for name, count in counted.items() if count > 1)
    if twice:
        raise ValueError(f"two rules are called {', '.join(twice)}: the changelog tells them apart by their names")


class BuyerRequests(_Settings):
    """Rules by which buyers' requests to cancel are answered before TikTok's deadline."""

    enabled: bool = Field(default=False, description="Let the rules answer; off: a person answers each request")
    effective_from: datetime | None = Field(
        default=None, description="Requests made before this are shown, never answered by a rule"
    )
    hold_fulfilment: bool = Field(
        default=False, description="Hold what is not sent yet in the store while a request waits, where the store can"
    )
    rules: tuple[RequestRule, ...] = Field(
        default=(), max_length=50, description="The first rule that matches decides; none: a person is asked"
    )

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: tuple[RequestRule, ...]) -> tuple[RequestRule, ...]:
        check_names(rules)
        return rules


class CancellationSync(_Settings):
    store_to_channel: StoreToChannel = StoreToChannel()
    channel_to_store: ChannelToStore = ChannelToStore()
    buyer_requests: BuyerRequests = BuyerRequests()


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
