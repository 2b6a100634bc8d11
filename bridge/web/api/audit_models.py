"""Who changed what by hand, as the API tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from bridge.web.api.models import Page
from bridge.web.bodies import Moment


class AuditQuery(Page):
    who: str | None = Field(default=None, max_length=191, description="Exactly this, such as `user kim`")
    what: str | None = Field(default=None, max_length=191, description="Exactly this, such as `shop shp_7 settings`")
    since: Moment | None = Field(default=None, description="From then on")
    until: Moment | None = Field(default=None, description="Up to then; not in it")


class ChangeOut(BaseModel):
    at: datetime
    who: str
    what: str
    before: Any
    after: Any


class AuditPage(BaseModel):
    changes: list[ChangeOut]
    next: str | None
