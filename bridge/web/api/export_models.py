"""What may be asked of an export."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bridge.web.api.models import Id
from bridge.web.bodies import Asked, Moment


class ExportQuery(Asked):
    format: Literal["csv", "jsonl"] = Field(default="csv", description="CSV (RFC 4180), or JSON lines")
    since: Moment | None = Field(default=None, description="From then on")
    until: Moment | None = Field(default=None, description="Up to then; not in it")
    shop: Id | None = Field(default=None, description="Only this shop; the audit knows no shops")
