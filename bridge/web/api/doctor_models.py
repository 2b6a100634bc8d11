"""What doctor is asked, and what it says."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bridge.web.api.models import FindingOut
from bridge.web.bodies import Asked


class Look(Asked):
    mend: bool = Field(default=True, description="Bring the registrations to what they should be; false: only look")


class ConnectionHealth(BaseModel):
    id: str
    kind: str
    name: str
    state: str
    because: str
    looked_at: datetime | None = Field(description="When doctor last looked; null: never")
    findings: list[FindingOut] = Field(description="What was found then, or when it was connected")


class Health(BaseModel):
    version: str
    findings: list[FindingOut] = Field(description="About the service itself, as of now; what is wrong comes first")
    connections: list[ConnectionHealth]
