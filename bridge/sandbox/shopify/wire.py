"""Forms of the wire: global ids, times, money, refusals."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from graphql import GraphQLError

Json = dict[str, Any]

_GID = re.compile(r"gid://shopify/(?P<type>\w+)/(?P<id>[^/?]+)(?:\?.*)?")
_CENT = Decimal("0.01")


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def split_gid(text: object) -> tuple[str, str]:
    """Type and id of a global id. `GraphQLError` for anything else, as for a variable that is none."""
    found = _GID.fullmatch(str(text))
    if found is None:
        raise refused(f"Invalid global id '{text}'", "INVALID_VARIABLE")
    return found["type"], found["id"]


def number_in(text: object, kind: str) -> int | None:
    """The number of a global id of this type, None for one of another type."""
    named, number = split_gid(text)
    return int(number) if named == kind and number.isdigit() else None


def refused(message: str, code: str, **extensions: Any) -> GraphQLError:
    """An error beside `data`, with Shopify's `extensions.code`."""
    return GraphQLError(message, extensions={"code": code, **extensions})


def stamp(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def money_text(amount: Decimal) -> str:
    """As GraphQL writes amounts: at least one decimal, no more than are needed (`39.98`, `20.0`)."""
    whole, _, parts = f"{cents(amount):f}".partition(".")
    return f"{whole}.{parts.rstrip('0') or '0'}"


def money(amount: Decimal, currency: str) -> Json:
    return {"amount": money_text(amount), "currencyCode": currency}


def bag(amount: Decimal, currency: str) -> Json:
    both = money(amount, currency)
    return {"shopMoney": both, "presentmentMoney": both}


def user_error(message: str, *field: str, code: str | None = None) -> Json:
    return {"field": list(field) or None, "message": message, "code": code}
