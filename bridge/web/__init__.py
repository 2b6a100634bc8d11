"""Everything that comes in over HTTP: deliveries, OAuth, the version check, the JSON API, health and metrics."""

from __future__ import annotations
