"""What a TikTok Shop's region says beforehand. Pure; the list is open, and what is not in it is not judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CURRENCIES: Final[Mapping[str, str]] = {
    "US": "USD",
    "GB": "GBP",
    "MX": "MXN",
    "BR": "BRL",
    "JP": "JPY",
    "ID": "IDR",
    "MY": "MYR",
    "PH": "PHP",
    "SG": "SGD",
    "TH": "THB",
    "VN": "VND",
    **dict.fromkeys(("AT", "BE", "DE", "ES", "FR", "IE", "IT", "NL", "PT"), "EUR"),
    "PL": "PLN",
}
"""Region → the currency its shops sell in (ISO 4217)."""
