"""The address of a seller's region in its one spelling, however it was given. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from bridge.addresses import normalise_url

REGIONS: Final = {
    "na": "North America",
    "eu": "Europe, the Middle East and India",
    "fe": "Japan, Australia and Singapore",
}
_HOST: Final = re.compile(r"(sandbox\.)?sellingpartnerapi-(na|eu|fe)\.amazon\.com")
_SELLER: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


def base_of(url: str) -> str:
    """Where calls go: the address without the seller's name."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def region_of(url: str) -> str:
    """`na`, `eu` or `fe`; empty for another server, such as a sandbox of ours."""
    found = _HOST.fullmatch(urlsplit(url).hostname or "")
    return found.group(2) if found else ""


def seller_url(text: str | None, *, allow_private: bool) -> str:
    """`eu` → `https://sellingpartnerapi-eu.amazon.com`; `sandbox.eu` is Amazon's own sandbox of that region.

    All sellers of a region have one address. A second seller is told apart by any name of its own after it:
    `eu/A2SELLER` is kept as `https://sellingpartnerapi-eu.amazon.com/A2SELLER`. Raises ValueError with what is wrong.
    """
    given = (text or "").strip()
    if not given:
        raise ValueError(f"Give the seller's region: {', '.join(f'{key} ({name})' for key, name in REGIONS.items())}")
    head, _, seller = given.partition("/")
    box, _, word = head.lower().rpartition(".")
    if word in REGIONS and box in {"", "sandbox"} and "://" not in given:
        given = f"https://{'sandbox.' if box else ''}sellingpartnerapi-{word}.amazon.com/{seller}".rstrip("/")
    elif "://" not in given:
        given = f"https://{given}"
    parts = urlsplit(given)
    name = parts.path.strip("/")
    if name and not _SELLER.fullmatch(name):
        raise ValueError("after the region there may be the seller's own id or a name of letters and digits, no more")
    base = normalise_url(f"{parts.scheme}://{parts.netloc}", allow_private=allow_private)
    if not allow_private and not _HOST.fullmatch(urlsplit(base).hostname or ""):
        raise ValueError("Give the seller's region (na, eu or fe), or https://sellingpartnerapi-….amazon.com")
    return f"{base}/{name}" if name else base
