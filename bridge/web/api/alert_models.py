"""What the API takes and gives about alerts. A secret is shown once, when it was made here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from bridge.domain.attention import AttentionKind
from bridge.web.api.models import Id, Name, Page
from bridge.web.bodies import Asked

Kinds = Annotated[list[AttentionKind], Field(min_length=1, max_length=100)]


class NewAlertTarget(Asked):
    kind: Literal["email", "webhook"]
    address: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)] = Field(
        description="An e-mail address, or a webhook's https address. Of an address only the host is shown again"
    )
    name: Name | None = Field(default=None, description="What people call it; default: its address as shown")
    kinds: Kinds | None = Field(
        default=None, description="Kinds of attention it is told of; left out: all that block something or run out"
    )
    secret: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="webhook: whsec_… that signs; left out: one is made and shown once"
    )


class AlertTargetChange(Asked):
    """Fields left out keep their value."""

    name: Name | None = None
    kinds: Kinds | None = Field(default=None, description="null: all that block something or run out")
    enabled: bool = Field(default=True, description="Off: nothing is told to it, and what waits for it is dropped")


class AlertTargetOut(BaseModel):
    id: str
    kind: str
    name: str
    address: str
    kinds: list[str] | None = Field(description="null: all that block something or run out")
    enabled: bool
    state: Literal["off", "untried", "works", "failing"]
    because: str = Field(description="Why the last message did not get through; empty when it did")
    failing_since: datetime | None
    sent_at: datetime | None = Field(description="When the last message got through")
    counts: dict[str, int] = Field(description="Alerts to it by state: waiting, sent, failed, dropped")
    created_at: datetime
    updated_at: datetime
    secret: str | None = Field(default=None, description="Only in the answer to its creation, where it was made here")


class AlertTargetList(BaseModel):
    targets: list[AlertTargetOut]


class AlertTested(BaseModel):
    delivered: bool
    because: str = Field(description="What the other side said, or why nothing arrived")


class AlertQuery(Page):
    state: Literal["waiting", "sent", "failed", "dropped"] | None = None
    target: Id | None = None


class AlertOut(BaseModel):
    id: str
    target: str
    attention: str | None
    message: str | None = Field(description="The message it went out with: webhook-id, or the name in Message-ID")
    state: str
    attempts: int
    due_at: datetime | None
    because: str
    body: dict[str, Any] = Field(description="What is told of the item")
    created_at: datetime
    ended_at: datetime | None


class AlertPage(BaseModel):
    alerts: list[AlertOut]
    next: str | None
