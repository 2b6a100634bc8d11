"""How this store behaves where the documents leave room, or where a test wants trouble.

Every field can be changed while it runs: `PATCH /_control/settings`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    cancel_seconds: float | None = Field(
        0.0, ge=0, description="how long a cancel job runs; null waits for POST /_control/jobs/run"
    )
    cancel_checked: Literal["call", "job"] = Field(
        "call", description="who finds that an order cannot be cancelled: the call at once, or its job in the end"
    )
    cancel_fails_next: int = Field(0, ge=0, description="so many cancel jobs end FAILED with INTERNAL_ERROR")
    may_refund: bool = Field(default=True, description="false: NO_REFUND_PERMISSION for a cancel that refunds")
    node_knows_jobs: bool = Field(
        default=True, description="false: node() answers null for an OrderCancelJobResult (not confirmed live)"
    )
    restock_unclaimed: bool = Field(
        default=False, description="whether CANCEL restocks units that took no stock when placed (not confirmed live)"
    )

    api_versions: list[str] = Field(
        default=["2026-01", "2026-04", "2026-07", "2026-10"], min_length=1, description="the supported ones"
    )
    token_seconds: int = Field(86_399, ge=1, description="life of a client-credentials token")

    bucket_size: float = Field(2000.0, gt=0, description="points")
    restore_rate: float = Field(100.0, ge=0, description="points a second")
    query_maximum: int | None = Field(
        None, ge=1, description="points one document may ask for; Shopify says 1000, by a formula it does not publish"
    )
    throttled_status: Literal[200, 429] = Field(200, description="HTTP status of a THROTTLED answer")
    throttle_next: int = Field(0, ge=0, description="so many calls are THROTTLED whatever the bucket holds")

    webhooks_paused: bool = False
    webhooks_drop_next: int = Field(0, ge=0, description="so many deliveries are lost for good")
    webhooks_duplicate_next: int = Field(0, ge=0, description="so many deliveries are made twice")
    webhooks_reorder_next: int = Field(0, ge=0, description="so many deliveries are held, then made newest first")
    webhooks_retry_scale: float = Field(1.0, ge=0, description="factor on the eight waits, four hours in all")
    webhooks_new_id_on_retry: bool = Field(
        default=False, description="whether X-Shopify-Webhook-Id changes from try to try (sources disagree)"
    )
    webhooks_timeout: float = Field(5.0, gt=0, description="seconds a receiver has")
