"""Migrations, run in the process by `bridge.storage.migrate`."""

from __future__ import annotations
