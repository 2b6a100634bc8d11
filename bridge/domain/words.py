"""Small words for people: one unit, two units."""

from __future__ import annotations

from datetime import timedelta


def units(count: int) -> str:
    return f"{count} unit" if count == 1 else f"{count} units"


def are(count: int) -> str:
    """So many units are …"""
    return f"{units(count)} {'is' if count == 1 else 'are'}"


def lives(count: int) -> str:
    """So many units live on."""
    return f"{units(count)} {'lives' if count == 1 else 'live'} on"


def hours(span: timedelta) -> str:
    """A span of time in whole hours, or in minutes below one."""
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
