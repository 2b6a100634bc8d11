"""What the API tells of money proofs."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bridge.web.api.models import Id, Page
from bridge.web.api.proof_models import ProofOut, State


class ProofQuery(Page):
    state: State | None = None
    shop: Id | None = None


class ProofPage(BaseModel):
    proofs: list[ProofOut]
    counts: dict[str, int] = Field(description="Orders in each state, of this shop or of all")
    next: str | None
