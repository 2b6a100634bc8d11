"""One order's money proof as the API tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

State = Literal["equal", "within", "different", "unknown"]


class ProofLineOut(BaseModel):
    """Amounts are decimal texts in the proof's currency."""

    what: str = Field(description="unit, shipping_and_fees, adjustment, other or not_cancelled")
    unit: str
    sku: str
    tiktok: str = Field(description="What TikTok pays back")
    store: str = Field(description="What the credit memos gave back")
    explained: str = Field(description="TikTok's own discount, booked as revenue")
    difference: str = Field(description="store - tiktok - explained")
    basis: str = Field(description="Where TikTok's amount comes from: told, share or price")


class ProofOut(BaseModel):
    order: str
    channel_order_id: str
    store_number: str | None
    shop: str
    state: State
    currency: str
    tiktok: str | None
    store: str | None
    difference: str | None = Field(description="What the store gave back too much; negative: too little")
    because: str
    lines: list[ProofLineOut]
    updated_at: datetime
