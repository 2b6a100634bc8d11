"""What the API takes and gives about API tokens. A token's text is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from bridge.storage.api_tokens import Scope
from bridge.web.bodies import Asked


class NewToken(Asked):
    name: str = Field(max_length=200, description="What uses it, in 1 to 64 characters")
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=10,
        description="read: everything shown; act: decide about orders; configure: connections, settings, users, "
        "tokens. read is in the others",
    )


class TokenOut(BaseModel):
    id: str
    name: str
    scopes: list[Scope]
    mark: str = Field(description="The beginning of its SHA-256, as the audit names it")
    made_by: str
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the hour")
    ended_at: datetime | None = Field(description="Refused since then")
    token: str | None = Field(default=None, description="Only in the answer to its creation")


class TokenList(BaseModel):
    tokens: list[TokenOut] = Field(description="All that are accepted, then at most 200 in all with those ended")
