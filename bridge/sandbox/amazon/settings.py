"""How this seller's Amazon behaves where the documents leave room, or where a test wants trouble.

Every field can be changed while it runs: `PATCH /_control/settings`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bridge.sandbox.amazon.model import Status


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    first_status: Status = Field(Status.RECEIVED, description="of an order that was just made")
    status_upper: bool = Field(
        default=False, description="write 2020-07-01's statuses in capitals, as its own example does"
    )
    repeated_create: Literal["refused", "accepted"] = Field(
        "refused", description="a second order under a used id; accepted changes nothing (not confirmed live)"
    )
    created_status: Literal[200, 202] = Field(202, description="of a 2026-07-04 create; 200 shows the order at once")

    cancel_seconds: float | None = Field(
        0.0, ge=0, description="from an accepted cancellation to Cancelled; null waits for POST /_control/cancel/run"
    )
    cancel_lost_next: int = Field(
        0, ge=0, description="so many accepted cancellations come too late: the order becomes Processing"
    )
    cancel_new: Literal["refused", "accepted"] = Field("refused", description="in New (not confirmed live)")
    cancel_too_late: Literal["refused", "accepted"] = Field(
        "refused", description="from Processing on; accepted answers success and does nothing (not confirmed live)"
    )
    cancel_again: Literal["refused", "accepted"] = Field(
        "accepted", description="of an order that is Cancelled already (not confirmed live)"
    )

    missing_status: Literal[400, 403, 404] = Field(404, description="HTTP status for an order nobody knows")
    errors_in_success: int = Field(
        0, ge=0, description="so many writes are refused with status 200 and a list of errors, as the model allows"
    )

    page_size: int = Field(30, ge=1, description="orders on one page of a list")
    list_lag: float = Field(0.0, ge=0, description="seconds until a list shows a change that the order itself shows")

    token_seconds: int = Field(3600, ge=1, description="life of an access token")
    bad_token_status: Literal[401, 403] = Field(403, description="of a call with a token that ended or is none")

    rate: float = Field(2.0, gt=0, description="calls a second")
    burst: int = Field(30, ge=1, description="calls at once")
    rate_scope: Literal["application", "operation"] = Field(
        "application", description="one bucket for all calls of an app and a seller, or one for each operation"
    )
    rate_told: bool = Field(default=True, description="whether answers carry x-amzn-RateLimit-Limit")
    rate_enforced: bool = True
    throttle_next: int = Field(0, ge=0, description="so many calls are refused whatever the bucket holds")
