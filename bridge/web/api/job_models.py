"""Work that goes on behind an answer: sweeps, and any job as it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from bridge.web.api.models import Id
from bridge.web.bodies import Asked, Beginning


class NewSweep(Asked):
    connection: Id | None = Field(default=None, description="Only this one; left out: all")
    since: Beginning | None = Field(default=None, description="Changes from then on; left out: from the cursor")


class SweepOut(BaseModel):
    job: str


class JobOut(BaseModel):
    id: str
    kind: str
    state: str
    progress: dict[str, Any]
    result: dict[str, Any] | None
    because: str
    created_at: datetime
    updated_at: datetime
