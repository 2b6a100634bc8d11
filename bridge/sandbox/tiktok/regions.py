"""What differs by market: currency, decimals, the market whose reason table applies, response times, addresses.

Sources: Partner Center "Cancel reasons" (markets), Seller University on response times (24 h in the US, 48 h in the
API overview); the API's `shops[].region` says GB where the reason table says UK.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

SEA = frozenset({"ID", "MY", "PH", "SG", "TH", "VN"})
EU = frozenset({"DE", "FR", "IT", "ES", "IE", "NL", "BE", "AT", "PL", "PT", "EU"})


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    market: str
    currency: str
    decimals: int
    response_hours: int
    city: str
    postal_code: str
    street: str
    phone: str

    def money(self, amount: Decimal) -> str:
        return str(amount.quantize(Decimal(1).scaleb(-self.decimals)))

    @property
    def lines_may_be_cancelled(self) -> bool:
        """Item-level cancel by the seller: only US and UK (Partner Center, cancellation overview)."""
        return self.market in {"US", "UK"}

    def address(self) -> dict[str, Any]:
        """A recipient as an order in fulfilment shows it, personal data masked the way TikTok masks it."""
        return {
            "full_address": f"{self.street}, {self.city} {self.postal_code}, {self.code}",
            "phone_number": self.phone,
            "name": "Robin Sample",
            "first_name": "Robin",
            "last_name": "Sample",
            "region_code": self.code,
            "postal_code": self.postal_code,
            "address_line1": self.street,
            "address_line2": "",
            "address_line3": "",
            "address_line4": "",
            "address_detail": self.street,
            "district_info": [
                {"address_level": "L0", "address_level_name": "Country", "address_name": self.code},
                {"address_level": "L1", "address_level_name": "State", "address_name": self.city},
                {"address_level": "L3", "address_level_name": "City", "address_name": self.city},
            ],
            "delivery_preferences": {"drop_off_location": ""},
        }


_TABLE: dict[str, tuple[str, int, int, str, str, str, str]] = {
    "US": ("USD", 2, 24, "San Jose", "95110", "100 Sample Street", "(+1)213-***-1234"),
    "GB": ("GBP", 2, 48, "London", "E1 6AN", "100 Sample Street", "(+44)20****1234"),
    "MX": ("MXN", 2, 48, "Guadalajara", "44100", "Calle Muestra 100", "(+52)33****1234"),
    "BR": ("BRL", 2, 48, "Campinas", "13010-000", "Rua Amostra 100", "(+55)19****1234"),
    "JP": ("JPY", 0, 48, "Yokohama", "220-0012", "Mihon 1-1-1", "(+81)45****1234"),
    "ID": ("IDR", 0, 48, "Bandung", "40111", "Jalan Contoh 100", "(+62)22****1234"),
    "MY": ("MYR", 2, 48, "Ipoh", "30000", "Jalan Contoh 100", "(+60)5****1234"),
    "PH": ("PHP", 2, 48, "Cebu", "6000", "100 Sample Street", "(+63)32****1234"),
    "SG": ("SGD", 2, 48, "Singapore", "018956", "100 Sample Road", "(+65)6****1234"),
    "TH": ("THB", 2, 24, "Chiang Mai", "50000", "100 Sample Road", "(+66)5****1234"),
    "VN": ("VND", 0, 48, "Da Nang", "550000", "100 Sample Road", "(+84)23****1234"),
}
_EURO = ("EUR", 2, 48, "Leipzig", "04109", "Musterweg 100", "(+49)34****1234")


def region_of(code: str) -> Region:
    """The facts of a region code; KeyError for a region where TikTok Shop does not sell."""
    if code in EU:
        return Region(code, "EU", *_EURO)
    if code == "UK":
        code = "GB"
    return Region(code, "UK" if code == "GB" else code, *_TABLE[code])
