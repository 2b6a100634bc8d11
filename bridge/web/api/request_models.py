"""What the API takes and gives about buyers' requests."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, StringConstraints, field_validator

from bridge.domain.settings import RequestRule, check_names
from bridge.web.bodies import Asked, Beginning

SEEN: Final[Any] = Field(
    default=None,
    max_length=200,
    description="`seen` of the item as it was read; where it says something else by now, nothing is done (409)",
)
CancellationId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class Approve(Asked):
    seen: str | None = SEEN
    request: CancellationId | None = Field(
        default=None, description="TikTok's id of the request; left out: the one with the nearest deadline"
    )


class Reject(Approve):
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)] = Field(
        description="One of TikTok's keys: GET …/reject-reasons"
    )
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = Field(
        default="", description="Shown to the buyer"
    )


class RejectReasonsQuery(Asked):
    request: CancellationId | None = Field(default=None, description="Left out: the one with the nearest deadline")


class RejectReasonOut(BaseModel):
    key: str
    text: str = Field(description="TikTok's words for it")


class RejectReasonsOut(BaseModel):
    request: str
    reasons: list[RejectReasonOut]
    note: str = Field(description="What to know about rejecting in this market; empty: nothing")


class BuyerRequestsChange(Asked):
    """Fields left out keep their value; the rules are replaced as a whole."""

    enabled: bool = False
    effective_from: Beginning | None = None
    hold_fulfilment: bool = False
    rules: list[RequestRule] = Field(default_factory=list, max_length=50)

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: list[RequestRule]) -> list[RequestRule]:
        check_names(rules)
        return rules
