"""Models of `/api/v1/restore-check`."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field

from bridge.web.bodies import Asked, Beginning


class NewRestoreCheck(Asked):
    since: Beginning | None = Field(
        default=None, description="Look for changes from then on; else from where the restored database had read to"
    )


class ResumeRestoreCheck(Asked):
    force: bool = Field(default=False, description="Although not everything was looked at")


class CheckedOrder(BaseModel):
    order: str
    channel_order: str
    store_number: str
    effect: str = Field(description="What would follow: create, invoice, refund, cancel, approve; empty: nothing")
    because: str


class RestoreCheckOut(BaseModel):
    state: str = Field(description="none, sweeping, marking, looking, ready or resumed")
    paused: bool = Field(description="No effect happens, in any process")
    who: str
    began_at: AwareDatetime | None
    ready_at: AwareDatetime | None
    resumed_at: AwareDatetime | None
    not_swept: dict[str, str] = Field(description="Connections that could not be read yet, and why")
    left: int = Field(description="Orders not looked at yet")
    looked_at: int
    counts: dict[str, int] = Field(description="Orders by verdict, by withheld effect (effect:refund), and adopted")
    effects: list[CheckedOrder] = Field(description="What would follow, at most 100 of them")
    held: list[CheckedOrder] = Field(description="What waits for a person, at most 100")
    adopted: list[CheckedOrder] = Field(description="Store orders found that the backup did not know, at most 100")
