"""The core: takes what is due, reads both sides, compares, acts once, writes down why. Knows no platform."""

from __future__ import annotations
