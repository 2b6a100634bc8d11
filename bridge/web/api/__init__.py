"""`/api/v1`: everything the pages do, as JSON with bearer tokens."""

from __future__ import annotations
