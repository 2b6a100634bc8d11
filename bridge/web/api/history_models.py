"""What the routes of a shop's past take and give."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from bridge.web.api.job_models import JobOut
from bridge.web.api.models import Id, Page
from bridge.web.bodies import Asked

Direction = Literal["store_to_channel", "channel_to_store"]
OrderId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class NewHistory(Asked):
    days: int = Field(default=30, ge=1, le=90, description="How far back changes are looked at")
    directions: tuple[Direction, ...] = Field(
        default=("store_to_channel", "channel_to_store"),
        min_length=1,
        max_length=2,
        description="Which directions are taken as switched on; left out: both",
    )


class HistoryStarted(BaseModel):
    job: str


class HistoryQuery(Page):
    job: Id | None = Field(default=None, description="Which run; left out: the shop's newest")
    effect: str | None = Field(
        default=None,
        max_length=20,
        description="refund, cancel, … or held, nothing, all; left out: everything but nothing",
    )
    state: Literal["found", "applied"] | None = Field(default=None, description="left out: both")


class OrderNow(BaseModel):
    """How the order stands today."""

    id: str
    state: str
    because: str


class HistoryRow(BaseModel):
    channel_order_id: str
    store_order_id: str | None
    store_number: str | None
    effect: str | None = Field(description="Kind of the effect it would have caused; null: none")
    verdict: str
    because: str
    facts: dict[str, Any] = Field(description="Units, rows and quantities, restock or not, when the change happened, …")
    state: str = Field(description="found, or applied")
    found_at: datetime
    order: OrderNow | None = Field(description="null where the bridge never looked at it")


class HistoryOut(BaseModel):
    job: JobOut | None = Field(description="null: the past was never looked at")
    counts: dict[str, int] = Field(description="Orders by effect; without one: held, nothing")
    orders: list[HistoryRow]
    next: str | None


class Apply(Asked):
    job: Id
    orders: list[OrderId] = Field(min_length=1, max_length=200, description="TikTok Shop's order ids, out of the run")


class AppliedOrder(BaseModel):
    order: str
    state: Literal["accepted", "refused"]
    says: str


class AppliedOut(BaseModel):
    orders: list[AppliedOrder]
