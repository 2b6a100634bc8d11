"""Small words for people: one unit, two units."""

from __future__ import annotations


def units(count: int) -> str:
    return f"{count} unit" if count == 1 else f"{count} units"


def are(count: int) -> str:
    """So many units are …"""
    return f"{units(count)} {'is' if count == 1 else 'are'}"


def lives(count: int) -> str:
    """So many units live on."""
    return f"{units(count)} {'lives' if count == 1 else 'live'} on"
