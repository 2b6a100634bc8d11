"""What the API takes and gives about users. A password goes in and never comes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from bridge.storage.users import Role
from bridge.web.bodies import Asked

Password = Annotated[SecretStr, Field(description="10 to 200 characters; kept as an argon2id hash, and never shown")]


class NewUser(Asked):
    name: str = Field(max_length=200, description="1 to 64 characters; upper and lower case are one name")
    password: Password
    role: Role = Field(default=Role.VIEWER, description="viewer: may look; manager: may change things")


class UserChange(Asked):
    """Fields left out keep their value."""

    role: Role | None = Field(default=None, description="viewer: may look; manager: may change things")
    password: Password | None = Field(default=None, description="A new one; ends the user's sessions")


class UserOut(BaseModel):
    id: str
    name: str
    role: Role = Field(description="viewer: may look; manager: may change things")
    created_at: datetime
    updated_at: datetime
    seen_at: datetime | None = Field(description="When the user last signed in")


class UserList(BaseModel):
    users: list[UserOut]
