"""What the API tells of drifts, and of the rounds that find them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bridge.web.api.models import Id, Page
from bridge.web.bodies import Moment


class DriftQuery(Page):
    connection: Id | None = Field(default=None, description="Only of this connection: the side that did not tell")
    shop: Id | None = None
    since: Moment | None = Field(default=None, description="Found from then on")


class DriftOut(BaseModel):
    id: str
    order: str
    shop: str
    side: str = Field(description="Which side changed and did not tell: store or channel")
    connection: str
    effect: str = Field(description="What closes the difference")
    found_by: str = Field(description="sweep, audit or look")
    because: str
    changed_at: datetime | None = Field(description="By the remote's clock")
    found_at: datetime
    told_at: datetime | None = Field(description="When its message came after all; null: never")
    healed_at: datetime | None = Field(description="When both books were equal again; null: not yet")


class DriftCounts(BaseModel):
    """Of drifts found in this time."""

    side: str
    found: int
    by_audit: int = Field(description="Found by the daily audit: the sweep had missed them")
    told_late: int
    never_told: int
    healed: int
    open: int


class DriftTotals(BaseModel):
    last_day: list[DriftCounts]
    last_30_days: list[DriftCounts]


class DriftPage(BaseModel):
    drifts: list[DriftOut]
    totals: DriftTotals
    next: str | None


class CursorOut(BaseModel):
    """How far one list was swept."""

    scope: str = Field(description="A shop's id, or a store's connection")
    connection: str
    name: str = Field(description="What people call the shop or store")
    stream: str = Field(description="orders, cancellations or creditmemos")
    since: datetime | None = Field(description="Changes up to then, by the remote's clock, have been read")
    running: bool = Field(description="A pass is under way, or was broken off and goes on with the next sweep")
    pages: int = Field(description="Pages of the pass that runs, or of the last one")
    seen: int = Field(description="Changes on them")
    started_at: datetime | None
    finished_at: datetime | None
    passes: int


class AuditOut(BaseModel):
    """The last daily audit, or the one that runs."""

    started_at: datetime
    ended_at: datetime | None = Field(description="null: it runs, or was broken off and goes on within minutes")
    marked: int = Field(description="Orders it had looked at")
    found: int = Field(description="Drifts found by it, which the sweep had missed")


class RetentionOut(BaseModel):
    """The last round of what is forgotten, or the one that runs."""

    started_at: datetime
    ended_at: datetime | None
    gone: dict[str, int] = Field(description="Rows deleted or blanked, by what they were")


class SweepStatus(BaseModel):
    cursors: list[CursorOut]
    audit: AuditOut | None
    retention: RetentionOut | None
    drifts: DriftTotals
