"""How this shop behaves where markets differ, where the documents leave room, or where a test wants trouble.

Every field can be changed while it runs: `PATCH /_control/settings`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    cancel_result: Literal["success", "pending"] = Field(
        "success", description="what a seller's cancel answers; pending waits for the control API"
    )
    completion: Literal["at_once", "by_control"] = Field(
        "at_once", description="when SUCCESS becomes COMPLETE; live captures show it at once"
    )
    replenish: Literal["auto", "absent", "true", "false"] = Field(
        "auto", description="should_replenish_stock; auto is true while no unit of it was made ready to ship"
    )
    seller_may_cancel_unpaid: bool = Field(
        default=False, description="the state matrix says no, the reason tables list reasons for it"
    )
    courier_may_be_stopped: bool = Field(default=True, description="false: AWAITING_COLLECTION refuses with 25001045")
    eligibility_202602: bool = Field(default=True, description="false: only version 202309 answers")
    partial_moves_update_time: bool = Field(
        default=False, description="whether a cancel of single lines moves the order's update_time (unknown)"
    )
    on_hold_seconds: int = Field(3600, ge=0, description="after this an ON_HOLD order goes on by itself")
    us_takes_reject: bool = Field(
        default=True, description="false: Reject in the US is refused with 25020004, as developers were told to stop"
    )
    response_hours: float | None = Field(None, ge=0, description="a buyer's request; null takes the market's own")
    wrong_sign_code: Literal[106001, 36009004] = 106001
    errors_with_http_200: bool = Field(default=False, description="every refusal travels with HTTP 200")

    access_token_ttl: int = Field(7 * 86400, ge=1, description="seconds")
    refresh_token_ttl: int = Field(365 * 86400, ge=1, description="seconds")
    consent: Literal["allow", "deny"] = "allow"
    consent_shops: list[str] | None = Field(None, description="shop ids the seller grants; null grants all")

    calls_per_second: int | None = Field(None, ge=1, description="per endpoint and shop; more is answered with 429")
    refuse_next: int = Field(0, ge=0, description="so many calls are answered with 429 whatever the rate")
    retry_after: int | None = Field(None, ge=0, description="seconds in Retry-After of a 429; null sends none")

    webhooks_paused: bool = False
    webhooks_drop_next: int = Field(0, ge=0, description="so many messages are lost for good")
    webhooks_duplicate_next: int = Field(0, ge=0, description="so many messages are sent twice")
    webhooks_reorder_next: int = Field(0, ge=0, description="so many messages are held, then sent newest first")
    webhooks_retry_scale: float = Field(1.0, ge=0, description="factor on 2 min, 30 min, 3 h, 12 h")
    webhooks_concurrency: int = Field(1, ge=1, le=64)
    webhooks_timeout: float = Field(3.0, gt=0, description="seconds a receiver has")
    webhooks_strict_addresses: bool = Field(
        default=False, description="the real rule: https, a domain name, no port, at most 255 characters"
    )
