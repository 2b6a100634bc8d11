"""What may be asked of an export."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from bridge.web.api.models import Id
from bridge.web.bodies import Asked


class ExportQuery(Asked):
    format: Literal["csv", "jsonl"] = "csv"
    since: AwareDatetime | None = Field(default=None, description="From then on")
    until: AwareDatetime | None = Field(default=None, description="Up to then; not in it")
    shop: Id | None = Field(default=None, description="Only this shop; the audit knows no shops")
