"""The buyer and the address of a TikTok order in Magento's columns. Pure.

TikTok masks or leaves out personal data by status and market; Magento refuses an address without its columns
(Magento\\Sales\\Model\\Order\\Address\\Validator), so what is absent gets a placeholder that says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bridge.domain.channel_order import ChannelOrder

ABSENT = "-"
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_NAME_LENGTH = 128
_LINE_LENGTH = 250


@dataclass(frozen=True, slots=True)
class Buyer:
    first_name: str
    last_name: str
    email: str


def buyer(order: ChannelOrder) -> Buyer:
    address = order.address
    first, last = address.first_name.strip(), address.last_name.strip()
    if not first and not last:
        first, _, last = address.name.strip().rpartition(" ")
    email = order.buyer_email.strip()
    if not _EMAIL.fullmatch(email) or ".." in email or email.startswith("."):
        # example.com is reserved (RFC 2606): nobody ever gets mail there.
        email = f"tiktok-{order.id}@example.com"
    return Buyer(_short(first, _NAME_LENGTH), _short(last, _NAME_LENGTH), email)


def address_rows(order: ChannelOrder, person: Buyer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The billing and the shipping address."""
    address = order.address
    street = [_short(line, _LINE_LENGTH) for line in address.street if line.strip()] or [ABSENT]
    row: dict[str, Any] = {
        "firstname": person.first_name,
        "lastname": person.last_name,
        "street": street,
        "city": _short(address.city, _NAME_LENGTH),
        "region": _short(address.region, _NAME_LENGTH),
        "postcode": _short(address.postal_code, 60),
        "country_id": _country(address.country or order.region),
        "telephone": _short(address.phone, 60),
        "email": person.email,
    }
    return row | {"address_type": "billing"}, row | {"address_type": "shipping"}


def _short(text: str, length: int) -> str:
    # Beyond the basic plane (emoji) MySQL's three-byte utf8, Magento's default up to 2.4.6, refuses the whole order.
    plain = "".join(letter for letter in text if letter <= "\uffff" and not "\ud800" <= letter <= "\udfff")
    return " ".join(plain.split())[:length] or ABSENT


def _country(code: str) -> str:
    """Two letters as Magento keeps them (ISO 3166-1); TikTok writes the United Kingdom both ways."""
    return {"UK": "GB"}.get(code.upper(), code.upper()[:2] or ABSENT)
